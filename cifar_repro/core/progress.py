"""How long work says how far it is: the core counts, whoever calls it decides what to show."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Wraps the steps of a piece of work, `total` of them, named by `desc`, as `tqdm` does."""

    def __call__(self, steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]: ...


def no_progress(steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
    """Shows nothing."""
    return steps

"""What stands in, in a test, for what takes time: processes of a study, and figures."""

from collections.abc import Generator, Iterable
from typing import Any, TypeVar

import pytest

from cifar_repro.core.data import Cifar10
from cifar_repro.studies.jobs import EpochDone, Job, Outcome, finish

T = TypeVar("T")


def in_this_process(jobs: list[Job], data: Cifar10, processes: int = 1) -> Generator[EpochDone | Outcome]:
    """Does them one after the other in this process: a process of its own takes seconds to start."""
    for job in jobs:
        epochs: list[EpochDone] = []
        outcome = finish(job, data, lambda: epochs.append(EpochDone()))  # noqa: B023 - called at once
        yield from [*epochs, outcome]


class Shown:
    """Stands in for a bar of progress: keeps what each is told, and shows nothing."""

    def __init__(self) -> None:
        self.bars: list[dict[str, Any]] = []

    def __call__(self, steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
        self.bars.append({"total": total, "desc": desc})
        return steps


def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take most of the time of a tiny run."""
    for name in ("draw_data", "draw_results"):
        monkeypatch.setattr(f"cifar_repro.report.run_figures.{name}", lambda *arguments: None)

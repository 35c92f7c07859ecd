"""What the checks are made with: what a check is, the images and networks they feed, what they read off results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from cifar_repro.audits.subject import Subject
from cifar_repro.core.data import ImageSet, synthetic

Batches = list[tuple[torch.Tensor, torch.Tensor]]  # images and their labels


@contextmanager
def left_as_found() -> Iterator[None]:
    """Inside, threads may be set and the global generators seeded and drawn from; afterwards they are as before."""
    threads, torch_state, numpy_state = torch.get_num_threads(), torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 - the global one
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - the global one


@dataclass(frozen=True)
class Check:
    """One claim, which a function asserts of a subject."""

    name: str
    claim: str
    needs: tuple[str, ...]  # the names that the subject must have
    function: Callable[[Subject], None]

    def missing(self, subject: Subject) -> list[str]:
        """The needed names that the subject has not."""
        return [name for name in self.needs if not hasattr(subject, name)]

    def run(self, subject: Subject) -> None:
        """Raises AssertionError, with what is wrong, where the claim does not hold."""
        __tracebackhide__ = True
        with left_as_found():
            self.function(subject)


def check(*needs: str) -> Callable[[Callable[[Subject], None]], Check]:
    """Makes a function, whose docstring is the claim, a check that needs these names of its subject."""

    def made_of(function: Callable[[Subject], None]) -> Check:
        assert function.__doc__ is not None
        return Check(function.__name__, function.__doc__, needs, function)

    return made_of


def checks_in(*modules: ModuleType) -> dict[str, Check]:
    """The checks of these modules, by name, in the order in which they stand there."""
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Check)]
    return {check.name: check for check in found}


@cache
def numbered_images(n: int) -> ImageSet:
    """Synthetic images of mixed classes whose first two red pixels spell their index, for `numbers_of`."""
    drawn = synthetic(train=n, test=1).train
    images = drawn.images.clone()
    images[:, 0, 0, 0] = torch.arange(n) % 256
    images[:, 0, 0, 1] = torch.arange(n) // 256
    return ImageSet(images, drawn.labels)


def numbers_of(images: torch.Tensor) -> list[int]:
    """The indices spelt in normalised images."""
    low, high = ((images[:, 0, 0, column] * 0.5 + 0.5) * 255 for column in (0, 1))
    return (low.round() + 256 * high.round()).long().tolist()


def lesson_batches(n: int, size: int = 10) -> Batches:
    """Normalised images and labels in batches, made without the subject; the last one may be smaller."""
    data = numbered_images(n)
    images = (data.images.float() / 255 - 0.5) / 0.5
    return list(zip(images.split(size), data.labels.split(size), strict=True))


class Scores(nn.Module):
    """A network with nothing to learn: image i of a batch gets row i of the given logits, batch after batch."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits, self.seen = logits, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        start, self.seen = self.seen, self.seen + len(images)
        return self.logits[start : self.seen]


def linear_network() -> nn.Module:
    """Small, smooth and deterministic: its gradients can be worked out by hand."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))


def mean_loss(result: Any) -> float:
    """The mean loss that a train_epoch returned, as a number or as `.mean`."""
    return float(getattr(result, "mean", result))


@dataclass(frozen=True)
class Scored:
    loss: float
    correct: list[int]  # per class
    total: list[int]  # per class


def scored(result: Any) -> Scored:
    """What an evaluate returned: an Evaluation, or (loss, correct per class, total per class) as the lesson counts."""
    if isinstance(result, tuple):
        loss, correct, total = result
        return Scored(float(loss), [int(c) for c in correct], [int(t) for t in total])
    return Scored(result.loss, result.confusion.diagonal().tolist(), result.confusion.sum(1).tolist())


def seeded_net(subject: Subject, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network: nn.Module = subject.Net()
    return network


class CountingSGD(torch.optim.SGD):
    """SGD that remembers the gradients of each of its steps."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network.parameters(), lr=0.01)
        self.gradients: list[list[torch.Tensor]] = []
        self.register_step_post_hook(lambda *_: self._remember())

    def _remember(self) -> None:
        parameters = self.param_groups[0]["params"]
        self.gradients.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters])

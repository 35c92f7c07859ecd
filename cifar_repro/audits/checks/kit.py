"""What the checks are made with: what a check is, the images and networks they feed, what they read off results."""

import reprlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from cifar_repro.audits.lesson import TutorialNet
from cifar_repro.audits.subject import OtherInterface, Subject
from cifar_repro.core.data import ImageSet, synthetic
from cifar_repro.core.model import BlitzNet

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
    of_the_lesson: bool  # that it is as the lesson's: what is otherwise may be as right

    def missing(self, subject: Subject) -> list[str]:
        """The needed names that the subject has not."""
        return [name for name in self.needs if not hasattr(subject, name)]

    def run(self, subject: Subject) -> None:
        """Raises AssertionError, with what is wrong, where the claim does not hold."""
        __tracebackhide__ = True
        with left_as_found():
            self.function(subject)


def check(*needs: str, of_the_lesson: bool = False) -> Callable[[Callable[[Subject], None]], Check]:
    """Makes a function, whose docstring is the claim, a check that needs these names of its subject."""

    def made_of(function: Callable[[Subject], None]) -> Check:
        assert function.__doc__ is not None
        return Check(function.__name__, function.__doc__, needs, function, of_the_lesson)

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


def outputs(subject: Subject) -> nn.Module:
    """What makes of logits what the subject's own network puts out: logits, or their log-probabilities.

    The cross-entropy of either is the same; NLLLoss is right for the second alone. Of who has no network it is not
    known which they are for, and log-probabilities suit both.
    """
    if not hasattr(subject, "Net"):
        return nn.LogSoftmax(1)
    with torch.no_grad():
        found = seeded_net(subject).eval()(lesson_batches(20, 20)[0][0])
    logs = found.dim() == 2 and torch.allclose(found.logsumexp(1), torch.zeros(len(found)), atol=1e-4)
    return nn.LogSoftmax(1) if logs else nn.Identity()


def linear_network(subject: Subject | None = None) -> nn.Module:
    """Small, smooth and deterministic: its gradients can be worked out by hand. It puts out what the subject's does."""
    last = nn.Identity() if subject is None else outputs(subject)
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10), last)


def mean_loss(result: Any) -> float:
    """The mean loss that a train_epoch returned, as a number or as `.mean`."""
    try:
        return float(getattr(result, "mean", result))
    except (TypeError, ValueError):
        raise OtherInterface(f"its train_epoch returns {reprlib.repr(result)}, the checks read a mean loss") from None


@dataclass(frozen=True)
class Scored:
    loss: float
    correct: list[int]  # per class
    total: list[int]  # per class


def scored(result: Any) -> Scored:
    """What an evaluate returned: an Evaluation, or (loss, correct per class, total per class) as the lesson counts."""
    try:
        if isinstance(result, tuple):
            loss, correct, total = result
            return Scored(float(loss), [int(c) for c in correct], [int(t) for t in total])
        return Scored(result.loss, result.confusion.diagonal().tolist(), result.confusion.sum(1).tolist())
    except (AttributeError, TypeError, ValueError):
        what = "(loss, right per class, images per class)"
        raise OtherInterface(f"its evaluate returns {reprlib.repr(result)}, the checks read {what}") from None


def smaller_last_batch(function: Callable[[Batches], Any], batches: Batches) -> Any:
    """What the function makes of batches, the last of which is smaller; names the mistake of counting on their size."""
    try:
        return function(batches)
    except IndexError as error:
        raise AssertionError(
            f"it fails on batches of {len(batches[0][1])} images with a last, smaller one of {len(batches[-1][1])} "
            f"({error}): go through the images of each batch, len(labels), and not through batch_size"
        ) from None


def lesson_net(subject: Subject) -> nn.Module:
    """The network that the subject's is to be like: that of the lesson, or of PyTorch's tutorial."""
    return BlitzNet() if subject.recipe == "pytorch-blitz" else TutorialNet()


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

"""What the checks are made with: their registry, the images and networks they feed, and what they read off results."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from benchmarks import tutorial
from cifar_repro.core.data import ImageSet, synthetic
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.core.training import Epoch
from tests.subject import Subject

SEEDS = Seeds(split=1, init=2, order=3, dropout=4)
RECIPE = RECIPES["udacity"].with_changes({"epochs": 3, "batch_size": 5})
N = 23  # images: 19 to train on and 4 to validate on, floor(0.2 * 23); no multiple of the batch size


@dataclass(frozen=True)
class Check:
    """One claim. needs: the names that the subject must have."""

    name: str
    claim: str
    needs: tuple[str, ...]
    run: Callable[[Subject], None]


CHECKS: dict[str, Check] = {}


def check(*needs: str) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Registers a function as a check that needs these names of its subject."""

    def register(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
        assert function.__doc__ is not None
        CHECKS[function.__name__] = Check(function.__name__, function.__doc__, needs, function)
        return function

    return register


@cache
def numbered_images(n: int = N) -> ImageSet:
    """Synthetic images of mixed classes whose first two red pixels spell their index."""
    drawn = synthetic(train=n, test=1).train
    images = drawn.images.clone()
    images[:, 0, 0, 0] = torch.arange(n) % 256
    images[:, 0, 0, 1] = torch.arange(n) // 256
    return ImageSet(images, drawn.labels)


def numbers_of(images: torch.Tensor) -> list[int]:
    """The indices spelt in normalised images."""
    low, high = ((images[:, 0, 0, column] * 0.5 + 0.5) * 255 for column in (0, 1))
    return (low.round() + 256 * high.round()).long().tolist()


@cache
def lesson() -> tutorial.Progress:
    """What the lesson's own loop makes of RECIPE."""
    *_, progress = tutorial.train(numbered_images(), RECIPE, SEEDS)
    return progress


def lesson_batches(n: int = 30, size: int = 10) -> list[tuple[torch.Tensor, torch.Tensor]]:
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


@dataclass
class Fitted:
    """A run of `fit`, watched: the image numbers and sizes of every batch of every pass, by the pass's name."""

    training: Any
    passes: dict[str, list[list[int]]]
    states: list[dict[str, Any]]

    @property
    def epochs(self) -> list[Epoch]:
        epochs: list[Epoch] = self.training.epochs
        return epochs


def watched_fit(
    subject: Subject,
    recipe: Recipe = RECIPE,
    seeds: Seeds = SEEDS,
    between: Callable[[], Any] = lambda: None,
    **options: Any,
) -> Fitted:
    """A run of the subject's fit on the numbered images; `between` is called after each epoch."""
    passes: dict[str, list[list[int]]] = {}
    states: list[dict[str, Any]] = []

    def watch(batches: Iterable[Any], *, total: int, desc: str) -> Iterable[Any]:
        passes[desc] = []
        for images, labels in batches:
            passes[desc].append(numbers_of(images))
            yield images, labels

    def keep(epoch: Epoch, state: dict[str, Any]) -> None:
        states.append({name: copied(value) for name, value in state.items()})
        between()

    data = numbered_images()
    recipe = subject.modules["recipe"].Recipe(**vars(recipe))
    seeds = subject.modules["recipe"].Seeds(**vars(seeds))
    training = subject.fit(
        recipe, seeds, subject.ImageSet(data.images, data.labels), progress=watch, after_epoch=keep, **options
    )
    return Fitted(training, passes, states)


def plain_fit(subject: Subject) -> Fitted:
    """`watched_fit` of RECIPE, run once for each subject; not to be changed."""
    if "plain" not in subject.results:
        subject.results["plain"] = watched_fit(subject)
    fitted: Fitted = subject.results["plain"]
    return fitted


def copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def figures(epochs: list[Epoch]) -> list[tuple[Any, ...]]:
    """What must repeat of epochs: all but the seconds."""
    return [(e.epoch, e.train_loss, e.valid_loss, e.saved, e.weights_sha256) for e in epochs]


def seeded_net(subject: Subject, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network: nn.Module = subject.Net()
    return network


class CountingSGD(torch.optim.SGD):
    """SGD that remembers the gradients it was given."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network.parameters(), lr=0.01)
        self.gradients: list[list[torch.Tensor]] = []

    def step(self, closure: Any = None) -> None:
        parameters = self.param_groups[0]["params"]
        self.gradients.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters])
        super().step()

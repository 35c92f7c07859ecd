"""What the checks of the core alone are made with: a small run of the core, watched, and the lesson's own run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from benchmarks import tutorial
from cifar_repro.audits.checks.kit import numbered_images, numbers_of
from cifar_repro.audits.subject import Subject
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.core.training import Epoch

SEEDS = Seeds(split=1, init=2, order=3, dropout=4)
RECIPE = RECIPES["udacity"].with_changes({"epochs": 3, "batch_size": 5})
N = 23  # images: 19 to train on and 4 to validate on, floor(0.2 * 23); no multiple of the batch size


@cache
def lesson() -> tutorial.Progress:
    """What the lesson's own loop makes of RECIPE."""
    *_, progress = tutorial.train(numbered_images(N), RECIPE, SEEDS)
    return progress


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

    data = numbered_images(N)
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

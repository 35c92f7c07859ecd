"""One epoch of the `udacity` recipe, training and validation: the lesson's own loop and the engine."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import measures, tutorial
from cifar_repro.core.data import ImageSet
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.core.training import fit, split

GUESSING = math.log(10)  # the loss of equal probabilities for the ten classes
ONE = RECIPES["udacity"].with_changes({"epochs": 1})


@dataclass(frozen=True)
class EpochResult:
    """Mean losses of an epoch, and the seconds of its training and validation, without what comes before them.

    steps: what the optimizer has counted, where there is a count.
    """

    train_loss: float
    valid_loss: float
    seconds: float
    steps: int | None = None


Candidate = Callable[[ImageSet, Recipe, Seeds, str], EpochResult]  # images, recipe, seeds, device


def lesson(data: ImageSet, recipe: Recipe, seeds: Seeds, device: str) -> EpochResult:
    """The lesson's loop."""
    steps = tutorial.train(data, recipe, seeds, device)
    progress = next(steps)  # the first step builds loaders and network; the engine's clock starts after them, too
    start = time.perf_counter()
    for _ in steps:
        pass
    seconds = time.perf_counter() - start
    return EpochResult(progress.train_losses[0], progress.valid_losses[0], seconds)


def engine(memory_format: str) -> Candidate:
    """The engine in that memory format."""

    def run(data: ImageSet, recipe: Recipe, seeds: Seeds, device: str) -> EpochResult:
        epoch = fit(recipe, seeds, data.to(device), memory_format=memory_format).epochs[0]
        return EpochResult(epoch.train_loss, epoch.valid_loss, epoch.train_seconds + epoch.valid_seconds)

    return run


OWN = {"lesson": lesson, "contiguous": engine("contiguous"), "channels_last": engine("channels_last")}


# Whose losses each must have, so that none is compared with itself.
REFERENCE = {"lesson": "contiguous", "contiguous": "lesson", "channels_last": "lesson"}


def check_same(result: EpochResult, expected: EpochResult, *, exact: bool = False) -> None:
    """AssertionError unless the losses are those expected: exactly, or to 5 % of the way down from guessing.

    Rounding differs in channels_last and on a GPU, and the difference grows as the network learns. Over an epoch of
    10,000 images it was at most 0.2 % of that way, on real and on synthetic images; without training it is about 100 %.
    """
    for name in ("train_loss", "valid_loss"):
        found, wanted = getattr(result, name), getattr(expected, name)
        tolerance = 0.0 if exact else 0.05 * abs(GUESSING - wanted)
        assert abs(found - wanted) <= tolerance, f"{name}: {found} instead of {wanted}"


def check_done(result: EpochResult, n: int) -> None:
    """AssertionError unless all steps of an epoch on `n` images were made and did no harm.

    For candidates with initial weights and an order of their own, whose losses cannot be foretold.
    """
    steps = math.ceil(len(split(ONE, Seeds(), n)[0]) / ONE.batch_size)
    assert result.steps == steps, f"{result.steps} optimizer steps instead of {steps}"
    # Some hundred steps of this slow recipe are little better than guessing on real images.
    for loss in (result.train_loss, result.valid_loss):
        assert 0 < loss < 1.05 * GUESSING, f"loss {loss}: worse than guessing"


def epoch_flops(n: int) -> int:
    """FLOPs of an epoch of `udacity` on `n` images, those held out for validation among them."""
    train, valid = (len(indices) for indices in split(ONE, Seeds(), n))
    forward, backward = measures.forward_flops(Net()), measures.backward_flops(Net())
    return train * (forward + backward) + valid * forward

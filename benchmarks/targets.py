"""Accuracy targets: what a right build reaches all but surely, from accuracies measured over seeds.

The accuracies of n seeds are taken for draws of one normal distribution; their mean is m, their standard deviation
(with n - 1) s. One further run then falls below m - k s with probability p where

    k = t(1 - p, n - 1) sqrt(1 + 1 / n)

the one-sided lower prediction bound for one future observation (G. J. Hahn and W. Q. Meeker, Statistical Intervals,
1991, section 4.8). It holds for a run that had no part in m and s, so a target is checked with a seed of its own.

    python -m benchmarks.targets

prints them.
"""

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from scipy.stats import t as student_t

from cifar_repro.core.data import Cifar10
from cifar_repro.core.model import build_network
from cifar_repro.core.progress import no_progress
from cifar_repro.core.recipe import Recipe
from cifar_repro.runs.record import Data
from cifar_repro.runs.run import evaluate_images

FILE = Path(__file__).with_name("targets.json")  # written by `python -m benchmarks.measure_targets`
FALSE_ALARM = 0.001  # the probability that a right build misses a target
CHECKED_SEED = 1_000  # never among the measured ones


def factor(n: int) -> float:
    """k for the accuracies of `n` seeds, 2 or more."""
    return float(student_t.ppf(1 - FALSE_ALARM, n - 1)) * math.sqrt(1 + 1 / n)


def kind_of(data: Data) -> str:
    """What targets distinguish: "synthetic", "official", "reordered" (official, in another order) or "unofficial"."""
    if data.kind == "synthetic":
        return "synthetic"
    if data.reordered:
        return "reordered"
    return "official" if data.official else "unofficial"


def accuracy(weights: Mapping[str, torch.Tensor], recipe: Recipe, data: Cifar10, device: torch.device) -> float:
    """The test accuracy, 0 to 1, of the recipe's network with those weights. Draws from the global generator."""
    network = build_network(recipe)
    network.load_state_dict(weights)
    return evaluate_images(network, data, recipe, device, "contiguous", no_progress).accuracy


@dataclass(frozen=True)
class Distribution:
    """Test accuracies, 0 to 1, of a recipe's best weights after a number of epochs, one of each seed.

    fingerprints: of the training and test images that they hold for. measured: when and where, for people.
    """

    recipe: str
    data: str
    epochs: int
    fingerprints: Mapping[str, str]
    accuracy: Mapping[str, float]
    measured: Mapping[str, Any]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.accuracy.values())

    @property
    def sd(self) -> float:
        return statistics.stdev(self.accuracy.values())

    @property
    def target(self) -> float:
        """The accuracy that a run with another seed misses less than once in 1,000 times."""
        return self.mean - factor(len(self.accuracy)) * self.sd

    def __str__(self) -> str:
        n, what = len(self.accuracy), f"{self.recipe}, {self.data}, {self.epochs} epochs"
        if n == 1:
            return f"{what}: 1 seed"
        k = factor(n)
        return f"{what}: {n} seeds, mean {self.mean:.2%}, sd {self.sd:.2%}, k {k:.3f}, target {self.target:.2%}"


def read(path: Path = FILE) -> list[Distribution]:
    """The measured distributions, none where nothing was measured yet."""
    if not path.exists():
        return []
    return [Distribution(**entry) for entry in json.loads(path.read_bytes())]


def find(recipe: str, data: str, epochs: int, path: Path = FILE) -> Distribution | None:
    """The distribution of that recipe on that kind of data after that many epochs."""
    found = [d for d in read(path) if (d.recipe, d.data, d.epochs) == (recipe, data, epochs)]
    return found[0] if found else None


if __name__ == "__main__":
    for distribution in read():
        print(distribution)

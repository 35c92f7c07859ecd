"""Losses of a pass over batches, and the evaluation of a network."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.layouts import CLASSES


@dataclass(frozen=True)
class StepLosses:
    """The mean loss of each batch of a pass, in step order, and the number of images in each batch."""

    losses: list[float]
    sizes: list[int]

    @classmethod
    def collect(cls, losses: list[torch.Tensor], sizes: list[int], phase: str) -> "StepLosses":
        """From 0-dimensional tensors; this is where a pass waits for the device, once.

        Raises NonFiniteLoss, naming the first step of the `phase`, if one is NaN or infinite.
        """
        stacked = torch.stack(losses) if losses else torch.empty(0)
        finite = stacked.isfinite().tolist()
        values = stacked.tolist()
        if not all(finite):
            step = finite.index(False)
            raise NonFiniteLoss(phase, step + 1, values[step])
        return cls(values, sizes)

    @property
    def mean(self) -> float:
        """The mean over images: the float64 sum, in step order, of loss * batch size, over the number of images."""
        total = 0.0
        for loss, size in zip(self.losses, self.sizes, strict=True):
            total += loss * size
        return total / sum(self.sizes)

    def running(self, window: int) -> list[float]:
        """The mean over each `window` steps in turn, every step counting alike, as PyTorch's tutorial prints it.

        Steps left over at the end are in none of them; there are none if `window` is 0.
        """
        means: list[float] = []
        total = 0.0
        for step, loss in enumerate(self.losses, start=1):
            total += loss
            if window and step % window == 0:
                means.append(total / window)
                total = 0.0
        return means


@dataclass(frozen=True)
class Evaluation:
    """What a network makes of N images.

    losses: the loss of each batch. confusion: (10, 10) int64, rows the true class, columns the predicted one.
    predicted: (N,) int64, the class of the largest logit (the first of equal ones), in the images' order.
    """

    losses: StepLosses
    confusion: torch.Tensor
    predicted: torch.Tensor

    @property
    def loss(self) -> float:
        return self.losses.mean

    @property
    def correct(self) -> int:
        return int(self.confusion.trace())

    @property
    def total(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of images whose predicted class is the true one, 0 to 1."""
        return self.correct / self.total

    def as_record(self) -> dict[str, Any]:
        """The `test` entry of a record: plain numbers, ready for JSON."""
        confusion = self.confusion.tolist()
        per_class = [
            {"name": name, "correct": confusion[label][label], "total": sum(confusion[label])}
            for label, name in enumerate(CLASSES)
        ]
        return {
            "loss": self.loss,
            "correct": self.correct,
            "total": self.total,
            "per_class": per_class,
            "confusion": confusion,
        }


@contextmanager
def mode(network: nn.Module, training: bool) -> Iterator[None]:
    """Inside, the network is in training mode or not; afterwards it and each of its modules is as it was before."""
    before = [(module, module.training) for module in network.modules()]
    network.train(training)
    try:
        yield
    finally:
        for module, was in before:
            module.training = was


def evaluate(network: nn.Module, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Evaluation:
    """Runs the network over (images, labels) batches, dropout off and without gradients.

    Images (B, 3, 32, 32) float32 as the network takes them, labels (B,) int64 from 0 to 9. Every image counts once,
    those of a last, smaller batch included. Raises NonFiniteLoss if a loss is NaN or infinite, InputError where there
    is no batch.
    """
    losses: list[torch.Tensor] = []
    predicted: list[torch.Tensor] = []
    true: list[torch.Tensor] = []
    with mode(network, training=False), torch.inference_mode():
        for images, labels in batches:
            logits = network(images)  # (B, 10)
            losses.append(F.cross_entropy(logits, labels))
            predicted.append(logits.argmax(1))
            true.append(labels)
        if not true:
            raise InputError("batches: there are none to evaluate: give at least one")
        step_losses = StepLosses.collect(losses, [len(labels) for labels in true], "evaluation")
    all_predicted, all_true = torch.cat(predicted).cpu(), torch.cat(true).cpu()
    n = len(CLASSES)
    confusion = torch.bincount(all_true * n + all_predicted, minlength=n * n).view(n, n)
    return Evaluation(step_losses, confusion, all_predicted)

"""Evaluation against torchmetrics, which knows nothing of this code."""

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cifar_repro.core.evaluation import evaluate
from cifar_repro.core.layouts import CLASSES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torchmetrics warns of optional parts that are not installed
    from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix


class Fixed(nn.Module):
    """Gives prepared logits, a batch at a time."""

    def __init__(self, logits: list[torch.Tensor]) -> None:
        super().__init__()
        self.logits = iter(logits)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return next(self.logits)


@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=60),
    batch_size=st.integers(1, 25),
    seed=st.integers(0, 2**31),
    levels=st.integers(1, 4),
)
def test_evaluation_agrees_with_torchmetrics(labels: list[int], batch_size: int, seed: int, levels: int) -> None:
    """For any mix of classes, batch size and logits, ties included: confusion, overall and per-class accuracy agree."""
    true = torch.tensor(labels)
    # Few levels make ties common; both take the first of equal logits.
    logits = torch.randint(0, levels + 1, (len(labels), 10), generator=torch.Generator().manual_seed(seed)).float()
    images = torch.zeros(len(labels), 3, 32, 32)
    batches = list(zip(images.split(batch_size), true.split(batch_size), strict=True))
    result = evaluate(Fixed(list(logits.split(batch_size))), batches)

    confusion, accuracy = MulticlassConfusionMatrix(10), MulticlassAccuracy(10, average="micro")
    for part, (_, part_labels) in zip(logits.split(batch_size), batches, strict=True):
        confusion.update(part, part_labels)
        accuracy.update(part, part_labels)
    assert torch.equal(result.confusion, confusion.compute())
    assert result.accuracy == pytest.approx(accuracy.compute().item(), abs=1e-6)
    assert torch.equal(result.predicted, logits.argmax(1))
    assert result.loss == pytest.approx(nn.functional.cross_entropy(logits, true).item(), abs=1e-5)

    record = result.as_record()
    assert record["correct"] == sum(entry["correct"] for entry in record["per_class"])
    assert record["total"] == len(labels) == sum(entry["total"] for entry in record["per_class"])
    for label, entry in enumerate(record["per_class"]):
        assert entry["name"] == CLASSES[label]
        assert entry["total"] == labels.count(label)

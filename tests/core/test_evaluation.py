"""Evaluation against torchmetrics, which knows nothing of this code."""

import json
import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.evaluation import StepLosses, evaluate
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.model import Net

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


def test_a_loss_that_is_no_number_names_the_evaluation() -> None:
    """The error of an evaluation says so, with the first bad step, counted from 1, and its value."""
    good, bad = torch.zeros(2, 10), torch.tensor([[math.inf, *[0.0] * 9]]).expand(2, 10)
    batch = (torch.zeros(2, 3, 32, 32), torch.tensor([1, 2]))
    with pytest.raises(NonFiniteLoss, match=r"^the loss of evaluation step 2 is nan$") as error:
        evaluate(Fixed([good, bad, bad]), [batch] * 3)
    assert (error.value.phase, error.value.step) == ("evaluation", 2)
    assert math.isnan(error.value.loss)


def test_the_record_of_an_evaluation_is_plain_numbers() -> None:
    """`as_record` has the loss, the counts, overall and for each class, and the confusion, ready for JSON."""
    true, scores = torch.tensor([0, 0, 9, 3]), torch.zeros(4, 10)
    for image, predicted in enumerate([0, 5, 9, 3]):
        scores[image, predicted] = 1.0
    batches = [(torch.zeros(2, 3, 32, 32), true[:2]), (torch.zeros(2, 3, 32, 32), true[2:])]
    result = evaluate(Fixed([scores[:2], scores[2:]]), batches)
    confusion = [[0] * 10 for _ in range(10)]
    confusion[0][0] = confusion[0][5] = confusion[9][9] = confusion[3][3] = 1
    counts = {"airplane": (1, 2), "cat": (1, 1), "truck": (1, 1)}
    record = result.as_record()
    assert record == {
        "loss": result.loss,
        "correct": 3,
        "total": 4,
        "per_class": [
            {"name": name, "correct": counts.get(name, (0, 0))[0], "total": counts.get(name, (0, 0))[1]}
            for name in CLASSES
        ],
        "confusion": confusion,
    }
    assert json.loads(json.dumps(record)) == record
    assert result.accuracy == 0.75
    assert result.losses.sizes == [2, 2]


@pytest.mark.parametrize("before", [True, False])
def test_no_gradients_and_no_dropout_in_an_evaluation(before: bool) -> None:
    """Inside, the network is in evaluation mode and makes no graph; afterwards it is in the mode it was in."""
    seen = []

    class Watched(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append((self.training, torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
            return torch.zeros(len(images), 10)

    network = Watched().train(before)
    evaluate(network, [(torch.zeros(2, 3, 32, 32), torch.tensor([1, 2]))])
    assert seen == [(False, False, True)]
    assert network.training is before


def test_a_mean_is_summed_up_in_the_order_of_the_steps() -> None:
    """In float64, rounded at each step: after a large loss two small ones are lost; before it, they are not."""
    assert StepLosses([2.0**53, 1.0, 1.0], [1, 1, 1]).mean == 2**53 / 3
    assert StepLosses([1.0, 1.0, 2.0**53], [1, 1, 1]).mean == (2**53 + 2) / 3 != 2**53 / 3


def test_running_means_are_over_whole_windows() -> None:
    """Each window's mean counts its steps alike, whatever their sizes; what is left over at the end is left out."""
    losses = StepLosses([1.0, 2.0, 4.0, 6.0, 9.0], [4, 4, 4, 4, 1])
    assert losses.running(2) == [1.5, 5.0]
    assert losses.running(1) == losses.losses
    assert losses.running(6) == losses.running(0) == []


def test_no_batches_are_told() -> None:
    """Of nothing there is no loss and no accuracy: an error that says so."""
    with pytest.raises(InputError, match=r"^batches: there are none to evaluate"):
        evaluate(Net(), [])

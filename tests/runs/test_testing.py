"""Testing the network of a run."""

import pytest
import torch

from cifar_repro.core.data import synthetic
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES
from cifar_repro.runs.run import evaluate_images
from tests.workers import Shown


@pytest.mark.parametrize(("images", "batches"), [(20, 1), (21, 2), (40, 2)])
def test_progress_counts_the_batches_of_a_test(images: int, batches: int) -> None:
    """The last of them, which may be smaller, too."""
    shown = Shown()

    data, recipe = synthetic(1, images), RECIPES["udacity"]
    result = evaluate_images(Net(0.0), data, recipe, torch.device("cpu"), "contiguous", shown)
    assert result.confusion.sum() == images
    assert shown.bars == [{"total": batches, "desc": "testing"}]

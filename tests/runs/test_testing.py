"""Testing the network of a run."""

from collections.abc import Iterable
from typing import Any

import pytest
import torch

from cifar_repro.core.data import synthetic
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES
from cifar_repro.runs.run import evaluate_images


@pytest.mark.parametrize(("images", "batches"), [(20, 1), (21, 2), (40, 2)])
def test_progress_counts_the_batches_of_a_test(images: int, batches: int) -> None:
    """The last of them, which may be smaller, too."""
    shown: list[dict[str, Any]] = []

    def progress(steps: Iterable[Any], **bar: Any) -> Iterable[Any]:
        shown.append(bar)
        return steps

    data, recipe = synthetic(1, images), RECIPES["udacity"]
    result = evaluate_images(Net(0.0), data, recipe, torch.device("cpu"), "contiguous", progress)
    assert result.confusion.sum() == images
    assert shown == [{"total": batches, "desc": "testing"}]

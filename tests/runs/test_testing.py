"""Testing the network of a run."""

import pytest
import torch

from cifar_repro.core.data import synthetic
from cifar_repro.core.model import Net, build_network
from cifar_repro.core.progress import no_progress
from cifar_repro.core.recipe import RECIPES
from cifar_repro.core.training import MEMORY_FORMATS
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


@pytest.mark.parametrize("memory_format", MEMORY_FORMATS)
@pytest.mark.parametrize(("recipe", "least"), [("udacity", -1.0), ("keras-cnn", 0.0)])
def test_the_network_sees_test_images_as_it_saw_the_others(recipe: str, least: float, memory_format: str) -> None:
    """In the recipe's range of pixels and in the run's memory format, in which its weights are, too."""
    seen: list[torch.Tensor] = []
    network = build_network(RECIPES[recipe])
    network.get_submodule("conv1").register_forward_pre_hook(
        lambda layer, inputs: seen.extend((inputs[0], layer.weight))
    )
    evaluate_images(network, synthetic(1, 20), RECIPES[recipe], torch.device("cpu"), memory_format, no_progress)
    assert (seen[0].min(), seen[0].max()) == (least, 1.0)
    for tensor in seen:
        assert tensor.is_contiguous(memory_format=MEMORY_FORMATS[memory_format])

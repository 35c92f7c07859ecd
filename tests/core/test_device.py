"""On the device that --device names: equal seeds give equal bits, and the numbers are the CPU's but for rounding."""

import pytest
import torch

from cifar_repro.core.data import Cifar10, ImageSet
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import Training, fit
from cifar_repro.core.transforms import flip_rotate, normalize

RECIPE = RECIPES["udacity"].with_changes({"epochs": 2})


@pytest.fixture(scope="module")
def few(small_data: Cifar10) -> ImageSet:
    return ImageSet(small_data.train.images[:133], small_data.train.labels[:133])


def losses(training: Training) -> list[tuple[float, float]]:
    return [(epoch.train_loss, epoch.valid_loss) for epoch in training.epochs]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_two_runs_agree_to_the_bit(memory_format: str, few: ImageSet, device: torch.device) -> None:
    """Two runs with the same seeds have equal losses and weights on this device, in either memory format."""
    one, other = (fit(RECIPE, Seeds(), few.to(device), memory_format=memory_format) for _ in range(2))
    assert losses(one) == losses(other)
    assert one.epochs[-1].weights_sha256 == other.epochs[-1].weights_sha256


def test_losses_are_the_cpus_but_for_rounding(few: ImageSet, device: torch.device) -> None:
    """Without dropout, whose masks differ by device, losses agree with the CPU's within 0.001."""
    recipe = RECIPE.with_changes({"dropout": 0.0})
    here, cpu = (fit(recipe, Seeds(), few.to(where)) for where in (device, "cpu"))
    assert torch.allclose(torch.tensor(losses(here)), torch.tensor(losses(cpu)), atol=1e-3)


def test_pixels_are_the_cpus(few: ImageSet, device: torch.device) -> None:
    """Normalised and augmented pixels equal the CPU's to the bit."""
    values = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(normalize(values.to(device)).cpu(), normalize(values))
    torch.manual_seed(0)
    expected = flip_rotate(few.images)
    torch.manual_seed(0)
    assert torch.equal(flip_rotate(few.images.to(device)).cpu(), expected)


def test_resuming_on_cuda_goes_on_to_the_same_bits(few: ImageSet, cuda: torch.device) -> None:
    """With CUDA's own generator in the state, a resumed run ends as one that never stopped."""
    states = []
    whole = fit(RECIPE, Seeds(), few.to(cuda), after_epoch=lambda epoch, state: states.append(state))
    resumed = fit(RECIPE, Seeds(), few.to(cuda), resume=states[0])
    assert losses(resumed) == losses(whole)
    assert resumed.epochs[-1].weights_sha256 == whole.epochs[-1].weights_sha256

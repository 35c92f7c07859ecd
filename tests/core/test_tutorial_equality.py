"""The engine gives, to the last bit, what the lesson's own pipeline gives."""

from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from benchmarks import tutorial
from cifar_repro.core.checkpoint import plain_weights, weights_digest
from cifar_repro.core.data import Cifar10, ImageSet, batches
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.seeding import isolated, order_generator, seed_global
from cifar_repro.core.training import fit, split, train_epoch
from cifar_repro.core.transforms import flip_rotate, normalize, rotate

SEEDS = Seeds(split=1, init=2, order=3, dropout=4)
LESSONS = ("udacity", "udacity-augmented")
CPU = torch.device("cpu")
STEPS = 40  # of real images it is a hundred: tests/core/test_real_images.py


def some(data: ImageSet, n: int) -> ImageSet:
    return ImageSet(data.images[:n], data.labels[:n])


@pytest.mark.parametrize("name", LESSONS)
def test_every_loss_and_every_weight_of_forty_steps_equals_the_tutorial(name: str, small_data: Cifar10) -> None:
    """Dropout on: each step's loss, and each parameter after each step, equals that of the lesson's pipeline."""
    recipe = RECIPES[name]
    train_idx, _ = split(recipe, SEEDS, len(small_data.train))
    with isolated(CPU):
        steps = tutorial.train(small_data.train, recipe, SEEDS)
        theirs = []
        for progress in islice(steps, STEPS):
            theirs.append({name: tensor.clone() for name, tensor in progress.weights.items()})
        their_losses = progress.step_losses

    ours = []

    class Watched(torch.optim.SGD):
        def step(self) -> None:  # type: ignore[override]
            super().step()
            ours.append(plain_weights(network))

    with isolated(CPU):
        seed_global(SEEDS.init, CPU)
        network = Net(recipe.dropout)
        optimizer = Watched(network.parameters(), lr=recipe.learning_rate)
        order = train_idx[torch.randperm(len(train_idx), generator=order_generator(SEEDS.order))]
        seed_global(SEEDS.dropout, CPU)
        made = batches(
            small_data.train, order[: STEPS * recipe.batch_size], recipe.batch_size, augmentation=recipe.augmentation
        )
        losses = train_epoch(network, made, optimizer).losses

    assert losses == their_losses
    assert len(ours) == len(theirs) == STEPS
    for step, (our, their) in enumerate(zip(ours, theirs, strict=True), start=1):
        assert list(our) == list(their)
        for key in our:
            assert torch.equal(our[key], their[key]), f"{key} differs after step {step}"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", LESSONS)
def test_whole_epochs_equal_the_tutorial(name: str, threads: int, small_data: Cifar10) -> None:
    """Losses, saves and final weights of two epochs with smaller last batches equal the lesson's."""
    torch.set_num_threads(threads)
    data = some(small_data.train, 133)  # 107 training and 26 validation images: neither is a multiple of 20
    recipe = RECIPES[name].with_changes({"epochs": 2})
    with isolated(CPU):
        *_, theirs = tutorial.train(data, recipe, SEEDS)
    ours = fit(recipe, SEEDS, data)
    assert [epoch.train_loss for epoch in ours.epochs] == theirs.train_losses
    assert [epoch.valid_loss for epoch in ours.epochs] == theirs.valid_losses
    assert [epoch.saved for epoch in ours.epochs] == theirs.saved
    assert ours.epochs[-1].weights_sha256 == weights_digest(theirs.weights)


def test_an_epoch_as_good_as_the_best_is_saved_as_by_the_tutorial(small_data: Cifar10) -> None:
    """Without learning each epoch has the same validation loss, and each is saved."""
    few = some(small_data.train, 50)
    recipe = RECIPES["udacity"].with_changes({"epochs": 3, "learning_rate": 1e-30})
    with isolated(CPU):
        *_, theirs = tutorial.train(few, recipe, SEEDS)
    ours = fit(recipe, SEEDS, few)
    assert len(set(theirs.valid_losses)) == 1
    assert [epoch.saved for epoch in ours.epochs] == theirs.saved == [True] * 3


def test_normalisation_equals_torchvision_for_every_value() -> None:
    """All 256 pixel values, in each memory format, become what ToTensor and Normalize(0.5, 0.5) make of them."""
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = np.stack([values, values[::-1], values.T], axis=2)  # (16, 16, 3)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
    theirs = transform(Image.fromarray(pixels))
    ours = torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]
    for layout in (torch.contiguous_format, torch.channels_last):
        assert torch.equal(normalize(ours.contiguous(memory_format=layout))[0], theirs)


def test_rotation_equals_pillow(small_data: Cifar10) -> None:
    """Pixels of 1,000 images turned by angles from -10 to 10 degrees, the ends and zero included, equal Pillow's."""
    images = small_data.train.images[:1_000]
    degrees = torch.linspace(-10, 10, 1_000).double()
    degrees[500] = 0.0
    ours = rotate(images, degrees)
    for image, angle, turned in zip(images, degrees.tolist(), ours, strict=True):
        theirs = Image.fromarray(image.permute(1, 2, 0).numpy()).rotate(angle)
        assert np.array_equal(turned.permute(1, 2, 0).numpy(), np.asarray(theirs)), f"at {angle} degrees"


def test_augmentation_equals_torchvision_draw_for_draw(small_data: Cifar10) -> None:
    """Flips and angles of 1,000 images are torchvision's own, and leave the generator where torchvision leaves it."""
    images = small_data.train.images[:1_000]
    theirs = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomRotation(10)])
    with isolated(CPU):
        seed_global(7, CPU)
        expected = [np.asarray(theirs(Image.fromarray(image.permute(1, 2, 0).numpy()))) for image in images]
        their_state = torch.get_rng_state()
        seed_global(7, CPU)
        ours = flip_rotate(images)
        assert torch.equal(torch.get_rng_state(), their_state)
    assert np.array_equal(ours.permute(0, 2, 3, 1).numpy(), np.stack(expected))

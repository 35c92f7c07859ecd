"""What a training tells while it runs, and the form in which it works."""

from collections.abc import Iterable
from typing import Any, TypeVar

import pytest
import torch

from cifar_repro.core import training as module
from cifar_repro.core.data import ImageSet
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import fit, split, torch_memory_format, train_epoch

T = TypeVar("T")
RECIPE = RECIPES["udacity"].with_changes({"epochs": 2, "batch_size": 3})
DATA = ImageSet(torch.zeros(13, 3, 32, 32, dtype=torch.uint8), torch.arange(13) % 10)  # 11 to train on, 2 to validate


def test_each_pass_says_how_far_it_is() -> None:
    """Both passes of each epoch are named, and count their batches, a smaller last one included."""
    told = []

    def progress(steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
        made = list(steps)
        told.append((desc, total, len(made)))
        return made

    fit(RECIPE, Seeds(), DATA, progress=progress)
    assert told == [
        ("epoch 1/2 training", 4, 4),
        ("epoch 1/2 validation", 1, 1),
        ("epoch 2/2 training", 4, 4),
        ("epoch 2/2 validation", 1, 1),
    ]


def test_seconds_are_those_of_each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """train_seconds is the time from the start to the end of the training pass, valid_seconds of the validation."""
    clock = iter([10.0, 12.5, 16.5, 100.0, 108.0, 109.0])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    epochs = fit(RECIPE, Seeds(), DATA).epochs
    assert [(epoch.train_seconds, epoch.valid_seconds) for epoch in epochs] == [(2.5, 4.0), (8.0, 1.0)]


@pytest.mark.parametrize("name", ["contiguous", "channels_last"])
def test_images_and_weights_are_in_the_memory_format_that_was_asked_for(name: str) -> None:
    """What reaches the network, and the weights that meet it, lie in that format; the weights kept are contiguous."""
    layout, other = torch.contiguous_format, torch.channels_last
    if name == "channels_last":
        layout, other = other, layout
    seen = []

    def progress(steps: Iterable[Any], *, total: int, desc: str) -> Iterable[Any]:
        for images, labels in steps:
            seen.append(images)
            yield images, labels

    training = fit(RECIPE.with_changes({"epochs": 1}), Seeds(), DATA, memory_format=name, progress=progress)
    for tensor in [*seen, training.network.get_parameter("conv2.weight")]:
        assert tensor.is_contiguous(memory_format=layout)
        assert not tensor.is_contiguous(memory_format=other)
    assert all(tensor.is_contiguous() for tensor in training.best_weights.values())


def test_an_unknown_memory_format_is_refused_with_the_known_ones() -> None:
    """The error names the value and all memory formats; it comes before anything is trained."""
    with pytest.raises(
        InputError, match=r"^memory_format: 'nhwc' is not known: give one of contiguous, channels_last$"
    ):
        fit(RECIPE, Seeds(), DATA, memory_format="nhwc")
    assert torch_memory_format("contiguous") is torch.contiguous_format
    assert torch_memory_format("channels_last") is torch.channels_last


@pytest.mark.parametrize(("n", "fraction", "parts"), [(4, 0.2, (4, 0)), (1, 0.999, (1, 0)), (0, 0.5, (0, 0))])
def test_a_split_that_leaves_a_part_empty_is_refused_with_its_numbers(
    n: int, fraction: float, parts: tuple[int, int]
) -> None:
    """The error names the fraction, the images and what each part would get."""
    with pytest.raises(InputError) as error:
        split(RECIPE.with_changes({"valid_fraction": fraction}), Seeds(), n)
    assert str(error.value) == (
        f"valid_fraction: {fraction} of {n} images leaves {parts[0]} for training and {parts[1]} for validation: "
        "give more images or another fraction"
    )


def test_a_split_of_one_image_each_is_a_split() -> None:
    """Two images and a fraction of a half make a part of one each."""
    train, valid = split(RECIPE.with_changes({"valid_fraction": 0.5}), Seeds(), 2)
    assert sorted([*train.tolist(), *valid.tolist()]) == [0, 1]
    assert (train.dtype, valid.dtype) == (torch.int64, torch.int64)


def test_a_loss_that_is_no_number_names_the_training() -> None:
    """The error of a training pass says so, with the step and the value."""
    network = Net()
    with torch.no_grad():
        network.fc2.bias.fill_(torch.nan)
    batch = (torch.zeros(2, 3, 32, 32), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(NonFiniteLoss, match=r"^the loss of training step 1 is nan$"):
        train_epoch(network, [batch], torch.optim.SGD(network.parameters(), lr=0.1))


def test_a_pass_over_no_batches_has_no_losses() -> None:
    """Nothing to train on is no error: there are no losses, and the weights stay."""
    network = Net()
    before = [parameter.clone() for parameter in network.parameters()]
    losses = train_epoch(network, [], torch.optim.SGD(network.parameters(), lr=0.1))
    assert (losses.losses, losses.sizes) == ([], [])
    assert all(torch.equal(one, other) for one, other in zip(before, network.parameters(), strict=True))


def test_a_loss_costs_no_graph() -> None:
    """No step's loss keeps its graph alive: the memory that a pass takes does not grow with its steps."""
    kept = []
    collect = module.StepLosses.collect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            module.StepLosses,
            "collect",
            lambda losses, sizes, phase: kept.extend(losses) or collect(losses, sizes, phase),
        )
        fit(RECIPE.with_changes({"epochs": 1}), Seeds(), DATA)
    assert kept
    assert not any(loss.requires_grad for loss in kept)


def test_validation_on_test_images_that_are_missing_is_refused() -> None:
    """The error says what is missing; it comes before anything is trained."""
    recipe = RECIPE.with_changes({"validation": "test", "valid_fraction": 0.0})
    with pytest.raises(InputError, match=r"^test: this recipe is validated on the test images: give them to fit$"):
        fit(recipe, Seeds(), DATA)


def test_images_of_the_test_set_are_never_augmented() -> None:
    """Validated on the test images, an augmentation changes the training images and not these."""
    seen: dict[str, list[torch.Tensor]] = {}

    def progress(steps: Iterable[Any], *, total: int, desc: str) -> Iterable[Any]:
        for images, labels in steps:
            seen.setdefault(desc.split()[-1], []).append(images)
            yield images, labels

    drawn = torch.randint(0, 256, (13, 3, 32, 32), dtype=torch.uint8)
    data = ImageSet(drawn, DATA.labels)
    changes = {"validation": "test", "valid_fraction": 0.0, "augmentation": "shift-flip", "pixels": "unit"}
    fit(RECIPE.with_changes({**changes, "epochs": 1}), Seeds(), data, test=data, progress=progress)
    training, validation = (torch.cat(seen[name]) for name in ("training", "validation"))
    assert torch.equal(validation, drawn / torch.tensor(255.0))
    assert not any(torch.equal(image, plain) for image in training for plain in validation)
    assert training.min() >= 0
    assert training.max() <= 1 + 1e-6

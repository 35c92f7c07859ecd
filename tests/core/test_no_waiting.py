"""What can be proven without a GPU about training on one: within an epoch nothing waits for it, nothing is left behind.

A dispatch mode sees every operation of an epoch; FakeTensorMode runs the same code on tensors that claim to be on a
GPU and hold no numbers, where an operation between devices, or one that needs a number, raises.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from cifar_repro.core.data import Cifar10, ImageSet, batches
from cifar_repro.core.evaluation import StepLosses, evaluate
from cifar_repro.core.model import build_network
from cifar_repro.core.recipe import RECIPES, Recipe
from cifar_repro.core.training import make_optimizer, train_epoch

# What makes the program wait until a GPU has come so far: a number read, a shape that depends on numbers, a number of
# the program's made into a tensor (lift_fresh).
WAITING = ("_local_scalar_dense", "nonzero", "equal", "_unique2", "masked_select", "lift_fresh")

# The augmentation of the lesson's solution draws its angles on the CPU, as torchvision does, and takes them over.
RESIDENT = [name for name, recipe in RECIPES.items() if recipe.augmentation != "flip-rotate"]

needs_fake_gpu = pytest.mark.skipif(
    torch.version.cuda is None or tuple(map(int, torch.__version__.split(".")[:2])) < (2, 14),
    reason="FakeTensorMode is known to do without a GPU's driver only in torch 2.14 and later, built for CUDA",
)


class Calls(TorchDispatchMode):
    """Collects the operations that would make the program wait for a device, or move numbers between devices."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[str] = []
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.total += 1
        name = func.overloadpacket.__name__
        if name in WAITING or (name == "_to_copy" and (kwargs or {}).get("device") is not None):
            self.waiting.append(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def no_collecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves out the one place at which a pass waits: where its losses are collected, after the last step."""
    with monkeypatch.context() as patch:
        patch.setattr(StepLosses, "collect", classmethod(lambda cls, losses, sizes, phase: cls([], sizes)))
        yield


def network_on(device: torch.device | str, recipe: Recipe) -> torch.nn.Module:
    with torch.device(device):  # made there: fake parameters cannot be moved
        return build_network(recipe)


def epoch(recipe: Recipe, data: ImageSet) -> None:
    network = network_on(data.images.device, recipe)
    made = batches(
        data, torch.arange(len(data)), recipe.batch_size, augmentation=recipe.augmentation, pixels=recipe.pixels
    )
    train_epoch(network, made, make_optimizer(recipe, network))


@pytest.mark.parametrize("name", RESIDENT)
def test_no_operation_of_a_training_epoch_waits_for_the_device(
    name: str, small_data: Cifar10, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all operations of an epoch, batches and updates included, none reads a number or moves tensors."""
    few = ImageSet(small_data.train.images[:50], small_data.train.labels[:50])
    with no_collecting(monkeypatch), Calls() as calls:
        epoch(RECIPES[name], few)
    assert calls.total > 100
    assert calls.waiting == []


def test_the_search_for_waiting_operations_finds_one(small_data: Cifar10) -> None:
    """A loop that reads each loss, as the lesson's does, is found out."""
    few = ImageSet(small_data.train.images[:40], small_data.train.labels[:40])
    network = build_network(RECIPES["udacity"])
    with Calls() as calls:
        for images, labels in batches(few, torch.arange(40), 20):
            torch.nn.functional.cross_entropy(network(images), labels).item()
    assert calls.waiting == ["_local_scalar_dense"] * 2


def fake_images(n: int) -> ImageSet:
    images = torch.empty(n, 3, 32, 32, dtype=torch.uint8, device="cuda")
    fake = object.__new__(ImageSet)  # without its check of the labels, which reads them
    object.__setattr__(fake, "images", images)
    object.__setattr__(fake, "labels", torch.empty(n, dtype=torch.int64, device="cuda"))
    return fake


@needs_fake_gpu
@pytest.mark.parametrize("name", RESIDENT)
def test_the_forward_pass_of_training_runs_on_tensors_that_claim_to_be_on_a_gpu(name: str) -> None:
    """Batches, augmentation, dropout and loss: nothing is on the CPU, nothing needs a number.

    Backward cannot be run so: torch asks the driver for the device.
    """
    recipe = RECIPES[name]
    with FakeTensorMode():
        n = recipe.batch_size + 1  # a full batch and one of a single image
        network, data = network_on("cuda", recipe), fake_images(n)
        made = batches(data, torch.arange(n), recipe.batch_size, augmentation=recipe.augmentation, pixels=recipe.pixels)
        losses = [torch.nn.functional.cross_entropy(network(images), labels) for images, labels in made]
    assert len(losses) == 2
    assert {loss.device.type for loss in losses} == {"cuda"}


@needs_fake_gpu
@pytest.mark.parametrize("name", RESIDENT)
def test_evaluation_runs_on_tensors_that_claim_to_be_on_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluation needs no number until all predictions are on the CPU and are counted, after the last batch."""
    recipe = RECIPES[name]
    counting = pytest.raises(DynamicOutputShapeException, match="bincount")
    with no_collecting(monkeypatch), FakeTensorMode(), counting:
        network = network_on("cuda", recipe)
        n = recipe.batch_size + 1
        made = batches(fake_images(n), torch.arange(n), recipe.batch_size, pixels=recipe.pixels)
        evaluate(network, made)


@needs_fake_gpu
def test_fake_tensors_find_a_tensor_left_on_the_cpu() -> None:
    """Labels that stayed on the CPU raise."""
    with FakeTensorMode():
        network = network_on("cuda", RECIPES["udacity"])
        logits = network(torch.empty(20, 3, 32, 32, device="cuda"))
        with pytest.raises(RuntimeError, match=r"cuda.*cpu|cpu.*cuda"):
            torch.nn.functional.cross_entropy(logits, torch.empty(20, dtype=torch.int64))


def test_fake_tensors_find_a_number_read_from_the_device() -> None:
    """A loss that is read raises."""
    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        torch.empty((), device="cuda").item()

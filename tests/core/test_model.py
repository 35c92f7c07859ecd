"""The networks; and `pool_relu`, the lesson's pooling after its ReLU, in the memory format that it was given."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cifar_repro.core.model import BlitzNet, KerasNet, Net, build_network, pool_relu
from cifar_repro.core.recipe import RECIPES
from cifar_repro.core.shapes import volume_walk
from tests.checks.recipes import BlitzTutorialNet

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@pytest.mark.parametrize("name", FORMATS)
def test_pooling_before_the_relu_is_pooling_after_it(name: str) -> None:
    """Values and gradients equal those of pool(relu(x)) to the bit, ties and negative values included."""
    drawn = torch.randint(-3, 4, (4, 5, 6, 8), generator=torch.Generator().manual_seed(0)).float()
    weights = torch.randn(4, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    pool = nn.MaxPool2d(2, 2)
    ours, theirs = (drawn.contiguous(memory_format=FORMATS[name]).requires_grad_() for _ in range(2))
    one, other = pool_relu(ours, pool), pool(F.relu(theirs))
    assert torch.equal(one, other)
    (one * weights).sum().backward()
    (other * weights).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("name", FORMATS)
def test_pooling_keeps_the_memory_format_and_works_in_the_fast_one(name: str) -> None:
    """The result lies as the input does; on the CPU, what is pooled lies in channels_last, which is faster."""
    pooled = []

    class Watched(nn.MaxPool2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            pooled.append(x)
            return super().forward(x)

    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=FORMATS[name])
    result = pool_relu(x, Watched(2))
    assert [tensor.is_contiguous(memory_format=torch.channels_last) for tensor in pooled] == [True]
    for layout in FORMATS.values():
        assert result.is_contiguous(memory_format=layout) is x.is_contiguous(memory_format=layout)


def test_off_the_cpu_the_memory_format_is_left_alone() -> None:
    """On another device nothing is copied to another memory format before the pooling."""
    pooled = []

    class Watched(nn.MaxPool2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            pooled.append(x)
            return super().forward(x)

    x = torch.zeros(2, 3, 4, 4, device="meta")
    assert pool_relu(x, Watched(2)).is_contiguous()
    assert pooled[0] is x


def test_the_dropout_that_is_given_is_the_networks() -> None:
    """`Net(p)` drops with probability p, and `Net()` with the lesson's 0.25; so do the networks of recipes."""
    assert (Net().dropout.p, Net(0.0).dropout.p, Net(0.5).dropout.p) == (0.25, 0.0, 0.5)
    for name in ("udacity", "udacity-augmented", "keras-cnn"):
        network = build_network(RECIPES[name].with_changes({"dropout": 0.125}))
        assert str(network.get_submodule("dropout")) == "Dropout(p=0.125, inplace=False)", name


SIZES = {
    "udacity": "3x32x32 16x32x32 16x16x16 32x16x16 32x8x8 64x8x8 64x4x4 1024 500 10",
    "udacity-augmented": "3x32x32 16x32x32 16x16x16 32x16x16 32x8x8 64x8x8 64x4x4 1024 500 10",
    "pytorch-blitz": "3x32x32 6x28x28 6x14x14 16x10x10 16x5x5 400 120 84 10",
    "keras-cnn": "3x32x32 32x32x32 32x30x30 32x15x15 64x15x15 64x13x13 64x6x6 2304 512 10",
}


@pytest.mark.parametrize("name", RECIPES)
def test_volumes_are_those_of_the_tutorial_and_of_the_layers(name: str) -> None:
    """Each recipe's network has its tutorial's volumes, by arithmetic and as the layers return them."""
    network = build_network(RECIPES[name])
    walked = volume_walk(network)
    assert " ".join("x".join(map(str, volume.shape)) for volume in walked) == SIZES[name]
    seen: list[tuple[int, ...]] = []
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.Linear)):
            module.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape[1:])))
    network(torch.zeros(1, 3, 32, 32))
    assert seen == [volume.shape for volume in walked if volume.layer not in ("input", "flatten")]


def test_weights_of_the_pytorch_tutorial_load_into_blitz() -> None:
    """A state_dict of the tutorial's network fits ours, and the logits are the same to the bit."""
    theirs, ours = BlitzTutorialNet(), BlitzNet()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(4, 3, 32, 32)
    assert torch.equal(ours(images), theirs(images))


def test_the_keras_network_starts_as_in_keras() -> None:
    """Weights fill Glorot's range evenly, plus or minus sqrt(6 / (inputs + outputs)) with those of a filter's window

    counted; biases are zero.
    """
    torch.manual_seed(0)
    windows = {"conv1": 9, "conv2": 9, "conv3": 9, "conv4": 9, "fc1": 1, "fc2": 1}
    for name, parameter in KerasNet().named_parameters():
        layer, kind = name.split(".")
        if kind == "bias":
            assert not parameter.any()
            continue
        bound = (6 / (windows[layer] * (parameter.shape[0] + parameter.shape[1]))) ** 0.5
        largest, spread = parameter.abs().max().item(), parameter.std().item()
        assert 0.98 * bound < largest <= bound * (1 + 1e-6)
        assert spread == pytest.approx(bound / 3**0.5, rel=0.05)  # that of an even distribution


def test_dropout_of_the_keras_network_is_where_keras_has_it() -> None:
    """The rate that is given holds after each pooling; before the last layer it is 0.5."""
    calls = []
    network = KerasNet(0.125)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.register_forward_hook(lambda module, inputs, output: calls.append((module.p, *output.shape[1:])))
    network(torch.zeros(1, 3, 32, 32))
    assert calls == [(0.125, 32, 15, 15), (0.125, 64, 6, 6), (0.5, 512)]

"""The (W - F + 2P) / S + 1 arithmetic against what torch really returns."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cifar_repro.core.errors import InputError
from cifar_repro.core.model import Net
from cifar_repro.core.shapes import Volume, conv_output_size, volume_walk

sizes, kernels, strides = st.integers(1, 12), st.integers(1, 5), st.integers(1, 4)
paddings, dilations = st.integers(0, 4), st.integers(1, 3)


def pair(values: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(values, values)


@given(pair(sizes), pair(kernels), pair(strides), pair(paddings), pair(dilations))
def test_a_convolution_has_the_size_that_torch_returns_or_none(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    """For any height, width, kernel, stride, padding and dilation: torch's own size, or an error where torch errs."""
    layer = nn.Conv2d(2, 3, kernel, stride=stride, padding=padding, dilation=dilation)
    try:
        real = tuple(layer(torch.zeros(1, 2, *size)).shape[1:])
    except RuntimeError:
        with pytest.raises(InputError, match=r"layer: no volume for input \(2, \d+, \d+\): a filter of size"):
            walk_one(layer, (2, *size))
    else:
        assert walk_one(layer, (2, *size)) == real


@given(pair(sizes), kernels, strides, st.data(), dilations)
def test_a_pooling_has_the_size_that_torch_returns_or_none(
    size: tuple[int, int], kernel: int, stride: int, data: st.DataObject, dilation: int
) -> None:
    """The same for max pooling, whose padding is at most half its kernel."""
    padding = data.draw(st.integers(0, kernel // 2))
    layer = nn.MaxPool2d(kernel, stride, padding, dilation)
    try:
        real = tuple(layer(torch.zeros(1, 2, *size)).shape[1:])
    except RuntimeError:
        with pytest.raises(InputError, match="layer: no volume"):
            walk_one(layer, (2, *size))
    else:
        assert walk_one(layer, (2, *size)) == real


def walk_one(layer: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    return volume_walk(nn.Sequential(OrderedDict(layer=layer)), shape)[-1].shape


def test_the_lessons_volumes() -> None:
    """The lesson's network walks 3x32x32 -> 16x16x16 -> 32x8x8 -> 64x4x4 -> 1024 -> 500 -> 10."""
    assert volume_walk(Net()) == [
        Volume("input", (3, 32, 32)),
        Volume("conv1", (16, 32, 32)),
        Volume("pool1", (16, 16, 16)),
        Volume("conv2", (32, 16, 16)),
        Volume("pool2", (32, 8, 8)),
        Volume("conv3", (64, 8, 8)),
        Volume("pool3", (64, 4, 4)),
        Volume("flatten", (1024,)),
        Volume("fc1", (500,)),
        Volume("fc2", (10,)),
    ]


def test_cs231n_examples() -> None:
    """The examples of the course that the lesson cites: 7x7 with 3x3 at stride 1 and 2, and AlexNet's first layer."""
    assert conv_output_size(7, 3, stride=1) == 5
    assert conv_output_size(7, 3, stride=2) == 3
    assert conv_output_size(227, 11, stride=4) == 55


def test_padding_by_name() -> None:
    """Padding "same" keeps the size and "valid" is none, as in torch."""
    assert walk_one(nn.Conv2d(2, 3, 5, padding="same", dilation=2), (2, 9, 7)) == (3, 9, 7)
    assert walk_one(nn.Conv2d(2, 3, (5, 3), padding="valid"), (2, 9, 7)) == (3, 5, 5)


def test_average_pooling_has_the_size_that_torch_returns() -> None:
    """Average pooling, which has no dilation, is walked like the others, in both axes."""
    layer = nn.AvgPool2d((3, 2), stride=(2, 1), padding=(1, 0))
    assert walk_one(layer, (2, 9, 7)) == tuple(layer(torch.zeros(1, 2, 9, 7)).shape[1:]) == (2, 5, 6)


@pytest.mark.parametrize("pooling", [nn.MaxPool2d, nn.AvgPool2d], ids=lambda pooling: pooling.__name__)
@pytest.mark.parametrize(("kernel", "padding"), [(2, 2), (3, 2), ((4, 3), (2, 2))])
def test_a_pooling_is_not_padded_by_more_than_half(pooling: Any, kernel: Any, padding: Any) -> None:
    """Torch refuses that in either axis, though the formula would have a size."""
    layer = pooling(kernel, padding=padding)
    with pytest.raises(RuntimeError, match="pad should be"):
        layer(torch.zeros(1, 2, 9, 7))
    with pytest.raises(InputError, match=r"layer: .* padding of 2 is more than half of its filter of [23]: give less$"):
        walk_one(layer, (2, 9, 7))


@pytest.mark.parametrize("shape", [(3, 8, 8), (5,)])
@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Dropout(0.5)], ids=lambda layer: type(layer).__name__)
def test_layers_that_keep_the_shape_are_walked_through(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """An activation and dropout give the volume that they get, flat or not."""
    assert volume_walk(nn.Sequential(OrderedDict(layer=layer)), shape) == [
        Volume("input", shape),
        Volume("layer", shape),
    ]


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ({"a": nn.Conv2d(3, 4, 9)}, (3, 8, 8), r"a: no volume for input \(3, 8, 8\): a filter of size 9"),
        (
            {"a": nn.Conv2d(3, 4, 1), "b": nn.Conv2d(3, 4, 1)},
            (3, 8, 8),
            r"b: .*\(4, 8, 8\): it takes 3 channels, not 4",
        ),
        ({"f": nn.Flatten(), "l": nn.Linear(10, 2)}, (3, 2, 2), r"l: .* takes \(10,\) features, not \(12,\)"),
        ({"f": nn.Flatten(), "c": nn.Conv2d(3, 4, 1)}, (3, 2, 2), r"c: .* takes \(channels, height, width\)"),
        ({"l": nn.Linear(12, 2)}, (3, 2, 12), r"l: .* takes \(12,\) features"),
        ({"p": nn.MaxPool2d(2, ceil_mode=True)}, (3, 5, 5), "p: .* ceil_mode=True is not the formula"),
        ({"f": nn.Flatten(2)}, (3, 5, 5), r"f: .* does not flatten all of an image .*: use nn.Flatten\(\)"),
        ({"n": nn.LSTM(2, 2)}, (3, 5, 5), "n: .* LSTM is no layer whose volume is known"),
    ],
    ids=["kernel", "channels", "features", "flat", "not flat", "ceil_mode", "flat in part", "unknown"],
)
def test_a_volume_that_cannot_exist_names_the_layer_and_the_sizes(
    layers: dict[str, nn.Module], shape: tuple[int, ...], message: str
) -> None:
    """The error says which layer, with which input, and why."""
    with pytest.raises(InputError, match=message):
        volume_walk(nn.Sequential(OrderedDict(layers)), shape)


@pytest.mark.parametrize(
    ("arguments", "name", "value", "least"),
    [
        ((0, 1), "size", 0, 1),
        ((5, 0), "kernel_size", 0, 1),
        ((5, 1, 0), "stride", 0, 1),
        ((5, 1, 1, -1), "padding", -1, 0),
        ((5, 1, 1, 0, 0), "dilation", 0, 1),
        ((5.0, 1), "size", 5.0, 1),
        ((True, 1), "size", True, 1),
    ],
)
def test_numbers_that_make_no_sense_are_refused(arguments: tuple[int, ...], name: str, value: Any, least: int) -> None:
    """Sizes, kernels, strides and dilations below 1, paddings below 0 and fractions are errors that name the value."""
    with pytest.raises(InputError) as error:
        conv_output_size(*arguments)
    assert str(error.value) == f"{name}: {value!r} is out of range: give a whole number from {least} on"


def test_a_filter_that_does_not_fit_is_told_with_all_numbers() -> None:
    """The error says what the filter spans and what there is; one that just fits gives one output."""
    assert conv_output_size(3, 3, padding=1, dilation=2) == 1
    with pytest.raises(InputError) as error:
        conv_output_size(2, 3, padding=1, dilation=2)
    assert str(error.value) == (
        "a filter of size 3 with dilation 2 spans 5 inputs, but there are only 2 + 2 * 1: "
        "give a smaller filter or more padding"
    )


def test_stride_1_no_padding_no_dilation_unless_given() -> None:
    """The defaults are torch's."""
    assert conv_output_size(9, 3) == nn.Conv1d(1, 1, 3)(torch.zeros(1, 1, 9)).shape[-1] == 7

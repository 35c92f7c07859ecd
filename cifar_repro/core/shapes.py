"""Volumes: the (W - F + 2P) / S + 1 arithmetic, for one layer and for a whole network.

Source of the formula: CS231n, "Convolutional Neural Networks", section "Spatial arrangement". With a dilation D
a filter of size F spans D (F - 1) + 1 inputs; where the division leaves a remainder, torch drops it.
"""

from typing import NamedTuple

from torch import nn

from cifar_repro.core.errors import InputError


def conv_output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Outputs along one axis of a convolution or pooling over `size` inputs: floor((W - D(F-1) - 1 + 2P) / S) + 1.

    Raises InputError where an argument makes no sense, or where the filter does not fit into the padded input.
    """
    arguments = {"size": (size, 1), "kernel_size": (kernel_size, 1), "stride": (stride, 1)}
    arguments |= {"padding": (padding, 0), "dilation": (dilation, 1)}
    for name, (value, least) in arguments.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(f"{name}: {value!r} is out of range: give a whole number from {least} on")
    span = dilation * (kernel_size - 1) + 1
    if span > size + 2 * padding:
        raise InputError(
            f"a filter of size {kernel_size} with dilation {dilation} spans {span} inputs, but there are only "
            f"{size} + 2 * {padding}: give a smaller filter or more padding"
        )
    return (size - span + 2 * padding) // stride + 1


class Volume(NamedTuple):
    """The output of one layer for one image: (channels, height, width) or, once flat, (features,)."""

    layer: str
    shape: tuple[int, ...]


def volume_walk(network: nn.Module, input_shape: tuple[int, ...] = (3, 32, 32)) -> list[Volume]:
    """The volume of one image before and after every layer, by arithmetic alone: nothing is computed.

    `network` is anything whose `volume_layers()` gives (name, layer) pairs in forward order, as `Net` does, or whose
    children run in order, as those of `nn.Sequential` do. Layers that keep the shape (activations, dropout) are
    walked through. Raises InputError that names the layer and the sizes where a volume cannot exist.
    """
    layers = getattr(network, "volume_layers", network.named_children)()
    volumes = [Volume("input", tuple(input_shape))]
    for name, layer in layers:
        try:
            shape = _output_shape(layer, volumes[-1].shape)
        except InputError as error:
            raise InputError(f"{name}: no volume for input {volumes[-1].shape}: {error}") from None
        volumes.append(Volume(name, shape))
    return volumes


def _output_shape(layer: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    match layer:
        case nn.Conv2d():
            channels, height, width = _as_volume(shape)
            if channels != layer.in_channels:
                raise InputError(f"it takes {layer.in_channels} channels, not {channels}")
            return (layer.out_channels, *_spatial(layer, (height, width)))
        case nn.MaxPool2d() | nn.AvgPool2d():
            channels, height, width = _as_volume(shape)
            if layer.ceil_mode:
                raise InputError("ceil_mode=True is not the formula: use ceil_mode=False")
            return (channels, *_spatial(layer, (height, width)))
        case nn.Flatten():
            if (layer.start_dim, layer.end_dim) != (1, -1):
                raise InputError("it does not flatten all of an image and nothing else: use nn.Flatten()")
            features = 1
            for size in shape:
                features *= size
            return (features,)
        case nn.Linear():
            if shape[-1] != layer.in_features or len(shape) != 1:
                raise InputError(f"it takes ({layer.in_features},) features, not {shape}")
            return (layer.out_features,)
        case nn.ReLU() | nn.Dropout():
            return shape
    raise InputError(f"{type(layer).__name__} is no layer whose volume is known")


def _as_volume(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise InputError(f"it takes (channels, height, width), not {shape}")
    return shape[0], shape[1], shape[2]


def _spatial(layer: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d, size: tuple[int, int]) -> list[int]:
    """(height, width) after the layer's window has slid over (height, width) `size`."""
    if layer.padding == "same":  # torch pads such that the size stays; it allows this for stride 1 alone
        return list(size)
    padding = 0 if layer.padding == "valid" else layer.padding
    options = [layer.kernel_size, layer.stride, padding, getattr(layer, "dilation", 1)]
    pairs = [value if isinstance(value, tuple) else (value, value) for value in options]
    if not isinstance(layer, nn.Conv2d):
        for kernel_size, pad in zip(pairs[0], pairs[2], strict=True):
            if 2 * pad > kernel_size:
                raise InputError(f"its padding of {pad} is more than half of its filter of {kernel_size}: give less")
    return [conv_output_size(size[axis], *(pair[axis] for pair in pairs)) for axis in (0, 1)]

"""Checks of the digest of weights and of the arithmetic of volumes."""

import hashlib

import torch
import torch.nn.functional as F

from tests.checks.kit import (
    check,
)
from tests.subject import Subject


@check("weights_digest")
def the_digest_is_the_documented_one(subject: Subject) -> None:
    """sha256 over name, dtype and shape, each closed by a zero byte, then the bytes, entry by entry in order."""
    a, b = torch.arange(6.0).reshape(2, 3), torch.tensor(7.0)
    by_hand = hashlib.sha256()
    for name, tensor, shape in (("a.weight", a, "2,3"), ("b", b, "")):
        by_hand.update(name.encode() + b"\0" + b"torch.float32\0" + shape.encode() + b"\0" + tensor.numpy().tobytes())
    assert subject.weights_digest({"a.weight": a, "b": b}) == by_hand.hexdigest(), (
        "the digest is not the documented one"
    )


@check("weights_digest")
def the_digest_tells_everything_apart(subject: Subject) -> None:
    """Another name, order, dtype, shape or a single bit gives another digest; another memory layout does not."""
    a, b = torch.arange(6.0).reshape(2, 3), torch.ones(3)
    digest = subject.weights_digest({"a": a, "b": b})
    flipped = a.clone()
    flipped.view(torch.int32)[1, 2] ^= 1
    others = {
        "another name": {"a": a, "c": b},
        "another order": {"b": b, "a": a},
        "another dtype": {"a": a.view(torch.int32), "b": b},
        "another shape": {"a": a.reshape(3, 2), "b": b},
        "one changed bit": {"a": flipped, "b": b},
        "values swapped between names": {"a": a.flip(0), "b": b},
    }
    for what, other in others.items():
        assert subject.weights_digest(other) != digest, f"{what} gives the same digest"
    strided = a.t().contiguous().t()
    assert subject.weights_digest({"a": strided, "b": b}) == digest, "the digest depends on the memory layout"


@check("conv_output_size")
def output_sizes_are_torchs(subject: Subject) -> None:
    """For a grid of sizes, kernels, strides, paddings and dilations the formula gives what torch returns."""
    for size in (5, 8, 32):
        for kernel in (1, 2, 3, 5):
            for stride, padding, dilation in ((1, 0, 1), (2, 0, 1), (2, 1, 1), (3, 1, 2), (1, 2, 2)):
                if dilation * (kernel - 1) + 1 > size + 2 * padding:
                    continue
                real = F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding, dilation)
                ours = subject.conv_output_size(size, kernel, stride, padding, dilation)
                assert ours == real.shape[-1], (
                    f"size {size}, kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation}: "
                    f"the formula says {ours}, torch returns {real.shape[-1]}"
                )

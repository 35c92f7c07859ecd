"""Checks of the digest of weights and of the arithmetic of volumes."""

import hashlib

import torch
from torch import nn

from cifar_repro.audits.checks.kit import check, seeded_net
from cifar_repro.audits.subject import Subject
from cifar_repro.core.errors import InputError


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


@check("Net", "volume_walk")
def volumes_are_what_the_layers_return(subject: Subject) -> None:
    """The arithmetic of volume_walk gives the shape that each layer really returns."""
    network = seeded_net(subject)
    seen: list[tuple[int, ...]] = []
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.MaxPool2d, nn.Linear))]
    hooks = [m.register_forward_hook(lambda m, i, out: seen.append(tuple(out.shape[1:]))) for m in layers]
    network(torch.zeros(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    try:
        walked = [v.shape for v in subject.volume_walk(network) if v.layer not in ("input", "flatten")]
    except InputError as error:
        raise AssertionError(f"the walk says that this network cannot be: {error}") from error
    assert walked == seen, f"the walk says {walked}, the layers return {seen}"

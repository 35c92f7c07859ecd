"""Traces that were typed in, as files hold them and as tensors."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cifar_repro.formats import convert
from cifar_repro.traces.trace_file import KeptTensors, Trace, TraceHeader, kept_tensors, read_trace, write_trace
from tests.make_studies import HEADER

HAND_MADE = {
    "split/train": torch.tensor([3, 1, 2]),
    "step 1/mask/dropout#1": torch.tensor([[True, False]]),
    "step 1/loss": torch.tensor([2.5]),
    "step 1/update/fc1.weight": torch.arange(1.0, 101.0).reshape(4, 25).t(),  # not contiguous
}


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def entry(name: str, value: float) -> dict[str, Any]:
    """The entry of a tensor with this one value, as a file holds it."""
    numbers = {"norm": abs(value), "mean": value, "absmax": abs(value), "sample": [value]}
    return {"name": name, "sha256": digest(value), "shape": [1], "dtype": "float32", **numbers}


def write_hand_made(path: Path, changes: Mapping[str, torch.Tensor]) -> tuple[Trace, KeptTensors]:
    """A trace whose tensors are kept, as `diff` takes it, and what reads a tensor."""
    header = convert(HEADER, TraceHeader, "header")
    write_trace(path, header, iter({**HAND_MADE, **changes}.items()), keep=True)
    read = kept_tensors(path)
    assert read is not None
    return read_trace(path), read

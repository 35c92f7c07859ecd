"""A trace of tensors that were typed in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cifar_repro.traces.trace_file import kept_tensors, read_trace, write_trace
from tests.make_studies import HEADER

HAND_MADE = {
    "split/train": torch.tensor([3, 1, 2]),
    "step 1/mask/dropout#1": torch.tensor([[True, False]]),
    "step 1/loss": torch.tensor([2.5]),
    "step 1/update/fc1.weight": torch.arange(1.0, 101.0).reshape(4, 25).t(),  # not contiguous
}


def write_hand_made(path: Path, changes: Mapping[str, torch.Tensor]) -> tuple[Any, Any]:
    """A trace whose tensors are kept, as `diff` takes it: header and entries, and what reads a tensor."""
    write_trace(path, HEADER, iter({**HAND_MADE, **changes}.items()), keep=True)
    return read_trace(path), kept_tensors(path)

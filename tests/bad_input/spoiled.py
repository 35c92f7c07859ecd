"""What the tests spoil, and values that are bad."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from cifar_repro.core.model import Net

HUGE = str(10**20)  # more than 64 bits hold
needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here, so asking for it is no error")


class Finished(NamedTuple):
    """A finished run of two epochs and the data it was trained on."""

    folder: Path
    data: Path


class Marker:
    """A pickle of this runs code that makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def changed(path: tuple[Any, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    """A function that puts a value into an entry of a record."""

    def change(record: dict[str, Any]) -> None:
        for name in path[:-1]:
            record = record[name]
        record[path[-1]] = value

    return change


def edit(run: Path, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Changes the record of a run by hand."""
    record: dict[str, Any] = json.loads((run / "record.json").read_text())
    change(record)
    (run / "record.json").write_text(json.dumps(record))
    return record


with torch.device("meta"):  # draws no random numbers
    SHAPES = {name: tensor.shape for name, tensor in Net().state_dict().items()}


def weights(**changes: Any) -> dict[str, Any]:
    """Weights that fit the network, with some entries changed; None takes one out."""
    state: dict[str, Any] = {name: torch.zeros(shape) for name, shape in SHAPES.items()}
    state |= {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in state.items() if value is not None}


def saved(content: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def as_id(value: object) -> str:
    return str(value) or "empty"

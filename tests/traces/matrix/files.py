"""Traces and gates with known numbers, and the table that the command prints of them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.cli import main
from cifar_repro.traces.matrix import Matrix, Row
from tests import make_studies

ENVIRONMENT = make_studies.ENVIRONMENT | {"torch": "2.6.0+cu124", "torchvision": "0.21.0+cu124"}
LOSSES = {1: 2.5, 2: 2.25}
Make = Callable[..., Path]


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def entry(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "sha256": digest(value), "shape": [1], "dtype": "float32", "sample": [value]}


def entries(**changes: float) -> list[dict[str, Any]]:
    """Two steps of a training of one weight; changes: other values, by name with _ for what no keyword can hold."""
    values = {"init/w": 0.5}
    for step, loss in LOSSES.items():
        values |= {f"step {step}/forward/f#1": 1.0, f"step {step}/loss": loss, f"step {step}/update/w": 0.5 - step / 8}
    named = {name.replace(" ", "_").replace("/", "_").replace("#", "_"): name for name in values}
    values |= {named[key]: value for key, value in changes.items()}
    return [entry(name, value) for name, value in values.items()]


def lacking(name: str) -> list[dict[str, Any]]:
    """Such a training, of which no step has the entry of this name."""
    return [e for e in entries() if e["name"].partition("/")[2] != name]


def rows(matrix: Matrix) -> dict[str, Row]:
    return {row.name: row for row in matrix.rows}


def gate(path: Path, b: dict[str, Any], a: dict[str, Any] | None = None, **changes: Any) -> Path:
    """What a gate of A against B printed."""
    sides = {side: {"side": side, "environment": ENVIRONMENT | (e or {})} for side, e in (("a", a), ("b", b))}
    content = {"gate": 1, "workload": "step", "detectable": 1.03, **sides, "ratio": 1.25, "interval": [1.125, 1.5]}
    path.write_text(json.dumps(content | changes, indent=1))
    return path


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["matrix", *map(str, arguments)]) == 0
    return capsys.readouterr().out

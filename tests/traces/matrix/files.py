"""Traces and gates with known numbers, and the table that the command prints of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.cli import main
from cifar_repro.gate.gate import call
from cifar_repro.traces.matrix import Matrix, Row
from tests import make_studies
from tests.traces.hand_made import entry

ENVIRONMENT = make_studies.ENVIRONMENT | {"torch": "2.6.0+cu124", "torchvision": "0.21.0+cu124"}
LOSSES = {1: 2.5, 2: 2.25}
Make = Callable[..., Path]


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
    side = {"package": "/cifar_repro", "seconds_a_step": 0.008}
    content: dict[str, Any] = {
        "gate": 1,
        "workload": "step",
        "rounds": 10,
        "a": {"side": "a", "environment": ENVIRONMENT | (a or {}), **side},
        "b": {"side": "b", "environment": ENVIRONMENT | b, **side},
        "ratio": 1.25,
        "interval": [1.125, 1.5],
        "detectable": 1.03,
        "loss_difference": 0.0,
        "seconds": {name: [0.08] * 10 for name in ("a", "b", "a_first", "a_again")},
    } | changes
    called = call(content["ratio"], content["interval"], content["detectable"])
    content |= {"slower": called == "slower", "faster": called == "faster"}
    path.write_text(json.dumps(content, indent=1))
    return path


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["matrix", *map(str, arguments)]) == 0
    return capsys.readouterr().out

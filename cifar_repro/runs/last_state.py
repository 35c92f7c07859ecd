"""`last.pt`: all that a run goes on from, with the run that it is of and a digest over both."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from cifar_repro.core import checkpoint, seeding
from cifar_repro.core.errors import InputError
from cifar_repro.core.model import build_network
from cifar_repro.core.training import Training, make_optimizer
from cifar_repro.formats import plain
from cifar_repro.runs.record import NAME, Record

LAST = "last.pt"


def save_last(folder: Path, record: Record, state: dict[str, Any]) -> None:
    """Writes the state of the last whole epoch of the run of that record."""
    content = {**state, "run": _described(record)}
    checkpoint.save(folder / LAST, {**content, "sha256": checkpoint.state_digest(content)})


def read_last(folder: Path, record: Record) -> dict[str, Any] | None:
    """The state of the last whole epoch, or None where none ended. Raises InputError unless it fits to the record."""
    path = folder / LAST
    if not path.exists():
        if record.epochs:
            raise InputError(f"{folder}: cannot be resumed: {LAST} is missing: start a new run")
        return None
    state = checkpoint.load(path)
    try:
        _check_signature(path, state, record)
        epochs = state["epochs"]
        best = [epoch for epoch in epochs if epoch["saved"]][-1]
        whole = (
            [epoch.weights_sha256 for epoch in record.epochs]
            == [epoch["weights_sha256"] for epoch in epochs[: len(record.epochs)]]
            and checkpoint.weights_digest(state["network"]) == epochs[-1]["weights_sha256"]
            and checkpoint.weights_digest(state["best_weights"]) == best["weights_sha256"]
            and set(state) == {"network", "optimizer", "order", "global", "epochs", "best_weights"}
        )
        device = torch.device(record.environment.device)
        with seeding.isolated(device):  # all of it must load
            network = build_network(record.recipe)
            optimizer = make_optimizer(record.recipe, network)
            Training(network, optimizer, torch.Generator()).load_state(state, device)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError):
        whole = False
    if not whole:
        raise InputError(f"{path}: cannot be resumed: it is not the last state of this run: start a new run")
    result: dict[str, Any] = state
    return result


def _check_signature(path: Path, state: dict[str, Any], record: Record) -> None:
    """Takes the entries that `save_last` adds out. Raises unless the state is as it was written, and of that run.

    Those of earlier versions have no such entries. Of a recipe, only what was known when it was written is compared.
    """
    if "sha256" not in state:
        return
    if state.pop("sha256") != checkpoint.state_digest(state):
        raise ValueError("it is not as it was written")
    here = _described(record)
    for part, entries in state.pop("run").items():
        for name, was in entries.items():
            if here[part][name] != was:
                raise InputError(
                    f"{path}: cannot be resumed: {part}.{name} was {was!r} in the run that it is of, {NAME} says "
                    f"{here[part][name]!r}: give the record as it was, or start a new run"
                )


def _described(record: Record) -> dict[str, dict[str, Any]]:
    """What makes a run give the numbers that it gives, by where the record says so."""
    settings = {name: getattr(record.environment, name) for name in ("device", "threads", "memory_format")}
    fingerprints = plain(record.data.fingerprints)
    parts = {"recipe": asdict(record.recipe), "seeds": asdict(record.seeds)}
    return {**parts, "data.fingerprints": fingerprints, "environment": settings}

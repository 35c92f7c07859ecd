"""Repeats a recorded run and compares it bit for bit; where it differs, looks for the setting that explains it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from cifar_repro.core import seeding
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.core.training import MEMORY_FORMATS, Epoch, fit
from cifar_repro.runs.code import code_differences, code_here
from cifar_repro.runs.environment import Environment, differences, environment
from cifar_repro.runs.record import Record, check_same_data

# What must be equal to the last bit, in the order in which an epoch makes it.
COMPARED = ("train_loss", "valid_loss", "saved", "weights_sha256")


@dataclass(frozen=True)
class Difference:
    """The first thing that is not as recorded. here: the value, or what happened in its place."""

    epoch: int
    name: str
    recorded: Any
    here: Any


@dataclass(frozen=True)
class Verification:
    """What came of repeating a run.

    epochs: how many were compared, the one that differs included. environment: "name: recorded -> here" for each
    decisive entry that differs, and for the code. explained_by: settings, other than the recorded ones, with which the
    recorded first epoch comes out after all.
    """

    epochs: int
    difference: Difference | None
    environment: list[str] = field(default_factory=list)
    explained_by: list[str] = field(default_factory=list)


class _Parted(Exception):
    """Ends a run at its first difference."""


def verify(
    record: Record,
    data: Cifar10,
    epochs: int | None = None,
    after_epoch: Callable[[Epoch], None] = lambda epoch: None,
    progress: Progress = no_progress,
) -> Verification:
    """Runs the first `epochs` epochs of a record again (default: all) with its recipe, seeds, threads and format.

    Sets the number of threads of this process. Raises InputError if the data is not the recorded data, if the record
    has no epochs or fewer than asked for.
    """
    recorded = record.epochs
    epochs = len(recorded) if epochs is None else epochs
    if not recorded:
        raise InputError(
            "epochs: this run has finished none, so there is nothing to verify: give a run with at least one"
        )
    if not 1 <= epochs <= len(recorded):
        raise InputError(
            f"epochs: {epochs} of this run cannot be verified: its record has {len(recorded)}: give no more, and at "
            "least 1"
        )
    check_same_data(record.data, data, "data")
    settings = record.environment
    seeding.make_deterministic(settings.threads)
    changed = differences(settings, environment(torch.device(settings.device), settings.memory_format))
    changed += code_differences(record.code, code_here())
    difference, compared = _first_difference(
        record, data, recorded[:epochs], settings.memory_format, after_epoch, progress
    )
    explained = []
    if difference is not None and difference.epoch == 1:
        for threads, memory_format in _other_settings(settings):
            seeding.make_deterministic(threads)
            again, _ = _first_difference(record, data, recorded[:1], memory_format, lambda epoch: None, progress)
            if again is None:
                explained.append(f"{threads} thread{'s' * (threads != 1)}, {memory_format}")
        seeding.make_deterministic(settings.threads)
    return Verification(compared, difference, changed, explained)


def _first_difference(
    record: Record,
    data: Cifar10,
    recorded: list[Epoch],
    memory_format: str,
    after_epoch: Callable[[Epoch], None],
    progress: Progress,
) -> tuple[Difference | None, int]:
    """The first difference, if any, and the number of epochs that were compared."""
    found: list[Difference] = []
    compared = 0
    device = torch.device(record.environment.device)

    def compare(epoch: Epoch, state: dict[str, Any]) -> None:
        nonlocal compared
        compared = epoch.epoch
        was = recorded[epoch.epoch - 1]
        for name in COMPARED:
            if getattr(epoch, name) != getattr(was, name):
                found.append(Difference(epoch.epoch, name, getattr(was, name), getattr(epoch, name)))
                raise _Parted
        after_epoch(epoch)

    try:
        fit(
            record.recipe.with_changes({"epochs": len(recorded)}),
            record.seeds,
            data.train.to(device),
            test=data.test.to(device),
            memory_format=memory_format,
            after_epoch=compare,
            progress=progress,
        )
    except _Parted:
        pass
    except NonFiniteLoss as error:
        compared += 1
        name = "train_loss" if error.phase == "training" else "valid_loss"
        found.append(Difference(compared, name, getattr(recorded[compared - 1], name), str(error)))
    return (found[0] if found else None), compared


def _other_settings(settings: Environment) -> list[tuple[int, str]]:
    """(threads, memory format) pairs that differ in one of the two from the recorded ones; cheap ones to try.

    The threads are those of the CPU: on a GPU they change no number.
    """
    cores = os.cpu_count() or 1
    counts = sorted({1, 2, 4, 8, cores} - {settings.threads}) if settings.device == "cpu" else []
    return [(count, settings.memory_format) for count in counts if count <= cores] + [
        (settings.threads, name) for name in MEMORY_FORMATS if name != settings.memory_format
    ]

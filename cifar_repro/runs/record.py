"""The record of a run: one JSON object that says what was run, on what, where, and what came out."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.recipe import Recipe, Seeds, get_recipe
from cifar_repro.core.training import MEMORY_FORMATS, Epoch
from cifar_repro.shape import check, loads

SCHEMA = 1
NAME = "record.json"

# The recipe's fields in the first records. A later field that is missing had the value that it has in the recipe.
FIRST_FIELDS = ("name", "batch_size", "epochs", "learning_rate", "valid_fraction", "dropout", "augmentation")

# The shapes of a record and of its parts (see `shape`), with what later versions added filled in.
RECIPE = {"name": str, "overridden": [tuple(f.name for f in fields(Recipe))]}
SEEDS = {f.name: int for f in fields(Seeds)}
DATA = {
    "kind": str,
    "official": bool,
    "path": (None, str),
    "fingerprints": {"train": str, "test": str},
    "counts": dict.fromkeys(("train", "test"), dict.fromkeys(CLASSES, int)),
}
ENVIRONMENT = {
    **dict.fromkeys(("torch", "torchvision", "numpy", "python", "cpu", "cpu_capability", "device"), str),
    "gpu": (None, str),
    "threads": int,
    "memory_format": tuple(MEMORY_FORMATS),
    "deterministic": bool,
}
EPOCH = {
    "epoch": int,
    "train_loss": float,
    "valid_loss": (None, float),
    "saved": bool,
    "weights_sha256": str,
    "train_seconds": float,
    "valid_seconds": float,
    "valid_accuracy": (None, float),
    "running_loss": [float],
}
STOPPED = {"epoch": int, "phase": str, "step": int, "loss": str}
TEST = {
    "loss": float,
    "correct": int,
    "total": int,
    "per_class": [{"name": str, "correct": int, "total": int}],
    "confusion": [[int]],
}
RECORD = {
    "status": ("unfinished", "diverged", "complete"),
    "recipe": RECIPE,
    "seeds": SEEDS,
    "data": DATA,
    "environment": ENVIRONMENT,
    "epochs": [EPOCH],
    "best": (None, {"epoch": int, "valid_loss": (None, float)}),
    "stopped": (None, STOPPED),
    "test": (None, TEST),
}


def new_record(recipe: Recipe, seeds: Seeds, data: Cifar10, environment: dict[str, Any]) -> dict[str, Any]:
    """The record of a run that has not begun to train.

    status: "unfinished", "complete" or "diverged"; `stopped` says where a diverged one met a NaN or infinite loss.
    """
    return {
        "schema": SCHEMA,
        "status": "unfinished",
        "recipe": {**asdict(recipe), "overridden": recipe.changes()},
        "seeds": asdict(seeds),
        "data": describe_data(data),
        "environment": environment,
        "epochs": [],
        "best": None,
        "stopped": None,
        "test": None,
    }


def describe_data(data: Cifar10) -> dict[str, Any]:
    """The `data` entry of a record."""
    parts = {"train": data.train, "test": data.test}
    return {
        "kind": data.kind,
        "official": data.official,
        "path": data.path,
        "fingerprints": {name: part.fingerprint() for name, part in parts.items()},
        "counts": {name: dict(zip(CLASSES, part.counts(), strict=True)) for name, part in parts.items()},
    }


def check_same_data(record: dict[str, Any], data: Cifar10, what: str) -> None:
    """Raises InputError, which begins with `what`, unless the data is, byte for byte, that of the record."""
    for name, part in (("train", data.train), ("test", data.test)):
        recorded, found = record["data"]["fingerprints"][name], part.fingerprint()
        if found != recorded:
            raise InputError(
                f"{what}: the {name} images of the run have fingerprint {recorded[:12]}, these have {found[:12]}: "
                "give the folder of the run's own with --data"
            )


def recipe_of(record: dict[str, Any]) -> Recipe:
    """The recipe that a record names, with its changes."""
    recorded = record["recipe"]
    values = {f.name: recorded[f.name] for f in fields(Recipe) if f.name in FIRST_FIELDS or f.name in recorded}
    return get_recipe(values["name"]).with_changes(values)


def seeds_of(record: dict[str, Any]) -> Seeds:
    return Seeds(**record["seeds"])


def steps_an_epoch(record: dict[str, Any]) -> int:
    """How many mini-batches an epoch of training has, by a record's recipe and data."""
    recipe = recipe_of(record)
    images: int = sum(record["data"]["counts"]["train"].values())
    return math.ceil((images - math.floor(recipe.valid_fraction * images)) / recipe.batch_size)


def running_losses(record: dict[str, Any], epochs: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    """(step, loss): the means of a run's `epochs`, each at its last step, counted from the start of the training.

    record: that of the run, or the study.json of its study.
    """
    steps, window = steps_an_epoch(record), recipe_of(record).loss_window
    return [
        ((epoch["epoch"] - 1) * steps + n * window, loss)
        for epoch in epochs
        for n, loss in enumerate(epoch["running_loss"], start=1)
    ]


def caption(record: dict[str, Any]) -> str:
    """One line that says what was run on what, for every figure."""
    recipe, seeds = record["recipe"], set(record["seeds"].values())
    changes = [f"{name} {recipe[name]}" for name in recipe["overridden"]]
    seed = f"seed {seeds.pop()}" if len(seeds) == 1 else "seeds " + "/".join(map(str, record["seeds"].values()))
    return " · ".join([", ".join([recipe["name"], *changes]), seed, data_label(record["data"])])


def data_label(data: dict[str, Any]) -> str:
    """What the data is, in words that do not let it pass for more."""
    if data["kind"] == "synthetic":
        return "synthetic data, not CIFAR-10"
    if data["official"]:
        return "official CIFAR-10 (md5 checked)"
    return f"data not checked to be official CIFAR-10 ({data['kind']})"


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Writes `record.json` atomically; floats with full precision, so that equal numbers give equal text."""
    with replacing(folder / NAME) as file:
        file.write((json.dumps(record, indent=1, allow_nan=False) + "\n").encode())


def read_record(folder: Path) -> dict[str, Any]:
    """The record in a run folder, with what an earlier version did not write yet filled in.

    Raises InputError where there is none, or none that this version can read.
    """
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"{folder}: holds no {NAME}: give the folder of a run")
    try:
        record: dict[str, Any] = loads(path.read_bytes())
        if record["schema"] != SCHEMA:
            raise InputError(
                f"{path}: schema {record['schema']!r} is not {SCHEMA}: read it with the version that wrote it"
            )
        recipe, _ = recipe_of(record), seeds_of(record)
        epochs = [asdict(Epoch(**epoch)) for epoch in record["epochs"]]
        record = {**record, "recipe": {**asdict(recipe), **record["recipe"]}, "epochs": epochs}
        check(record, RECORD, "record")
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: is no record of a run ({type(error).__name__}: {error}): give a whole one"
        ) from error
    return record

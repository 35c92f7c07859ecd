"""Runs, and what came of repeating one."""

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from msgspec.structs import replace

from cifar_repro.core.data import synthetic
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import Epoch
from cifar_repro.formats import convert, encode
from cifar_repro.runs import text as run_text
from cifar_repro.runs.code import Code
from cifar_repro.runs.environment import Environment
from cifar_repro.runs.record import (
    Data,
    Record,
    Stopped,
    Tested,
    caption,
    changed,
    data_label,
    describe_data,
    plain_with_changes,
    recipe_label,
)
from cifar_repro.runs.verify import Difference, Verification
from tests.make_studies import ENVIRONMENT, HEADER, make_study


def runs() -> Iterator[str]:
    """What is said of an epoch, of a test, of data, of a run that diverged, and how recipes and data are called."""
    digest = "a" * 64
    for epoch, best, window in (
        (Epoch(1, 2.0, 1.75, True, digest, 1, 1), math.inf, 0),
        (Epoch(2, 1.5, 1.25, True, digest, 1, 1), 1.75, 0),
        (Epoch(3, 1.25, 1.5, False, digest, 1, 1), 1.25, 0),
        (Epoch(1, 1.25, 1.5, True, digest, 1, 1, valid_accuracy=0.456789), None, 0),
        (Epoch(2, 1.25, None, True, digest, 1, 1, running_loss=[2.25, 1.875]), None, 2_000),
    ):
        yield run_text.epoch(epoch, best, window)
    yield run_text.identical(epoch)
    run = make_study([73.99])["runs"][0]
    run["test"]["per_class"][9] |= {"correct": 0, "total": 0}
    run["test"]["per_class"][0] |= {"correct": 59}
    yield run_text.test(convert(run["test"], Tested, "test"))
    yield run_text.test(convert({**run["test"], "correct": 0, "total": 0}, Tested, "test"))
    official = convert(make_study([73.0])["data"], Data, "data")
    other = convert(make_study([73.0], official=False)["data"], Data, "data")
    others = [replace(other, kind=kind, path="a folder") for kind in ("images", "binary")]
    others.append(replace(other, reordered=True))
    no_cifar = convert(HEADER["data"], Data, "data")
    for data in (official, *others, no_cifar):
        yield run_text.data(data)
        yield data_label(data)
    changes = {"batch_size": 16, "dropout": 0.5}
    for recipe in (*RECIPES.values(), RECIPES["udacity"].with_changes(changes)):
        yield recipe_label(recipe)
        yield caption(recipe, Seeds(1, 2, 3, 4), no_cifar)
        yield str(changed(recipe))
    stopped = Stopped(epoch=2, phase="training", step=3, loss="nan")
    record = Record(
        recipe=RECIPES["udacity"],
        seeds=Seeds.all(0),
        data=no_cifar,
        environment=convert(ENVIRONMENT, Environment, "environment"),
        stopped=stopped,
    )
    yield run_text.diverged(record)


def begun() -> Iterator[str]:
    """What is said of a run before it begins or goes on, and of a record that does not fit."""
    data = synthetic(60, 30)
    environment = convert(ENVIRONMENT, Environment, "environment")
    gpu = replace(environment, device="cuda:0", gpu="a GPU", threads=2)
    checkout = Code(version="1.0", commit="2" * 40, changed=True, source_sha256="1" * 64)
    code = [checkout, None, replace(checkout, commit=None, changed=None), replace(checkout, changed=False)]
    done = [Epoch(1, 2.0, 1.75, True, "a" * 64, 1, 1)]
    record = Record(recipe=RECIPES["udacity"], seeds=Seeds.all(0), data=describe_data(data), environment=environment)
    for name, changes in (
        ("udacity", {}),
        ("udacity-augmented", {"environment": gpu}),
        ("pytorch-blitz", {"environment": replace(environment, threads=2)}),
        ("keras-cnn", {"epochs": done, "code": code}),
    ):
        one = replace(record, recipe=RECIPES[name], **changes)
        device = torch.device(one.environment.device)
        # As much of a run as this needs: a run itself needs its device.
        run: Any = SimpleNamespace(
            record=one, recipe=one.recipe, seeds=one.seeds, data=data, device=device, memory_format="contiguous"
        )
        yield f"{run_text.setup(run)}\n"
    for number, (entry, value) in enumerate((("seeds", 0), ("epochs", [{"epoch": "one"}]), ("schema", 2))):
        Path(f"run-{number}").mkdir()
        spoiled = {**plain_with_changes(record), entry: value}
        Path(f"run-{number}", "record.json").write_bytes(encode(spoiled))
        yield f"cifar-repro verdict run-{number}"


def verification() -> Iterator[str]:
    """What `verify` says of a run that is as recorded, and of one that is not."""
    for difference, environment, explained, epochs in (
        (None, [], [], 1),
        (None, ["torch: 2.14.1 -> 2.15.0"], [], 3),
        (Difference(2, "train_loss", 1.5, 1.25), [], [], 2),
        (Difference(1, "weights_sha256", "a" * 64, "b" * 64), ["threads: 2 -> 1"], ["threads 2: equal"], 1),
    ):
        found = Verification(epochs, difference, environment, explained)
        answer = run_text.answer(found)
        yield f"{run_text.verification(found)}\n"
        yield "\n".join([answer.headline, *map(str, answer.checks), *answer.notes, ""])

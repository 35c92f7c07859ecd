"""The tables of the report: the numbers of a run or study, row by row."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.formats import plain
from cifar_repro.report.published import Published
from cifar_repro.runs.code import code_labels
from cifar_repro.runs.record import seeds_label
from cifar_repro.studies.study_file import Study, StudyRun

ENVIRONMENT = {
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "NumPy",
    "python": "Python",
    "platform": "platform",
    "cpu": "CPU",
    "cpu_capability": "CPU capability",
    "device": "device",
    "gpu": "GPU",
    "threads": "threads",
    "memory_format": "memory format",
    "deterministic": "deterministic algorithms",
}


def distinct(values: Sequence[Any]) -> str:
    """The different ones among the values, as a text."""
    return " / ".join(dict.fromkeys(map(str, values)))


def threads(number: int) -> str:
    return f"{number} thread{'s' * (number != 1)}"


def recipe(study: Study) -> list[dict[str, Any]]:
    """Every number of the recipe, and whether it was changed."""
    changes, usual = study.recipe.changes(), RECIPES[study.recipe.name]
    return [
        {
            "name": f.name.replace("_", " "),
            "value": getattr(study.recipe, f.name),
            "changed": f.name in changes,
            "usual": getattr(usual, f.name),
        }
        for f in fields(Recipe)
        if f.name != "name"
    ]


def seed_names(study: Study) -> str:
    """What the numbers of `seeds` in the table of runs are."""
    seeds = [run.seeds for run in study.runs]
    return "seed" if all(s == Seeds.all(s.split) for s in seeds) else "/".join(asdict(seeds[0])) + " seed"


def epochs(study: Study, known: Published | None) -> list[dict[str, Any]]:
    """The numbers behind the curves by epoch."""
    published = {name: dict(lines[0]) for name, lines in known.curves.items()} if known else {}
    return [
        {
            "epoch": epoch.epoch,
            **{
                name: (getattr(epoch, name), published.get(name, {}).get(epoch.epoch))
                for name in ("train_loss", "valid_loss")
            },
        }
        for epoch in study.epochs
    ]


def confusion(study: Study) -> dict[str, Any]:
    """Shares of each true class over all runs, how much colour each cell gets, and the most frequent confusions."""
    counts = np.sum([run.test.confusion for run in study.runs if run.test], axis=0)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    rows = [
        {
            "index": index,
            "name": name,
            "empty": not total,
            # The root makes the rise steepest at the small shares, where the confusions are.
            "cells": [{"share": float(share), "ink": round(float(share) ** 0.6 * 0.62, 3)} for share in row],
        }
        for index, (name, total, row) in enumerate(zip(CLASSES, totals[:, 0], shares, strict=True))
    ]
    apart = shares * (1 - np.eye(len(CLASSES)))
    worst = [divmod(int(at), len(CLASSES)) for at in np.argsort(-apart, axis=None, kind="stable")[:3]]
    return {
        "classes": CLASSES,
        "rows": rows,
        "worst": [(CLASSES[true], CLASSES[guess], float(apart[true, guess])) for true, guess in worst],
    }


def environment(study: Study) -> list[tuple[str, str]]:
    environments = [plain(run.environment) for run in study.runs]
    values = [
        (word, distinct([e[name] for e in environments if e[name] is not None])) for name, word in ENVIRONMENT.items()
    ]
    if any(run.code for run in study.runs):
        values.append(("cifar-repro", " / ".join(code_labels(run.code for run in study.runs))))
    return [(word, value.replace("True", "yes").replace("False", "no")) for word, value in values if value]


def run(run: StudyRun) -> dict[str, Any]:
    """A row of the table of runs. weights: the digest of the tested weights."""
    best, test, epochs = run.best, run.test, run.epochs
    minutes = sum(e.train_seconds + e.valid_seconds for e in epochs) / 60
    return {
        "seeds": seeds_label(run.seeds).partition(" ")[2],
        "test": test and (test.accuracy, test.loss),
        "best": best and best.epoch,
        "minutes": minutes,
        "weights": next((e.weights_sha256 for e in epochs if best and e.epoch == best.epoch), None),
    }

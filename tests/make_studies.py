"""Studies as study.json has them, made of given numbers: plain objects, which a test may change."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from cifar_repro.core import official as official_cifar10
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.recipe import RECIPES
from cifar_repro.formats import convert, encode
from cifar_repro.runs.record import Record, plain_with_changes
from cifar_repro.studies.study_file import Study
from cifar_repro.studies.summary import pack_bits, sum_up

ENVIRONMENT: dict[str, Any] = {
    "torch": "2.14.1",
    "torchvision": "0.29.1",
    "numpy": "2.4.6",
    "python": "3.11.7",
    "platform": "Linux",
    "cpu": "a CPU",
    "cpu_capability": "AVX512",
    "device": "cpu",
    "gpu": None,
    "threads": 1,
    "memory_format": "contiguous",
    "deterministic": True,
}
FINGERPRINTS = {"train": "a" * 64, "test": "b" * 64}  # of no images: data with them is not official
COUNTS = {"train": dict.fromkeys(CLASSES, 5_000), "test": dict.fromkeys(CLASSES, 1_000)}
# The first line of a trace of one step.
HEADER: dict[str, Any] = {
    "trace": 1,
    "steps": 1,
    "recipe": {**asdict(RECIPES["udacity"]), "overridden": []},
    "seeds": {"split": 0, "init": 0, "order": 0, "dropout": 0},
    "data": {"kind": "synthetic", "official": False, "path": None, "fingerprints": FINGERPRINTS, "counts": COUNTS},
    "environment": ENVIRONMENT,
}


def make_study(
    accuracies: Sequence[float],
    *,
    test_losses: Sequence[float] | None = None,
    curves: npt.NDArray[np.float64] | None = None,
    per_class: npt.NDArray[np.float64] | None = None,
    first_seed: int = 0,
    recipe: str = "udacity",
    official: bool = True,
) -> dict[str, Any]:
    """A study with one run for each of the accuracies, in percent of 10,000 test images.

    curves: (n, epochs, 2), the training and validation loss of each epoch; default: 2 epochs, all runs alike.
    per_class: (n, 10) percent of 1,000; default: all classes as the whole. Digests are made of the seeds, so no two
    runs share one.
    """
    n = len(accuracies)
    curves = np.tile([[1.5, 1.6], [1.2, 1.3]], (n, 1, 1)) if curves is None else curves
    per_class = np.tile(np.array(accuracies)[:, None], (1, 10)) if per_class is None else per_class
    losses = [0.75] * n if test_losses is None else test_losses
    made_of = RECIPES[recipe].with_changes({"epochs": len(curves[0])})
    runs = []
    for i, (percent, loss, curve, classes) in enumerate(zip(accuracies, losses, curves, per_class, strict=True)):
        seed = first_seed + i
        runs.append(
            {
                "folder": f"seed-{seed}",
                "seeds": dict.fromkeys(("split", "init", "order", "dropout"), seed),
                "environment": dict(ENVIRONMENT),
                "epochs": [
                    {
                        "epoch": e,
                        "train_loss": float(train),
                        "valid_loss": float(valid),
                        "saved": True,
                        "weights_sha256": f"{seed:032x}{e:032x}",
                        "train_seconds": 1.0,
                        "valid_seconds": 0.1,
                        "valid_accuracy": None,
                        "running_loss": [],
                    }
                    for e, (train, valid) in enumerate(curve, start=1)
                ],
                "best": {"epoch": len(curve), "valid_loss": float(curve[-1][1])},
                "test": {
                    "loss": float(loss),
                    "correct": round(100 * percent),
                    "total": 10_000,
                    "per_class": [
                        {"name": name, "correct": round(10 * value), "total": 1_000}
                        for name, value in zip(CLASSES, classes.tolist(), strict=True)
                    ],
                    "confusion": [[0] * 10] * 10,
                },
                "correct_bits": None,
            }
        )
    return {
        "study": 1,
        "recipe": {**asdict(made_of), "overridden": made_of.changes()},
        "vary": None,
        "data": {
            "kind": "binary" if official else "images",
            "official": official,
            "path": None,
            "fingerprints": dict(official_cifar10.FINGERPRINTS if official else FINGERPRINTS),
            "counts": deepcopy(COUNTS),  # a test may change its study
        },
        "runs": runs,
        "diverged": [],
    }


def as_study(content: dict[str, Any]) -> Study:
    """A study as verdicts take it: its summaries, which they do not read, are left out."""
    return msgspec.convert({**content, "epochs": [], "test": None, "variance": None}, Study)


def summed_up(content: dict[str, Any]) -> Study:
    """A study with its summaries; which images a run gets right is made up: the first ones, as many as it counts."""
    study = as_study(content)
    runs = [
        replace(run, correct_bits=pack_bits(np.arange(run.test.total) < run.test.correct))
        for run in study.runs
        if run.test
    ]
    return sum_up(study.recipe, study.vary, study.data, runs, [])


def as_record(content: dict[str, Any]) -> Record:
    """A record as the code takes it."""
    return convert(content, Record, "record")


def write_study(folder: Path, study: dict[str, Any]) -> Path:
    """Writes study.json, with what a study has besides and verdicts do not read; returns the folder.

    Where the classes' counts do not add up to the whole they are changed, by as little as can be.
    """
    whole = deepcopy(study)
    for run in whole["runs"]:
        test = run["test"]
        hits = [each["correct"] for each in test["per_class"]]
        for k in cycle(range(10)):
            if not (missing := test["correct"] - sum(hits)):
                break
            hits[k] = min(max(hits[k] + (1 if missing > 0 else -1), 0), 1_000)
        for k, each in enumerate(test["per_class"]):
            each["correct"] = hits[k]
        test["confusion"] = [[0] * 10 for _ in range(10)]
        for k, row in enumerate(test["confusion"]):
            row[k], row[k - 1] = hits[k], 1_000 - hits[k]
    folder.mkdir(parents=True)
    (folder / "study.json").write_bytes(encode(plain_with_changes(summed_up(whole))))
    return folder

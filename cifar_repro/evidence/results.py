"""The results of a run or of a study in one shape, that of study.json: a run is a study of one."""

import json
from dataclasses import asdict
from pathlib import Path
from types import NoneType
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.training import Epoch
from cifar_repro.evidence import record, study
from cifar_repro.evidence.record import recipe_of, seeds_of
from cifar_repro.evidence.summary import summarise

NUMBER, MAYBE, TEXT = (int, float), (int, float, NoneType), (str, NoneType)
SEEDS = dict.fromkeys(study.SOURCES, int)
SPREAD = dict.fromkeys(("mean", "sd", "low", "high"), NUMBER)
ALONE = {**dict.fromkeys(SPREAD, NoneType), "mean": NUMBER}
NOTHING = dict.fromkeys(SPREAD, NoneType)
VARIANCE = {"images": int, "networks": NUMBER}
SHARES = ("test_set_share", "test_set_share_low", "test_set_share_high")
DATA = {
    "kind": str,
    "official": bool,
    "path": TEXT,
    "fingerprints": {"train": str, "test": str},
    "counts": dict.fromkeys(("train", "test"), dict.fromkeys(CLASSES, int)),
}
TEST = {
    "loss": NUMBER,
    "correct": int,
    "total": int,
    "per_class": [{"name": str, "correct": int, "total": int}],
    "confusion": [[int]],
}
RUN = {
    "folder": str,
    "seeds": SEEDS,
    "environment": {
        **dict.fromkeys(("torch", "torchvision", "numpy", "python", "cpu", "cpu_capability", "device"), str),
        "gpu": TEXT,
        "threads": int,
        "memory_format": str,
        "deterministic": bool,
    },
    "epochs": [
        {
            "epoch": int,
            "train_loss": NUMBER,
            "valid_loss": MAYBE,
            "valid_accuracy": MAYBE,
            "running_loss": [NUMBER],
            "weights_sha256": str,
            "train_seconds": NUMBER,
            "valid_seconds": NUMBER,
        }
    ],
    "best": (NoneType, {"epoch": int, "valid_loss": MAYBE}),
    "test": (NoneType, TEST),
    "correct_bits": TEXT,
}


def read_results(path: Path) -> dict[str, Any]:
    """What a study.json holds, of the study or the run in that folder. Raises InputError where there is neither."""
    folder = folder_of(path)
    file = folder / study.NAME
    try:
        if file.is_file():
            results: dict[str, Any] = json.loads(file.read_bytes())
            if results["study"] != study.SCHEMA:
                raise InputError(
                    f"{file}: schema {results['study']!r} is not {study.SCHEMA}: read it with its own version"
                )
            if not results["runs"]:
                raise InputError(f"{file}: all its runs diverged: give a study with results")
        elif (file := folder / record.NAME).is_file():
            results = of_run(record.read_record(folder))
        else:
            raise InputError(
                f"{path}: holds no {record.NAME} and no {study.NAME}: give the folder of a run or of a study"
            )
        return _whole(results)
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{file}: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{file}: is not whole ({type(error).__name__}: {error}): give what cifar-repro wrote"
        ) from error


def folder_of(path: Path) -> Path:
    """The folder of a run or study that `path` names, by itself or by its record.json or study.json."""
    return path.parent if path.name in (record.NAME, study.NAME) and path.is_file() else path


def _shape(several: bool) -> dict[str, Any]:
    """What readers of results rely on: each entry's type, entries, elements, or a tuple of what it may be."""
    summary = SPREAD if several else ALONE
    variance = (NoneType, *({**VARIANCE, **dict.fromkeys(SHARES, kind)} for kind in (NUMBER, NoneType)))
    return {
        "vary": TEXT,
        "data": DATA,
        "runs": [RUN],
        "diverged": [{"folder": str, "seeds": SEEDS, "stopped": {"epoch": int}}],
        "epochs": [{"epoch": int, "train_loss": summary, "valid_loss": (NoneType, summary)}],
        "test": (
            NoneType,
            {
                "loss": summary,
                "accuracy": summary,
                "per_class": [({"name": str, **summary}, {"name": str, **NOTHING})],
            },
        ),
        "variance": variance,
    }


def _misfit(value: Any, shape: Any, at: str) -> str:
    """Where the value is not of the shape, and what is there; empty where it is."""
    if isinstance(shape, tuple):
        misfits = [_misfit(value, each, at) for each in shape]
        return "" if "" in misfits else misfits[-1]
    if isinstance(shape, dict) and isinstance(value, dict):
        parts = [
            _misfit(value[k], each, f"{at}.{k}") if k in value else f"{at}.{k} is missing" for k, each in shape.items()
        ]
        return next(filter(None, parts), "")
    if isinstance(shape, list) and isinstance(value, list):
        return next(filter(None, (_misfit(each, shape[0], f"{at}.{n}") for n, each in enumerate(value))), "")
    return "" if isinstance(shape, type) and isinstance(value, shape) else f"{at} is {value!r}"


def _whole(results: dict[str, Any]) -> dict[str, Any]:
    """The results with what an earlier version did not write yet filled in. Raises ValueError unless they are whole."""
    recipe = recipe_of(results)
    [getattr(recipe, name) for name in results["recipe"]["overridden"]]
    runs = [{**run, "epochs": [asdict(Epoch(**epoch)) for epoch in run["epochs"]]} for run in results["runs"]]
    results = {**results, "recipe": {**asdict(recipe), **results["recipe"]}, "runs": runs}
    if misfit := _misfit(results, _shape(several=len(runs) > 1), ""):
        raise ValueError(misfit.lstrip("."))
    if results["vary"] not in (None, *study.SOURCES):
        raise ValueError(f"vary is {results['vary']!r}")
    for run in runs:
        seeds_of(run)
        test, best, bits = run["test"], run["best"], run["correct_bits"]
        if best and best["epoch"] not in [epoch["epoch"] for epoch in run["epochs"]]:
            raise ValueError(f"the best epoch of {run['folder']} is {best['epoch']}")
        if test is None:
            if len(runs) > 1 or results["test"] is not None:
                raise ValueError(f"{run['folder']} has no test")
            continue
        sizes = [len(test["per_class"]), len(test["confusion"]), *map(len, test["confusion"])]
        if test["total"] < 1 or best is None or set(sizes) != {len(CLASSES)}:
            raise ValueError(f"the test of {run['folder']} is not whole")
        if bits is not None and len(bytes.fromhex(bits)) != -(-test["total"] // 8):
            raise ValueError(f"correct_bits of {run['folder']} are not of {test['total']} images")
    return results


def of_run(recorded: dict[str, Any]) -> dict[str, Any]:
    """The record of a run, complete or not, as a study of it alone. `test` is None where it has not been tested."""
    names = ("seeds", "environment", "epochs", "best", "test")
    runs = [{"folder": ".", **{name: recorded[name] for name in names}, "correct_bits": None}]
    return {
        "study": study.SCHEMA,
        "recipe": recorded["recipe"],
        "vary": None,
        "data": recorded["data"],
        "runs": runs,
        "diverged": [],
        **summarise(runs),
    }

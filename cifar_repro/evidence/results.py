"""The results of a run or of a study in one shape, that of study.json: a run is a study of one."""

import json
from pathlib import Path
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.training import Epoch
from cifar_repro.evidence import record, study
from cifar_repro.evidence.environment import DECISIVE
from cifar_repro.evidence.record import recipe_of, seeds_of


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
        _check(results)
    except InputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{file}: is not whole ({type(error).__name__}: {error}): give what cifar-repro wrote"
        ) from error
    return results


def folder_of(path: Path) -> Path:
    """The folder of a run or study that `path` names, by itself or by its record.json or study.json."""
    return path.parent if path.name in (record.NAME, study.NAME) and path.is_file() else path


def _check(results: dict[str, Any]) -> None:
    """Raises one of the errors above unless what readers of results rely on is there."""
    recipe_of(results)
    for part in ("train", "test"):
        str(results["data"]["fingerprints"][part]), sum(results["data"]["counts"][part].values())
    for name in ("kind", "official", "path"):
        results["data"][name]
    [epoch["epoch"] + epoch["train_loss"]["mean"] for epoch in results["epochs"]]
    for run in results["runs"]:
        seeds_of(run)
        [run["environment"][name] for name in ("torchvision", "numpy", "python", "cpu", *DECISIVE)]
        epochs = [Epoch(**epoch) for epoch in run["epochs"]]
        if run["best"] and run["best"]["epoch"] not in [epoch.epoch for epoch in epochs]:
            raise ValueError(f"its best epoch is {run['best']['epoch']}")
        test = run["test"]
        if test is not None:
            test["loss"] + test["correct"] / test["total"]
            sizes = [len(test["per_class"]), len(test["confusion"]), *map(len, test["confusion"])]
            if sizes != [len(CLASSES)] * len(sizes):
                raise ValueError("its test has not ten classes")
            bits = run["correct_bits"]
            if bits is not None and len(bytes.fromhex(bits)) != -(-test["total"] // 8):
                raise ValueError(f"correct_bits of {run['folder']} are not of {test['total']} images")
    if results["test"] is not None:
        [results["test"][name]["mean"] + 0.0 for name in ("loss", "accuracy")]
        [str(one["name"]) and one["mean"] for one in results["test"]["per_class"]]


def of_run(recorded: dict[str, Any]) -> dict[str, Any]:
    """The record of a run, complete or not, as a study of it alone. `test` is None where it has not been tested."""

    def alone(value: float | None) -> dict[str, float | None] | None:
        return None if value is None else {"mean": value, "sd": None, "low": None, "high": None}

    run = {name: recorded[name] for name in ("seeds", "environment", "epochs", "best", "test")}
    test = recorded["test"]
    return {
        "study": 1,
        "recipe": recorded["recipe"],
        "vary": None,
        "data": recorded["data"],
        "runs": [{"folder": ".", **run, "correct_bits": None}],
        "epochs": [
            {"epoch": e["epoch"], **{name: alone(e[name]) for name in ("train_loss", "valid_loss")}}
            for e in recorded["epochs"]
        ],
        "test": test
        and {
            "loss": alone(test["loss"]),
            "accuracy": alone(test["correct"] / test["total"]),
            "per_class": [
                {"name": c["name"], **(alone(c["correct"] / c["total"] if c["total"] else None) or {"mean": None})}
                for c in test["per_class"]
            ],
        },
        "variance": None,
    }

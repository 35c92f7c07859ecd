"""The results of a run or of a study in one shape, that of study.json: a run is a study of one."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.training import Epoch
from cifar_repro.runs import record
from cifar_repro.runs.folders import SOURCES, STUDY, results_file
from cifar_repro.runs.record import recipe_of, seeds_of
from cifar_repro.shape import check, loads
from cifar_repro.studies import study
from cifar_repro.studies.summary import summarise

PARTS = ("seeds", "environment", "epochs", "best", "test")  # of a record, that stand in a study as they are

# The shapes of study.json and of its parts (see `shape`), with what later versions added filled in.
SPREAD = dict.fromkeys(("mean", "sd", "low", "high"), float)
ALONE = {**dict.fromkeys(SPREAD), "mean": float}
NOTHING = dict.fromkeys(SPREAD)
VARIANCE = {"images": int, "networks": float}
SHARES = ("test_set_share", "test_set_share_low", "test_set_share_high")
RUN = {"folder": str, **{name: record.RECORD[name] for name in PARTS}, "correct_bits": (None, str)}


def read_results(path: Path) -> dict[str, Any]:
    """What a study.json holds, of the study or the run in that folder. Raises InputError where there is neither.

    path: the folder, or the study.json or record.json itself.
    """
    file = results_file(path)
    try:
        if file.name == STUDY:
            results: dict[str, Any] = loads(file.read_bytes())
            if results["study"] != study.SCHEMA:
                raise InputError(
                    f"{file}: schema {results['study']!r} is not {study.SCHEMA}: read it with its own version"
                )
            if not results["runs"]:
                raise InputError(f"{file}: all its runs diverged: give a study with results")
        else:
            results = of_run(record.read_record(file.parent))
        return _whole(results)
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{file}: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise InputError(
            f"{file}: is not whole ({type(error).__name__}: {error}): give what cifar-repro wrote"
        ) from error


def _shape(several: bool) -> dict[str, Any]:
    summary = SPREAD if several else ALONE
    return {
        "recipe": record.RECIPE,
        "vary": (None, *SOURCES),
        "data": record.DATA,
        "runs": [RUN],
        "diverged": [{"folder": str, "seeds": record.SEEDS, "stopped": record.STOPPED}],
        "epochs": [{"epoch": int, "train_loss": summary, "valid_loss": (None, summary)}],
        "test": (
            None,
            {
                "loss": summary,
                "accuracy": summary,
                "per_class": [({"name": str, **summary}, {"name": str, **NOTHING})],
            },
        ),
        "variance": (None, *({**VARIANCE, **dict.fromkeys(SHARES, kind)} for kind in (float, None))),
    }


def _whole(results: dict[str, Any]) -> dict[str, Any]:
    """The results with what an earlier version did not write yet filled in. Raises ValueError unless they are whole."""
    recipe = recipe_of(results)
    runs = [{**run, "epochs": [asdict(Epoch(**epoch)) for epoch in run["epochs"]]} for run in results["runs"]]
    results = {**results, "recipe": {**asdict(recipe), **results["recipe"]}, "runs": runs}
    check(results, _shape(several=len(runs) > 1), "results")
    for run in runs:
        seeds_of(run)
        test, best, bits = run["test"], run["best"], run["correct_bits"]
        if best and best not in [{name: epoch[name] for name in best} for epoch in run["epochs"]]:
            raise ValueError(f"the best epoch of {run['folder']} is {best}")
        if test is None:
            if len(runs) > 1 or results["test"] is not None:
                raise ValueError(f"{run['folder']} has no test")
            continue
        right = all(0 <= part["correct"] <= part["total"] for part in (test, *test["per_class"]))
        right = right and min(map(min, test["confusion"])) >= 0
        sizes = [len(test["per_class"]), len(test["confusion"]), *map(len, test["confusion"])]
        if not right or test["total"] < 1 or best is None or set(sizes) != {len(CLASSES)}:
            raise ValueError(f"the test of {run['folder']} is not whole")
        if bits is not None and len(bytes.fromhex(bits)) != -(-test["total"] // 8):
            raise ValueError(f"correct_bits of {run['folder']} are not of {test['total']} images")
    return results


def of_run(recorded: dict[str, Any]) -> dict[str, Any]:
    """The record of a run, complete or not, as a study of it alone. `test` is None where it has not been tested.

    The run has an entry `stopped`, as in its record, that those of a study do not have: a study lists such runs apart.
    """
    parts = {name: recorded[name] for name in PARTS}
    runs = [{"folder": ".", **parts, "correct_bits": None, "stopped": recorded["stopped"]}]
    return {
        "study": study.SCHEMA,
        "recipe": recorded["recipe"],
        "vary": None,
        "data": recorded["data"],
        "runs": runs,
        "diverged": [],
        **summarise(runs),
    }

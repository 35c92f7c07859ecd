"""The results of a run or of a study in one shape, that of a study: a run is a study of one."""

import reprlib
from math import isclose
from pathlib import Path
from typing import Any

from cifar_repro.core import files
from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.formats import plain
from cifar_repro.runs.folders import STUDY, results_file
from cifar_repro.runs.record import Record, decode_with_recipe, read_record, whole_epochs
from cifar_repro.studies.study_file import Study, StudyRun
from cifar_repro.studies.summary import sum_up, unpack_bits


def read_results(path: Path) -> Study:
    """The study, or the run as a study, in that folder. Raises InputError where there is neither.

    path: the folder, or the study.json or record.json itself.
    """
    file = results_file(path)
    try:
        results = read_study(file) if file.name == STUDY else of_run(read_record(file.parent))
        if not results.runs:
            raise InputError(f"{file}: all its runs diverged: give a study with results")
        _check_whole(results)
        return results
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{file}: {error}") from error
    except (ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise InputError(f"{file}: is not whole ({error}): give what cifar-repro wrote") from error


def read_study(file: Path) -> Study:
    """What a study.json holds. Raises ValueError where something does not fit, and RecursionError."""

    def upgrade(raw: dict[str, Any]) -> dict[str, Any]:
        runs = raw.get("runs")
        return {**raw, "runs": list(map(whole_epochs, runs))} if isinstance(runs, list) else raw

    content = files.read(file, files.STUDY, "give the study.json of a study")
    return decode_with_recipe(content, Study, "study", "study", upgrade)


def of_run(record: Record) -> Study:
    """The record of a run, complete or not, as a study of it alone. `test` is None where it has not been tested."""
    return sum_up(record.recipe, None, record.data, [StudyRun.of(record, ".", None)], [])


def _check_whole(study: Study) -> None:
    """Raises ValueError for results that do not fit together: whatever follows from something else is made again."""
    for run in study.runs:
        _check_run(run, study)
        if run.test is None and (len(study.runs) > 1 or study.test is not None):
            raise ValueError(f"{run.folder} has no test")
        if run.correct_bits is None and len(study.runs) > 1:
            raise ValueError(f"{run.folder} has no correct_bits")
    again = sum_up(study.recipe, study.vary, study.data, study.runs, study.diverged)
    for name in ("epochs", "test", "variance"):
        if differing := _differing(plain(getattr(study, name)), plain(getattr(again, name)), name):
            raise ValueError(f"{differing} by its runs")


def _differing(found: Any, made: Any, at: str) -> str:
    """The first number that is not the one made again, but for rounding, in words; empty where all are."""
    if isinstance(found, dict) and isinstance(made, dict):
        parts = (_differing(found[name], made[name], f"{at}.{name}") for name in made)
        return next(filter(None, parts), "")
    if isinstance(found, list) and isinstance(made, list) and len(found) == len(made):
        parts = (_differing(*pair, f"{at}[{n}]") for n, pair in enumerate(zip(found, made, strict=True)))
        return next(filter(None, parts), "")
    if isinstance(found, float) and isinstance(made, float):
        if isclose(found, made, rel_tol=1e-6, abs_tol=1e-12):
            return ""  # another version of SciPy may round otherwise
        if (at.endswith(".low") and found < made == 0) or (at.endswith(".high") and found > made == 1):
            return ""  # earlier versions did not cut the interval of a fraction off at 0 and 1
    return "" if found == made else f"{at} is {reprlib.repr(found)}, and {reprlib.repr(made)}"


def _check_run(run: StudyRun, study: Study) -> None:
    """Raises ValueError for a best epoch that is not the last one saved, and for a test that contradicts itself."""
    test, best = run.test, run.best
    if [epoch.epoch for epoch in run.epochs] != list(range(1, len(run.epochs) + 1)):
        raise ValueError(f"the epochs of {run.folder} are not counted from 1")
    saved = [(epoch.epoch, epoch.valid_loss) for epoch in run.epochs if epoch.saved]
    if ([] if best is None else [(best.epoch, best.valid_loss)]) != saved[-1:]:
        raise ValueError(f"the best epoch of {run.folder} is {best}, the last one saved {saved[-1:]}")
    if test is None:
        return
    matrix = test.confusion
    sizes = {len(matrix), *map(len, matrix)}
    if best is None or [c.name for c in test.per_class] != list(CLASSES) or sizes != {len(CLASSES)}:
        raise ValueError(f"the test of {run.folder} is not whole")
    if test.total < 1 or min(map(min, matrix)) < 0:
        raise ValueError(f"the test of {run.folder} counts what cannot be counted")
    right = [row[label] for label, row in enumerate(matrix)]
    images = [study.data.counts.test[name] for name in CLASSES]
    for what, found, made in (
        ("correct", test.correct, sum(right)),
        ("total", test.total, sum(map(sum, matrix))),
        ("per_class.correct", [c.correct for c in test.per_class], right),
        ("per_class.total", [c.total for c in test.per_class], list(map(sum, matrix))),
    ):
        if found != made:
            raise ValueError(f"{what} of the test of {run.folder} is {found}, and {made} by its confusion")
    if list(map(sum, matrix)) != images:
        raise ValueError(f"the test of {run.folder} is of {list(map(sum, matrix))} images of the classes, not {images}")
    if run.correct_bits is not None:
        bits = bytes.fromhex(run.correct_bits)
        if len(bits) != -(-test.total // 8) or int(unpack_bits(run.correct_bits, test.total).sum()) != test.correct:
            raise ValueError(f"correct_bits of {run.folder} are not of {test.correct} of {test.total} images")

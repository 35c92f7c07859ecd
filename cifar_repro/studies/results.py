"""The results of a run or of a study in one shape, that of a study: a run is a study of one."""

from pathlib import Path
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.runs.folders import STUDY, results_file
from cifar_repro.runs.record import Record, decode_with_recipe, read_record, whole_epochs
from cifar_repro.studies.study_file import ClassSpread, Spread, Study, StudyRun
from cifar_repro.studies.summary import sum_up


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

    return decode_with_recipe(file.read_bytes(), Study, "study", "study", upgrade)


def of_run(record: Record) -> Study:
    """The record of a run, complete or not, as a study of it alone. `test` is None where it has not been tested."""
    return sum_up(record.recipe, None, record.data, [StudyRun.of(record, ".", None)], [])


def _check_whole(study: Study) -> None:
    """Raises ValueError for results that do not fit together."""
    for run in study.runs:
        _check_run(run)
        if run.test is None and (len(study.runs) > 1 or study.test is not None):
            raise ValueError(f"{run.folder} has no test")
    for name, spread in _spreads(study):
        numbers = (spread.mean, spread.sd, spread.low, spread.high)
        measured = len(numbers) if len(study.runs) > 1 else 1  # of one run there is no spread
        missing = [number is None for number in numbers]
        nothing = isinstance(spread, ClassSpread) and all(missing)  # no test image of that class
        if missing != [False] * measured + [True] * (len(numbers) - measured) and not nothing:
            raise ValueError(f"the spread of {name} is {numbers} for {len(study.runs)} runs")
    if (v := study.variance) is not None and v.shares is None:  # no share, so no interval of one
        shares = (v.test_set_share, v.test_set_share_low, v.test_set_share_high)
        if shares != (None, None, None):
            raise ValueError(f"the share of the test set is {shares}")


def _spreads(study: Study) -> list[tuple[str, Spread | ClassSpread]]:
    """Every spread of a study, by its name."""
    found: list[tuple[str, Spread | ClassSpread]] = []
    for epoch in study.epochs:
        found.append((f"train_loss of epoch {epoch.epoch}", epoch.train_loss))
        if epoch.valid_loss is not None:
            found.append((f"valid_loss of epoch {epoch.epoch}", epoch.valid_loss))
    if study.test is not None:
        found += [("the test loss", study.test.loss), ("the test accuracy", study.test.accuracy)]
        found += [(f"the accuracy of {c.name}", c) for c in study.test.per_class]
    return found


def _check_run(run: StudyRun) -> None:
    """Raises ValueError for a best epoch that is not among the run's, and for a test that contradicts itself."""
    test, best = run.test, run.best
    if [epoch.epoch for epoch in run.epochs] != list(range(1, len(run.epochs) + 1)):
        raise ValueError(f"the epochs of {run.folder} are not counted from 1")
    if best and (best.epoch, best.valid_loss) not in [(epoch.epoch, epoch.valid_loss) for epoch in run.epochs]:
        raise ValueError(f"the best epoch of {run.folder} is {best}")
    if test is None:
        return
    counts = [(test.correct, test.total), *((c.correct, c.total) for c in test.per_class)]
    right = all(0 <= correct <= total for correct, total in counts) and min(map(min, test.confusion)) >= 0
    sizes = {len(test.per_class), len(test.confusion), *map(len, test.confusion)}
    if not right or test.total < 1 or best is None or sizes != {len(CLASSES)}:
        raise ValueError(f"the test of {run.folder} is not whole")
    if run.correct_bits is not None and len(bytes.fromhex(run.correct_bits)) != -(-test.total // 8):
        raise ValueError(f"correct_bits of {run.folder} are not of {test.total} images")

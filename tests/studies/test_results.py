"""What is read of a study is whole: no number is missing, and none is something else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.studies.results import read_results
from tests.make_studies import make_study, write_study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study", make_study([73.0, 74.0]))


def change(folder: Path, how: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((folder / "study.json").read_text())
    how(content)
    (folder / "study.json").write_text(json.dumps(content))


@pytest.mark.parametrize("loss", ["1.5", "nan", None, True, [1.5]], ids=repr)
def test_a_loss_that_is_no_number_is_refused(folder: Path, loss: object) -> None:
    """Of an epoch or of the test, it is named with what is there: no verdict is ever given on it."""
    change(folder, lambda study: study["runs"][1]["epochs"][0].update(train_loss=loss))
    with pytest.raises(InputError, match=r"study\.runs\[1\]\.epochs\[0\]\.train_loss is "):
        read_results(folder)
    change(folder, lambda study: study["runs"][1]["epochs"][0].update(train_loss=1.5))
    assert len(read_results(folder).runs) == 2
    change(folder, lambda study: study["runs"][1]["test"].update(loss=loss))
    with pytest.raises(InputError, match=r"study\.runs\[1\]\.test\.loss is "):
        read_results(folder)


def test_a_study_of_another_schema_is_refused_by_its_number(folder: Path) -> None:
    """It is read with the version that wrote it."""
    change(folder, lambda study: study.update(study=2))
    with pytest.raises(InputError, match="schema 2 is not 1: read it with the version that wrote it"):
        read_results(folder)


@pytest.mark.parametrize(("end", "beyond", "other"), [("low", -0.1, 0.1), ("high", 1.1, 0.9)])
def test_intervals_that_earlier_versions_did_not_cut_off_are_read(
    tmp_path: Path, end: str, beyond: float, other: float
) -> None:
    """Of fractions, at 0 and 1: an end beyond is taken where it is cut today, and any other number is not."""
    few = write_study(tmp_path / "few", make_study([1.0, 99.0]))  # whose interval is all there is
    assert json.loads((few / "study.json").read_text())["test"]["accuracy"][end] in (0, 1)
    change(few, lambda study: study["test"]["accuracy"].update({end: beyond}))
    assert len(read_results(few).runs) == 2
    change(few, lambda study: study["test"]["accuracy"].update({end: other}))
    with pytest.raises(InputError, match=f"test.accuracy.{end} is {other}, and "):
        read_results(few)


def test_what_another_version_of_scipy_rounds_otherwise_is_read(folder: Path) -> None:
    """A sum that differs from that of its runs by less than one part in a million, in an interval, say."""
    change(folder, lambda study: study["test"]["loss"].update(high=study["test"]["loss"]["high"] * (1 + 5e-7)))
    assert len(read_results(folder).runs) == 2


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("test.accuracy.mean", 0.73501, "test.accuracy.mean is 0.73501, and 0.735 by its runs"),
        ("test.accuracy.high", None, "test.accuracy.high is None"),
        ("test.per_class.3.mean", 0.9, r"test.per_class\[3\].mean is 0.9, and 0.735"),
        ("test.per_class", [], r"test.per_class is \[\]"),
        ("epochs.0.train_loss.sd", 0.5, r"epochs\[0\].train_loss.sd is 0.5, and 0.0"),
        ("epochs", [], r"epochs is \[\]"),
        ("variance", None, "variance is None"),
        ("variance.test_set_share", 0.4, "variance.test_set_share is 0.4"),
        ("variance.test_set_share_low", None, "variance.test_set_share_low is None"),
        ("runs.1.test.correct", 7451, "correct of the test of seed-1 is 7451, and 7400 by its confusion"),
        ("runs.1.test.total", 7451, "total of the test of seed-1 is 7451, and 10000"),
        ("runs.1.test.confusion.0.0", 760, "correct of the test of seed-1 is 7400, and 7420"),
        ("runs.1.test.confusion.0.2", 7, "total of the test of seed-1 is 10000, and 10007"),
        ("runs.1.test.per_class.0.correct", 741, r"per_class.correct of the test of seed-1 is \[741, 740"),
        ("runs.1.test.per_class.0.total", 999, r"per_class.total of the test of seed-1 is \[999, 1000"),
        ("runs.1.test.per_class.0.name", "zebra", "the test of seed-1 is not whole"),
        ("runs.1.correct_bits", "ff" * 1250, "correct_bits of seed-1 are not of 7400 of 10000"),
        ("runs.1.correct_bits", "ff" * 925 + "00" * 324, "correct_bits of seed-1 are not of 7400 of 10000"),
        ("runs.1.correct_bits", "ff" * 925 + "00" * 326, "correct_bits of seed-1 are not of 7400 of 10000"),
        ("runs.1.correct_bits", None, "seed-1 has no correct_bits"),
        ("runs.1.best.epoch", 1, r"the best epoch of seed-1 is .*epoch=1, .*, the last one saved \[\(2, 1.3\)\]"),
        ("runs.1.best.valid_loss", 1.2, r"the best epoch of seed-1 is .*=1.2.*, the last one saved \[\(2, 1.3\)\]"),
        ("runs.1.epochs.1.saved", False, "the best epoch of seed-1"),
        ("runs.1.epochs.1.epoch", 3, "the epochs of seed-1 are not counted from 1"),
        ("data.counts.test.cat", 999, "the test of seed-0 is of"),
        ("runs.1.test.confusion.0.1", -1, "the test of seed-1 counts what cannot be counted"),
    ],
)
def test_results_that_contradict_themselves_are_refused(folder: Path, path: str, value: object, named: str) -> None:
    """What follows from something else in the file is made again, and must be what the file says."""
    *places, last = [int(part) if part.isdecimal() else part for part in path.split(".")]

    def contradict(study: Any) -> None:
        for place in places:
            study = study[place]
        study[last] = value

    assert len(read_results(folder).runs) == 2
    change(folder, contradict)
    with pytest.raises(InputError, match=named):
        read_results(folder)

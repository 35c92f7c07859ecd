"""There is no report of what is no run or study, has results that cannot be, or is not finished."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import as_id, changed, edit


def test_report_of_no_run_is_refused(shell: Shell) -> None:
    """A folder that is not there, or holds neither a run nor a study, is named, and no report is written."""
    (shell.folder / "empty").mkdir()
    for folder in ("empty", "gone"):
        shell.refuses("report", folder, naming=(folder, "record.json", "study.json"))


def test_report_never_overwrites(shell: Shell, run: Path) -> None:
    """The file to write must not exist."""
    (shell.folder / "report.html").write_text("mine")
    shell.refuses("report", run, naming=("out", "report.html"))


def test_report_on_data_that_is_not_there_is_refused(shell: Shell, run: Path) -> None:
    """Data that was asked for must be there."""
    shell.refuses("report", run, "--data", "gone", naming=("data", "'gone'"))


def test_images_whose_place_the_record_does_not_say_are_asked_for(shell: Shell, run: Path) -> None:
    """A record without the folder of its images, as one that is passed on: --data is the remedy, for `verify`, too."""
    edit(run, changed(("data", "path"), None))
    status, output, _ = shell.run("report", run)
    assert status == 0
    assert "data: the record does not say where its images were: give --data FOLDER" in output
    shell.refuses("verify", run, naming=("data", "--data"))


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"study": 2, "runs": []}', '{"study": 1, "runs": []}', pytest.param("[" * 100_000, id="deep")],
)
def test_report_on_a_study_that_is_not_whole_is_refused(shell: Shell, content: str) -> None:
    """A study.json that is empty, of another shape or schema, or without runs is named."""
    (shell.folder / "study.json").write_text(content)
    shell.refuses("report", ".", naming=("study.json",))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("best", "epoch"), 9),
        (("best", "valid_loss"), None),
        (("test", "total"), 0),
        (("test", "correct"), -1),
        (("test", "correct"), 41),
        (("test", "correct"), 10**30),
        (("test", "per_class"), []),
        (("test", "per_class", 0, "correct"), 41),
        (("test", "per_class", 0, "total"), -1),
        (("test", "confusion"), [[]] * 10),
        (("test", "confusion", 0, 0), -1),
    ],
    ids=as_id,
)
def test_results_that_cannot_be_are_refused(shell: Shell, run: Path, path: tuple[Any, ...], value: object) -> None:
    """A best epoch that is none of the run's, and counts that are none, are refused by reports and verdicts."""
    edit(run, changed(path, value))
    for command in (["report", run], ["verdict", run]):
        shell.refuses(*command, naming=(run / "record.json",))


def test_what_a_folder_without_results_holds_is_told(shell: Shell, run: Path) -> None:
    """Runs without a study.json, and the studies of --vary each, are named, with what to do."""
    for seed in (9, 10):
        shutil.copytree(run, shell.folder / "begun" / f"seed-{seed}")
    for source in ("split", "dropout"):
        (shell.folder / "each" / source).mkdir(parents=True)
        (shell.folder / "each" / source / "study.json").write_text("{}")
    for command in (["report"], ["verdict"], ["verdict", run, "--against"]):
        shell.refuses(*command, "begun", naming=("begun: holds seed-9 to seed-10", "same command", "diverged"))
        shell.refuses(*command, "each", naming=("each: holds the studies", "each/split, each/dropout"))

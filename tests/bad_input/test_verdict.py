"""There is no verdict on what is no study, is not finished, or against a margin or result that is none."""

import shutil
from pathlib import Path

import pytest

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import as_id, changed, edit


@pytest.mark.parametrize("margin", ["0", "-1", "100", "nan", "inf"])
def test_margin_that_makes_no_sense_is_refused(shell: Shell, run: Path, margin: str) -> None:
    """Points of accuracy lie between 0 and 100."""
    shell.refuses("verdict", run, "--against", run, f"--margin={margin}", naming=("margin", margin))


def test_margin_without_another_study_is_refused(shell: Shell, run: Path) -> None:
    """A published run is compared by the spread of runs, not by a margin."""
    shell.refuses("verdict", run, "--margin", 2, naming=("margin", 2, "--against"))


@pytest.mark.parametrize("name", ["mnist", "", "../udacity", "__init__"], ids=as_id)
def test_published_result_that_there_is_not_is_refused(shell: Shell, run: Path, name: str) -> None:
    """The recipes with published results are named."""
    shell.refuses("verdict", run, "--published", name, naming=("published", repr(name), "pytorch-blitz"))


def test_study_that_is_none_is_refused(shell: Shell, run: Path) -> None:
    """Either study may be the one that is not there."""
    shell.refuses("verdict", "nowhere", naming=("nowhere",))
    shell.refuses("verdict", run, "--against", "nowhere", naming=("nowhere",))
    shell.refuses("verdict", run, "--against", run, "--published", "udacity", naming=("--published", "--against"))


def test_unfinished_run_gets_no_verdict(shell: Shell, run: Path) -> None:
    """A run without a test result, that diverged, or with a loss that is no number, is named by its path."""
    shutil.copytree(run, shell.folder / "good")
    edit(run, changed(("test",), None))
    against_run, against_good = ["verdict", "good", "--against", run], ["verdict", run, "--against", "good"]
    for command in (["verdict", run], against_run, against_good):
        shell.refuses(*command, naming=(f"{run} has no test result",))
    stopped = {"epoch": 3, "phase": "training", "step": 7, "loss": "nan"}
    edit(run, lambda record: record.update(status="diverged", stopped=stopped))
    for command in (["verdict", run], against_run, against_good):
        shell.refuses(*command, naming=(f"{run} diverged", "nan in epoch 3"))
    edit(run, changed(("test",), {"loss": float("nan"), "correct": 1, "total": 2, "per_class": [], "confusion": []}))
    shell.refuses("verdict", run, naming=("record.json",), remedy=False)

"""A study that makes no sense, or whose folder holds other things, is refused."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import HUGE, Finished, as_id


@pytest.mark.parametrize(
    ("flags", "naming"),
    [
        *[(["--seeds", value], ["seeds", value]) for value in ["0", "-1", HUGE, "two"]],
        *[(["--first-seed", value], ["seed", value]) for value in ["-1", str(2**32), "1.5"]],
        *[(["--jobs", value], ["jobs", value]) for value in ["0", "-1", "1025", "two"]],
        (["--threads", "0"], ["threads", "0"]),
        (["--vary", "wind"], ["vary", "wind"]),
        (["--seed", "3"], ["seed", "3"]),
        (["--init-seed", "3"], ["init-seed"]),
        (["--vary", "init", "--init-seed", "3"], ["init-seed"]),
        (["--cluster", "local", "--jobs", "2"], ["jobs", "2"]),
        (["--cluster", "local", "--device", "cuda:1"], ["device", "cuda:1"]),
        (["--cluster", "local"], ["cluster", "Ray"]),
        (["--learning-rate", "-1"], ["learning_rate", "-1"]),
        (["--data", "nowhere"], ["data", "nowhere"]),
    ],
    ids=as_id,
)
def test_study_that_makes_no_sense_is_refused(
    shell: Shell, data: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], naming: list[str]
) -> None:
    """Numbers out of range, seeds that the study sets by itself, and a cluster where Ray is not installed."""
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    line = shell.refuses("study", "--epochs", 1, "--data", data, "--out", "study", *flags, naming=tuple(naming[1:]))
    assert re.search(naming[0].replace("-", "[-_ ]"), line), line


def test_study_in_a_file_is_refused(shell: Shell, data: Path) -> None:
    """A file given as the folder of a study is named."""
    (shell.folder / "study").write_text("")
    shell.refuses("study", "--data", data, "--out", "study", naming=("out", "study"))


def test_study_in_a_folder_with_other_runs_is_refused(shell: Shell, finished: Finished) -> None:
    """A run in DIR/seed-S that is not the study's run of that seed is named, with what differs."""
    shutil.copytree(finished.folder, shell.folder / "study" / "seed-4")
    arguments = ["study", "--data", finished.data, "--out", "study", "--epochs", 2]
    shell.refuses(*arguments, "--first-seed", 4, naming=("seed-4", "split", 3, 4))
    shell.refuses(*arguments, "--first-seed", 5, naming=("seed-4", "seed-5"))
    (shell.folder / "study" / "seed-4" / "record.json").unlink()
    shell.refuses(*arguments, "--first-seed", 4, naming=("seed-4",))

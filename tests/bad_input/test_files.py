"""Where a file is read, a pipe or a device is not waited for, and one that is too large is not read."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.shell import Shell
from tests.make_data import tiny_set, write_binary_folder, write_image_folder

# A file that is read, and the words of a command that reads it: of a data set, of a run, and alone.
DATA = {
    "binary": "cifar-10-batches-bin/data_batch_2.bin",
    "python": "cifar-10-batches-py/data_batch_1",
    "binary archive": "cifar-10-binary.tar.gz",
    "python archive": "cifar-10-python.tar.gz",
    "image": "train/cat/odd.png",
}
RUN = {
    "record": ("record.json", ["run", "--resume", "run"]),
    "record to verify": ("record.json", ["verify", "run"]),
    "last state": ("last.pt", ["run", "--resume", "run"]),
    "best weights": ("model_cifar.pt", ["evaluate", "run"]),
    "study": ("study.json", ["report", "run"]),
    "study to go on with": ("study.json", ["study", "--data", "set", "--out", "run"]),
}
ALONE = {
    "weights": ("w.pt", ["evaluate", "w.pt"]),
    "safetensors": ("w.safetensors", ["evaluate", "w.safetensors"]),
    "trace": ("a.jsonl", ["diff", "a.jsonl", "a.jsonl"]),
    "trace or gate": ("a.json", ["matrix", "a.json"]),
    "tests": ("a.xml", ["trace", "--data", "set", "--out", "t", "--tests", "a.xml"]),
}


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    """Without a byte on the disk."""
    path.touch()
    os.truncate(path, 1 << 40)


every_kind = pytest.mark.parametrize("make", [os.mkfifo, endless, huge], ids=["pipe", "endless", "huge"])
pytestmark = pytest.mark.timeout(60)  # where it is read


def refuses(shell: Shell, path: Path, make: Callable[[Path], Any], *arguments: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    line = shell.refuses(*arguments, naming=(path.relative_to(shell.folder),), remedy=False)
    assert "no regular file" in line or "bytes are more than" in line, line


@every_kind
@pytest.mark.parametrize("layout", DATA)
def test_data_is_read_from_files_alone(shell: Shell, layout: str, make: Callable[[Path], Any]) -> None:
    """In every layout, the file is named."""
    write_binary_folder(shell.folder / "set", tiny_set())
    if layout == "image":
        write_image_folder(shell.folder / "set", tiny_set())
    if layout != "binary":
        os.rename(shell.folder / "set" / "cifar-10-batches-bin", shell.folder / "other")
    refuses(shell, shell.folder / "set" / DATA[layout], make, "data", "set")


@every_kind
@pytest.mark.parametrize("what", RUN)
def test_runs_and_studies_are_read_from_files_alone(
    shell: Shell, data: Path, run: Path, what: str, make: Callable[[Path], Any]
) -> None:
    """Whoever reads them."""
    name, command = RUN[what]
    if name == "study.json":
        (run / "record.json").unlink()
    refuses(shell, run / name, make, *command)


@every_kind
@pytest.mark.parametrize("what", ALONE)
def test_what_is_given_by_its_name_is_a_file(shell: Shell, data: Path, what: str, make: Callable[[Path], Any]) -> None:
    """Weights, traces and results of tests."""
    name, command = ALONE[what]
    refuses(shell, shell.folder / name, make, *command)

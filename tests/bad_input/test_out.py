"""A place for results that is in use, or that nothing can be written to, is refused."""

import builtins
import errno
import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.shell import Shell


@pytest.mark.parametrize("name", ["record.json", "model_cifar.pt", "last.pt", "metrics.jsonl"])
def test_out_folder_in_use_is_refused(shell: Shell, data: Path, name: str) -> None:
    """A folder that already holds a file of a run, be it somebody's own model_cifar.pt, is named and stays as it is."""
    (shell.folder / "mine").mkdir()
    (shell.folder / "mine" / name).write_bytes(b"precious")
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", "mine", naming=("mine", name))


def test_out_folder_of_a_finished_run_is_refused(shell: Shell, run: Path, data: Path) -> None:
    """A finished run is never overwritten."""
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", run, naming=(run,))


def test_out_that_is_a_file_is_refused(shell: Shell, data: Path) -> None:
    """A file given as run folder is named and stays as it is."""
    (shell.folder / "mine").write_bytes(b"precious")
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", "mine", naming=("mine",))


@pytest.mark.parametrize("below", ["mine/run", "mine/runs/1"])
def test_out_below_a_file_is_refused(shell: Shell, data: Path, below: str) -> None:
    """A run folder that would lie below a file is named."""
    (shell.folder / "mine").write_bytes(b"precious")
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", below, naming=("mine",))


def read_only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From here on the folder is on a read-only disk, for root too."""
    real_open, real_os_open, real_mkdir, real_path_mkdir = builtins.open, os.open, os.mkdir, Path.mkdir

    def refuse(path: Any) -> None:
        if isinstance(path, (str, os.PathLike)) and Path(os.path.abspath(path)).is_relative_to(folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def open_reading(path: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if set(mode) & set("wax+"):
            refuse(path)
        return real_open(path, mode, *args, **kwargs)

    def os_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return real_os_open(path, flags, *args, **kwargs)

    def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
        if not os.path.exists(path):
            refuse(path)
        real_mkdir(path, *args, **kwargs)

    def path_mkdir(path: Path, *args: Any, **kwargs: Any) -> None:
        if not path.exists():
            refuse(path)
        real_path_mkdir(path, *args, **kwargs)

    for module in (builtins, io):
        monkeypatch.setattr(module, "open", open_reading)
    monkeypatch.setattr(os, "open", os_open)
    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(Path, "mkdir", path_mkdir)  # in Python 3.10 it has an os.mkdir of its own


@pytest.mark.parametrize("out", [[], ["--out", "new"], ["--out", "there"]], ids=["default", "new", "existing"])
def test_read_only_disk_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch, data: Path, out: list[str]) -> None:
    """A run folder that cannot be made or written to is named, with the system's reason."""
    (shell.folder / "there").mkdir()
    read_only(monkeypatch, shell.folder)
    named = out[-1] if out else "runs"
    shell.refuses("run", "--data", data, "--epochs", 1, *out, naming=(named, os.strerror(errno.EROFS)))


def test_resuming_on_a_read_only_disk_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    """A run on a disk that has become read-only says so once, before it begins."""
    read_only(monkeypatch, shell.folder)
    shell.refuses("run", "--resume", run, naming=(run, os.strerror(errno.EROFS)))


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a /proc, in which nobody can make a folder")
def test_out_where_no_folder_can_be_made_is_refused(shell: Shell, data: Path) -> None:
    """A run folder that the system does not let anybody make is named."""
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", "/proc/run", naming=("/proc/run",))


def test_no_folder_holds_two_kinds(shell: Shell, run: Path, data: Path) -> None:
    """A run, a study and the studies of --vary each are each refused in a folder of the other two, done or not."""
    for folder in (
        "done/study.json",
        "begun/seed-3/record.json",
        "each/init/study.json",
        "each 2/split/seed-0/record.json",
    ):
        (shell.folder / folder).parent.mkdir(parents=True)
        shutil.copy(run / "record.json", shell.folder / folder)
    study = ["study", "--seeds", 1, "--first-seed", 3]
    commands = {"run": ["run"], "study": study, "each": [*study, "--vary", "each"]}
    for kind, folders in {"run": [run], "study": ["done", "begun"], "each": ["each", "each 2"]}.items():
        for folder in folders:
            for command in commands.keys() - {kind}:
                arguments = [*commands[command], "--epochs", 1, "--data", data, "--out", folder]
                shell.refuses(*arguments, naming=("out", folder, "already holds", kind))


@pytest.mark.parametrize("command", [["report"], ["trace", "--steps", "1"]], ids=["report", "trace"])
def test_a_file_where_there_is_no_folder_is_refused(shell: Shell, run: Path, command: list[str]) -> None:
    """Before any work, and by the name that was given."""
    given = [run] if command == ["report"] else ["--data", "synthetic"]
    (shell.folder / "no folder").write_bytes(b"precious")
    for place in ("nowhere", "no folder"):
        line = shell.refuses(*command, *given, "-o", f"{place}/file", naming=(place, "make it first"))
        assert ".tmp" not in line

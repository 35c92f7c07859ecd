"""A data folder that is not there, or holds no data set, is refused."""

import errno
import http.client
import urllib.error
from typing import Any, NoReturn

import pytest

from cifar_repro.core import layouts
from tests.bad_input.shell import Shell, both_commands


def test_missing_data_folder_is_refused(shell: Shell) -> None:
    """A data folder that is not there is named."""
    both_commands(shell, "nowhere", naming=("data", "nowhere"))


def test_empty_data_folder_is_refused(shell: Shell) -> None:
    """An empty data folder is named, with what it could hold."""
    (shell.folder / "empty").mkdir()
    both_commands(shell, "empty", naming=("data", "empty", *layouts.LAYOUTS))


def test_data_folder_that_is_a_file_is_refused(shell: Shell) -> None:
    """A file given as data folder is named."""
    (shell.folder / "set.zip").write_bytes(b"PK")
    both_commands(shell, "set.zip", naming=("data", "set.zip"))


def test_data_folder_without_a_name_is_refused(shell: Shell) -> None:
    """An empty name, as an unset shell variable gives, is not taken for `auto`."""
    both_commands(shell, "", naming=("data", "''"))


def test_missing_data_folder_of_the_environment_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where $CIFAR_REPRO_DATA names no folder, that folder is named and nothing stands in for it."""
    monkeypatch.setenv("CIFAR_REPRO_DATA", "nowhere")
    both_commands(shell, "auto", naming=("CIFAR_REPRO_DATA", "nowhere"))


def test_two_data_folders_are_refused(shell: Shell) -> None:
    """`data` takes one folder."""
    shell.refuses("data", "here", "--data", "there", naming=("here", "there"))


@pytest.mark.parametrize("where", ["auto", "synthetic"])
def test_download_to_no_folder_is_refused(shell: Shell, where: str) -> None:
    """A download goes to a folder, not to a kind of data."""
    shell.refuses("data", where, "--download", naming=(where,))


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route"),
        TimeoutError("too slow"),
        ConnectionResetError(errno.ECONNRESET, "hung up"),
        http.client.BadStatusLine("no http"),
        http.client.IncompleteRead(b""),
    ],
    ids=lambda error: type(error).__name__,
)
def test_download_without_a_network_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A download that was asked for and fails names its address; no file stays."""

    def urlopen(*args: Any, **kwargs: Any) -> NoReturn:
        raise error

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    shell.refuses("data", "--download", naming=(layouts.ARCHIVE_URL,))


@pytest.mark.parametrize("name", [name for name in layouts.LAYOUTS if name != "train"])
def test_layout_that_is_no_such_thing_is_refused(shell: Shell, name: str) -> None:
    """A folder in the place of an archive, and a file in the place of a folder, is named."""
    path = shell.folder / "set" / name
    path.parent.mkdir()
    if name.endswith(".gz"):
        path.mkdir()
    else:
        path.write_bytes(b"")
    both_commands(shell, path.parent, naming=(path,))


# What people have -> what the line names.
ELSEWHERE = {
    "one folder down": (["cifar10/cifar-10-batches-bin/data_batch_1.bin"], ["holds a data set", "{}/cifar10"]),
    "two of them": (["a/cifar-10-python.tar.gz", "b/train/cat/1.png", "b/test/cat/1.png"], ["{0}/a or {0}/b"]),
    "beside a hidden one": (
        ["a/cifar-10-python.tar.gz", ".cache/cifar-10-python.tar.gz"],
        ["holds a data set: give {}/a"],
    ),
    "Kaggle": (["trainLabels.csv", "train/1.png", "train/2.png"], ["Kaggle", "cifar-repro data --download"]),
    "train/ alone": (["train/cat/1.png"], ["train/CLASS/ and no test/CLASS/"]),
    "test/ alone": (["test/cat/1.png"], ["test/CLASS/ and no train/CLASS/"]),
}
OTHER_FORMS = {
    "npz": (["cifar10.npz"], ["cifar10.npz is not read", "train/CLASS/*.png"]),
    "zip in capitals": (["CIFAR10.ZIP"], ["CIFAR10.ZIP is not read", "train/CLASS/*.png"]),
    "archive in capitals": (["CIFAR10.TGZ"], ["CIFAR10.TGZ is not the name", "give cifar-10-python.tar.gz or"]),
    "parquet": (["plain_text/train-00000-of-00001.parquet"], ["train-00000-of-00001.parquet is not read"]),
    "MATLAB": (["cifar-10-batches-mat/data_batch_1.mat"], ["cifar-10-batches-mat is not read"]),
    "archive of another name": (["cifar-10-batches-py.tar.gz"], ["give cifar-10-python.tar.gz or"]),
}


def made(shell: Shell, folder: str, files: list[str], naming: list[str]) -> tuple[object, ...]:
    """Makes empty files, and gives what the line is to name."""
    for file in files:
        path = shell.folder / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tuple(part.format(folder) for part in naming)


@pytest.mark.parametrize(("files", "naming"), {**ELSEWHERE, **OTHER_FORMS}.values(), ids=[*ELSEWHERE, *OTHER_FORMS])
def test_data_in_another_form_is_told_what_to_give(shell: Shell, files: list[str], naming: list[str]) -> None:
    """Where a folder holds no data set but what may have been meant as one, the line says what to give."""
    both_commands(shell, "mine", naming=("data", *made(shell, "mine", files, naming)))


@pytest.mark.parametrize(("files", "naming"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_nothing_stands_in_for_data_that_lies_elsewhere(shell: Shell, files: list[str], naming: list[str]) -> None:
    """Where ./data holds what may have been meant, there is no download, no synthetic data, but a line."""
    (shell.folder / "seen.py").write_text("")
    named = made(shell, "data", files, naming)
    for command in (["run", "--epochs", 1], ["data"], ["audit", "seen.py"]):
        shell.refuses(*command, naming=named)


def test_other_pictures_are_not_taken_for_data_that_lies_elsewhere(shell: Shell) -> None:
    """A data set of other classes in ./data is nobody's CIFAR-10."""
    made(shell, "data", ["flowers/train/rose/1.png", "flowers/test/rose/1.png"], [])
    with pytest.raises(AssertionError, match="must not touch the network"):  # it goes on to the download
        shell.run("data")

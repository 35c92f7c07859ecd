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

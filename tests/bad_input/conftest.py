"""The command line in an empty folder, and a data folder and a finished run for a test to spoil."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from cifar_repro.cli import main
from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import Finished
from tests.make_data import tiny_set, write_binary_folder
from tests.workers import draw_nothing


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Made once; tests copy its folder and leave the original alone."""
    base = tmp_path_factory.mktemp("finished")
    data = write_binary_folder(base / "data", tiny_set(per_batch=40, test=40))
    threads = torch.get_num_threads()
    options = ["--epochs", "2", "--seed", "3", "--threads", "1"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        draw_nothing(monkeypatch)
        status = main(["run", "--data", str(data), *options, "--out", str(base / "run")])
    torch.set_num_threads(threads)
    assert status == 0
    return Finished(base / "run", data)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """An empty current folder; no network, no figures; the number of threads is put back."""

    def no_network(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("this test must not touch the network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    draw_nothing(monkeypatch)
    monkeypatch.delenv("CIFAR_REPRO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield Shell(tmp_path, [tmp_path], capsys)
    torch.set_num_threads(threads)


@pytest.fixture
def data(shell: Shell) -> Path:
    """A whole data folder, binary version: 5 x 4 training and 6 test images."""
    return write_binary_folder(shell.folder / "set", tiny_set())


@pytest.fixture
def run(shell: Shell, finished: Finished) -> Path:
    """A copy of the finished run, which a test may spoil; the data it was trained on is watched too."""
    shell.watched.append(finished.data)
    return Path(shutil.copytree(finished.folder, shell.folder / "run"))


@pytest.fixture
def checkpoint(shell: Shell) -> Path:
    """Where a test puts the file to evaluate."""
    return shell.folder / "model.pt"

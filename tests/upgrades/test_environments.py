"""An environment is made once, is never taken for whole before it is, and what pip cannot do is said in a line."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.upgrades import environments
from cifar_repro.upgrades.environments import (
    Interpreter,
    default_cache,
    folder_of,
    make,
    ready,
    requirements,
    variables,
    wanted,
)
from cifar_repro.upgrades.processes import last_words

VERSIONS = {"torch": "2.9.1+cu128", "torchvision": "0.24.1+cu128", "python": "3.11.7"}


class Pip:
    """What happens in place of venv, pip and the first import. stop: at which of these three Ctrl-C comes."""

    def __init__(self) -> None:
        self.stop = ""
        self.done: list[str] = []

    def run(self, command: Sequence[str], log: Path, what: str, remedy: str = "", **given: Any) -> None:
        step = next(name for name in ("venv", "pip", "-c") if name in command)
        if step == "venv":
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)  # fails where something is left
            python.touch()
        if step == self.stop:
            raise KeyboardInterrupt
        self.done.append(step)
        with log.open("a") as file:
            file.write(f"{step}\n")
        if step == "-c":
            stdout: IO[bytes] = given["stdout"]
            stdout.write(json.dumps(VERSIONS).encode())


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    made = Pip()
    monkeypatch.setattr(environments, "run", made.run)
    return made


@pytest.mark.skipif(sys.platform == "win32", reason="the interpreter lies elsewhere")
class TestMake:
    """`make`."""

    def test_an_environment_is_made_once(self, pip: Pip, tmp_path: Path) -> None:
        """The second time it is taken as it is; another version of torch has its own."""
        cache = tmp_path / "cache"
        first = make("2.9.1", cache)
        assert (first.installed.torch, first.installed.torchvision) == ("2.9.1+cu128", "0.24.1+cu128")
        assert make("2.9.1", cache) == first == ready(folder_of("2.9.1", cache))
        assert pip.done == ["venv", "pip", "-c"]
        assert make("2.6.0", cache).path != first.path
        assert pip.done == ["venv", "pip", "-c"] * 2

    @pytest.mark.parametrize("stop", ["venv", "pip", "-c"])
    def test_an_interrupted_installation_is_none(self, pip: Pip, tmp_path: Path, stop: str) -> None:
        """Whatever it was interrupted in, it is begun again, from nothing; its log is that of the last attempt."""
        pip.stop = stop
        with pytest.raises(KeyboardInterrupt):
            make("2.9.1", tmp_path)
        assert ready(folder_of("2.9.1", tmp_path)) is None
        pip.stop, pip.done = "", []
        make("2.9.1", tmp_path)
        assert pip.done == ["venv", "pip", "-c"]
        assert Path(f"{folder_of('2.9.1', tmp_path)}.log").read_text().split() == pip.done

    @pytest.mark.parametrize("content", ["", '{"torch": 1}', "[" * 10_000])
    def test_a_damaged_mark_is_none(self, pip: Pip, tmp_path: Path, content: str) -> None:
        """The environment is made again."""
        made = make("2.9.1", tmp_path)
        (folder_of("2.9.1", tmp_path) / "complete.json").write_text(content)
        assert make("2.9.1", tmp_path) == made
        assert pip.done == ["venv", "pip", "-c"] * 2

    def test_an_environment_whose_python_is_gone_is_made_again(self, pip: Pip, tmp_path: Path) -> None:
        """As where the Python that it links to was removed."""
        made = make("2.9.1", tmp_path)
        made.path.unlink()
        assert make("2.9.1", tmp_path) == made
        assert pip.done == ["venv", "pip", "-c"] * 2

    def test_a_cache_that_is_a_file_is_refused(self, pip: Pip, tmp_path: Path) -> None:
        """Before anything is done."""
        (tmp_path / "cache").touch()
        with pytest.raises(InputError, match=r"^cache: '.*' is no folder: give another one$"):
            make("2.9.1", tmp_path / "cache")
        assert pip.done == []


def test_torch_alone_differs() -> None:
    """All else that this package needs is asked for as it is here, but for what only its extras need."""
    asked = requirements("2.9.1")
    assert asked[:2] == ["torch==2.9.1", "torchvision"]
    import msgspec
    import numpy as np

    assert {f"numpy=={np.__version__}", f"msgspec=={msgspec.__version__}"} < set(asked)
    assert not re.search("pytest|ruff|ray", " ".join(asked))


def test_another_python_has_environments_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be it another patch of it: what is compared must differ in torch alone."""
    here, changed = folder_of("2.9.1", tmp_path), list(sys.version_info)
    changed[2] += 1
    monkeypatch.setattr(sys, "version_info", tuple(changed))
    assert folder_of("2.9.1", tmp_path) != here


@pytest.mark.parametrize(
    ("given", "version"),
    [
        ("torch==2.9.1", "2.9.1"),
        ("2.9.1", "2.9.1"),
        (" torch == 2.9.1 ", "2.9.1"),
        ("torch==2.9.1+cpu", "2.9.1+cpu"),
        ("torch==2.15.0.dev20261101", "2.15.0.dev20261101"),
        ("2.15.0rc3", "2.15.0rc3"),
        ("current", None),
    ],
)
def test_versions_of_torch(given: str, version: str | None) -> None:
    """With or without "torch==", of releases, candidates, nightly and local builds."""
    assert wanted(given, "to") == version


def test_an_environment_finds_nothing_of_the_running_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """$PYTHONPATH and $PYTHONHOME are for the running interpreter: they could lead to another torch; all else stays."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/home of python")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    installed = environments.Installed(**VERSIONS)
    own, running = (variables(Interpreter(Path("python"), installed, own), tmp_path) for own in (True, False))
    assert own["PYTHONPATH"] == str(tmp_path)
    assert running["PYTHONPATH"].split(":" if sys.platform != "win32" else ";") == [str(tmp_path), "/elsewhere"]
    assert (own.get("PYTHONHOME"), running.get("PYTHONHOME")) == (None, "/home of python")
    assert own["OMP_NUM_THREADS"] == running["OMP_NUM_THREADS"] == "3"


@pytest.mark.skipif(sys.platform == "win32", reason="the home of a user is told otherwise")
@pytest.mark.parametrize(("given", "cache"), [("given", "given"), ("", "home/.cache"), (None, "home/.cache")])
def test_environments_are_kept_where_caches_are(
    given: str | None, cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In $XDG_CACHE_HOME or, where that is empty or not there, below the home: never in the current folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if given is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", given and str(tmp_path / given))
    assert default_cache() == tmp_path / cache / "cifar-repro" / "upgrade"


def test_the_last_words_of_pip() -> None:
    """Its last error, from what --log keeps, and not what it says of itself after that; else the last line."""
    log = """2026-11-26T11:00:00,001 ERROR: Could not find a version that satisfies the requirement torch==9.9.9
2026-11-26T11:00:00,002 ERROR: No matching distribution found for torch==9.9.9
2026-11-26T11:00:00,003 Exception information:
2026-11-26T11:00:00,004 Traceback (most recent call last):
"""
    assert last_words(log) == "No matching distribution found for torch==9.9.9"
    assert last_words("one\ntwo\n\n") == "two"
    assert last_words("cifar-repro: data: 'x' is no folder\n") == "data: 'x' is no folder"
    assert last_words("") == ""

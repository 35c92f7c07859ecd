"""Each command's help is the docstring of its module."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import cifar_repro.commands
from cifar_repro.cli import main
from cifar_repro.commands import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_docstring_is_the_help(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first sentence is the description, the rest stands below the options, line for line."""
    monkeypatch.setenv("COLUMNS", "100")
    description, _, more = (import_module(f"cifar_repro.commands.{name}").__doc__ or "").partition("\n\n")
    assert description
    with pytest.raises(SystemExit):
        main([name, "--help"])
    shown = capsys.readouterr().out
    above, below = shown.split("\noptions:\n")
    assert f"\n\n{description}\n" in above
    assert more in below


def test_every_command_is_listed() -> None:
    """Each module of the wing that has a `command` is in COMMANDS: none is forgotten."""
    folder = Path(cifar_repro.commands.__file__).parent
    modules = {file.stem for file in folder.glob("*.py") if file.stem != "__init__"}
    assert set(COMMANDS) == {
        name for name in modules if hasattr(import_module(f"cifar_repro.commands.{name}"), "command")
    }


def test_without_docstrings_there_is_still_a_command_line() -> None:
    """`python -OO` takes the sentences away and nothing else: every command is there, with its options."""

    def shown(*arguments: str) -> str:
        asked = [sys.executable, "-OO", "-m", "cifar_repro", *arguments, "--help"]
        return subprocess.run(asked, text=True, capture_output=True, check=True).stdout

    assert set(COMMANDS) <= set(shown().split())
    assert "--epochs K" in shown("verify")

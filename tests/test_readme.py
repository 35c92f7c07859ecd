"""The README's example runs as it stands there, and its table of commands is that of the program."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cifar_repro.commands import COMMANDS
from cifar_repro.core import data
from cifar_repro.core.data import Cifar10, ImageSet

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(
    small_data: Cifar10, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with a validation loss better than guessing, and a digest; here on fewer drawn images."""
    few = ImageSet(small_data.train.images[:750], small_data.train.labels[:750])
    monkeypatch.setattr(data, "synthetic", lambda: replace(small_data, train=few))
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    loss, digest = capsys.readouterr().out.split()
    assert 0 < float(loss) < 2.3
    assert re.fullmatch("[0-9a-f]{64}", digest)


def test_every_command_is_in_the_table() -> None:
    """Each command has a row, and each row is a command."""
    assert set(re.findall(r"^\| `cifar-repro (\w+)", README, re.MULTILINE)) == set(COMMANDS)

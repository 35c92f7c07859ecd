"""The commands at a terminal and in a pipe: a bar where somebody watches, no word where nobody reads."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_repro.commands.talk import progress


def test_a_reader_that_has_read_enough_is_no_error(images: Path) -> None:
    """Where the output ends in a closed pipe, as in `... | head -1`, nothing is said."""
    reader, writer = os.pipe()
    os.close(reader)  # before there is anything to read: a reader of its own could end later than the command
    command = [sys.executable, "-m", "cifar_repro", "data", str(images)]
    with os.fdopen(writer, "w") as stdout:
        ended = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_progress_shows_in_a_terminal_and_only_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal, even one of unknown size, a bar names the work and its share; elsewhere there is nothing."""
    assert list(progress(range(3), total=3, desc="counting")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    terminal, inside = os.openpty()
    with os.fdopen(inside, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert list(progress(range(3), total=3, desc="counting")) == [0, 1, 2]
        shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert re.search(r"counting: +0%.*0/3", shown)

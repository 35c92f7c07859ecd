"""The commands at a terminal and in a pipe: a bar where somebody watches, no word where nobody reads."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_repro.commands.talk import above_bars, progress, whole


def test_a_reader_that_has_read_enough_is_no_error(images: Path) -> None:
    """Where the output ends in a closed pipe, as in `... | head -1`, nothing is said."""
    reader, writer = os.pipe()
    os.close(reader)  # before there is anything to read: a reader of its own could end later than the command
    command = [sys.executable, "-m", "cifar_repro", "data", str(images)]
    with os.fdopen(writer, "w") as stdout:
        ended = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (141, "")


at_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


@at_a_terminal
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


@at_a_terminal
def test_a_bar_for_the_whole_stands_over_those_of_its_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It moves with each step of each part, and lines are printed above it; elsewhere than on a terminal it is not."""

    def work() -> None:
        with whole(4, "whole run") as progress:
            for part in ("first", "second"):
                assert list(progress(range(2), total=2, desc=part)) == [0, 1]
                above_bars(lambda line: print(line, file=sys.stderr))(f"{part} done")

    work()
    assert capsys.readouterr().err == "first done\nsecond done\n"
    terminal, inside = os.openpty()
    with os.fdopen(inside, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        work()
        shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert re.search(
        r"whole run: +0%.*0/4.*first: +0%.*first done.*whole run: +50%.*2/4.*second: +0%", shown, re.DOTALL
    )
    assert re.search(r"\rfirst done\r?\n", shown), "the bars are cleared before a line is printed"

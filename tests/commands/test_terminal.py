"""The commands at a terminal and in a pipe: a bar where somebody watches, no word where nobody reads."""

import io
import json
import os
import re
import select
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import TextIO

import pytest

from cifar_repro.cli import main
from cifar_repro.commands.talk import above_bars, progress, whole
from cifar_repro.printable import printable


def closed_pipe() -> TextIO:
    """Nobody reads it any more: a reader of its own could end later than the command."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_a_reader_of_help_that_has_read_enough_is_no_error(arguments: list[str]) -> None:
    """Where the output ends in a closed pipe, as in `... | head -1`, nothing is said."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "cifar_repro", *arguments]
    with closed_pipe() as stdout:
        ended = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, env=variables)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_a_reader_of_a_command_that_has_read_enough_is_no_error(
    images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of help."""
    with closed_pipe() as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["data", str(images)]) == 141
        monkeypatch.undo()
    assert capsys.readouterr().err == ""


HOSTILE = os.fsdecode(b"caf\xc3\xa9-\xff\x1b[2J\xc2\x9b31m\xe2\x80\xae\r")  # not UTF-8; escapes, one of C1, backwards


def test_all_that_steers_a_terminal_or_turns_the_direction_of_writing_is_escaped() -> None:
    """Every control character but tab and newline, and half of one, as Unicode has them; and nothing else."""
    turns = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for character in map(chr, [*range(0x3000), *range(0xD7FF, 0xE001)]):
        steers = unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n"
        escaped = steers or unicodedata.bidirectional(character) in turns
        assert printable(character) == (ascii(character)[1:-1] if escaped else character), ascii(character)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_what_leaves_steers_no_terminal_and_can_be_encoded(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Names and files of any content come out escaped: on stdout and stderr of any encoding, and in pages."""
    folder, page = tmp_path / HOSTILE, tmp_path / "report.html"
    shutil.copytree(finished, folder)
    record = json.loads((folder / "record.json").read_text())
    record["data"]["path"] = HOSTILE
    (folder / "record.json").write_text(json.dumps(record))
    said = io.BytesIO()
    stream = io.TextIOWrapper(said, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["report", str(folder), "-o", str(page)]) == 0
    assert main(["verdict", str(folder)]) in (1, 3)
    assert main(["verdict", str(folder), "--markdown", "--against", HOSTILE]) == 2
    with pytest.raises(SystemExit):
        main(["data", "a", HOSTILE])
    stream.flush()
    for text in (said.getvalue().decode(encoding), page.read_text()):
        assert not set(text) & set("\x1b\x9b\u202e\r")
        assert r"\udcff\x1b[2J\x9b31m\u202e\r" in text


@pytest.mark.parametrize("closed", [["stdout"], ["stderr"], ["stdout", "stderr"]], ids="+".join)
def test_a_stream_that_is_closed_is_no_error(images: Path, monkeypatch: pytest.MonkeyPatch, closed: list[str]) -> None:
    """As by `>&-` or `2>&-`: a command does what it does, and ends with its status."""
    for name in closed:
        monkeypatch.setattr(sys, name, None)
    assert main(["data", str(images)]) == 0
    assert main(["data", "nowhere"]) == 2
    for name in closed:
        getattr(sys, name).close()


at_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


def everything(terminal: int) -> str:
    """What was written to a terminal: one read may give a part of it."""
    shown = b""
    while select.select([terminal], [], [], 0.1)[0]:
        shown += os.read(terminal, 10_000)
    return shown.decode()


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
        shown = everything(terminal)
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
        shown = everything(terminal)
    os.close(terminal)
    assert re.search(
        r"whole run: +0%.*0/4.*first: +0%.*first done.*whole run: +50%.*2/4.*second: +0%", shown, re.DOTALL
    )
    assert re.search(r"\rfirst done\r?\n", shown), "the bars are cleared before a line is printed"

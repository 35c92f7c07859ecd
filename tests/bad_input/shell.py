"""Bad input gives exit status 2 and one line on stderr that names the thing, its value and a remedy.

There is no traceback, no code in a file is executed, and the disk stays as it was. Every test here goes through the
command line; the messages' wording is free, what they name is not.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from cifar_repro.cli import main
from tests.make_data import snapshot

# What a line tells to do, or what it says that is wanted.
REMEDY = re.compile(r"\b(give|make|see|try|choose|use|leave|start|go on|go from|must be|download|read it with|free)\b")


class Shell(NamedTuple):
    """The command line in an empty folder."""

    folder: Path
    watched: list[Path]
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of one command."""
        self.capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else -1
        return status, *self.capsys.readouterr()

    def refuses(self, *arguments: object, naming: tuple[object, ...], remedy: bool = True, begun: bool = False) -> str:
        """Asserts that the command ends as one on bad input must, and returns its line.

        naming: what the line names. remedy: whether it says what to do. begun: stdout may tell of a run that began.
        """
        __tracebackhide__ = True
        before = snapshot(*self.watched)
        try:
            status, out, err = self.run(*arguments)
        except BaseException as error:
            at = error.__traceback__
            while at is not None and at.tb_next is not None:
                at = at.tb_next
            where = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "?"
            pytest.fail(f"a traceback, from {where}: {type(error).__name__}: {error}")
        shown = f"cifar-repro {' '.join(map(str, arguments))}\n-> {status}\nstdout: {out!r}\nstderr: {err!r}"
        assert status == 2, f"the exit status is {status}\n{shown}"
        assert out == "" or begun, f"something went to stdout\n{shown}"
        assert err.endswith("\n"), f"no whole line on stderr\n{shown}"
        assert len(err.splitlines()) == 1, f"{len(err.splitlines())} lines on stderr\n{shown}"
        assert err.startswith("cifar-repro"), f"the line does not say who speaks\n{shown}"
        for part in naming:
            assert str(part) in err, f"{str(part)!r} is not named\n{shown}"
        if remedy:
            assert REMEDY.search(err), f"no remedy is named\n{shown}"
        after = snapshot(*self.watched)
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        assert not changed, f"the disk is not as it was: {changed}\n{shown}"
        return err


def both_commands(shell: Shell, folder: object, *, naming: tuple[object, ...], remedy: bool = True) -> None:
    """`data` and `run` refuse a data folder alike."""
    __tracebackhide__ = True
    shell.refuses("data", folder, naming=naming, remedy=remedy)
    shell.refuses("run", "--data", folder, "--epochs", 1, naming=naming, remedy=remedy)

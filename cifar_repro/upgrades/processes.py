"""Commands that do a part of the work, each in a process of its own that ends with this one."""

import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cifar_repro.core.errors import InputError

GRACE = 3  # seconds in which a process may put its things in order after Ctrl-C, which reaches it, too


def run(command: Sequence[str], log: Path, what: str, remedy: str = "", **options: Any) -> None:
    """Runs a command. Its stderr, where progress bars are, goes to a terminal where there is one, else into the log.

    options: as those of `subprocess.Popen`. Raises InputError where its exit status is not 0: of what, with its last
    words, and the remedy; without one it is to look into the log.
    """
    terminal = sys.stderr.isatty()
    try:
        with log.open("ab") as file:
            earlier = file.tell()  # what is there already another command has said
            given = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": None if terminal else file}
            process = subprocess.Popen(command, **{**given, **options})
            try:
                status = process.wait()
            finally:
                _end(process)
    except OSError as error:
        raise InputError(f"{what}: {command[0]} cannot be run ({error.strerror}): see that it is there") from error
    if status:
        words = last_words(log.read_bytes()[earlier:].decode(errors="replace"))
        said = words or ("its last words are above" if terminal else "it said nothing")
        remedies = " or ".join(filter(None, [remedy, f"look into {log}"]))
        raise InputError(f"{what}: failed with status {status} ({said}): {remedies}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        process.terminate()
        process.wait()


def last_words(said: str) -> str:
    """The last error that pip, or another command, speaks of; its last line where there is none."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [match[1] for line in lines if (match := re.search(r"\b(?:ERROR|cifar-repro): (.+)", line))]
    return [*lines[-1:], *errors[-1:]][-1] if lines else ""

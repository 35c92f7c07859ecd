"""What commands print of inputs that were typed in, word for word: texts for people, JSON for programs.

Each scene lays files in an empty folder and says what is asked of them; SCENE.txt beside this file is what was answered
when somebody last read and approved it. A test demands the same answer today. `python -m tests.approved` writes the
files anew: read the difference before you commit it, for it is what users will meet.

Long numbers are cut to six digits, for SciPy and NumPy may round the last ones otherwise in another version.
"""

import contextlib
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from cifar_repro.cli import main

FOLDER = Path(__file__).parent
Scene = Callable[[], Iterable[str]]  # lays files in the working directory; what is asked of them, or an answer as it is


def answered(scene: Scene) -> str:
    """What is answered in a scene, in the working directory: each command line, what it prints, its exit status."""
    parts = []
    for line in scene():
        parts.append(f"$ {line}\n{printed(line)}" if line.startswith("cifar-repro ") else f"{line}\n")
    return "\n".join(cut(part) for part in parts)


def printed(line: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(line.split()[1:])
    # With --json or --markdown stderr has the text, as stdout has it without.
    return f"{out.getvalue() or err.getvalue()}[exit status {status}]\n"


def cut(text: str) -> str:
    """The text with six digits of each number that has more than six decimals."""
    return re.sub(r"\d+\.\d{7,}(e[-+]?\d+)?", lambda number: f"{float(number[0]):.6g}", text)

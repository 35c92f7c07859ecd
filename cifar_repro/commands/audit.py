"""Is this training right? Runs a notebook or a script as it is, on few images, watches it, and says what it sees.

The program runs in a process of its own, offline, in an empty folder, with a small CIFAR-10 in place of
torchvision's. It is executed as any program: look at what strangers hand in before you run it. Notebooks need
more packages: python -m pip install 'cifar-repro[audit]'.
Exit status 0: nothing is wrong. 1: something is. 3: the program failed, or did not train.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_repro.commands.options import add_answer, check_new
from cifar_repro.commands.status import DONE, FAILED_CHECK, UNDECIDED
from cifar_repro.commands.talk import give, speaker, tell

if TYPE_CHECKING:
    from cifar_repro.core.data import Cifar10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a notebook (.ipynb) or a script (.py)")
    parser.add_argument(
        "--data", metavar="D", help="a folder, or 'synthetic' (default: $CIFAR_REPRO_DATA, then ./data, then synthetic)"
    )
    parser.add_argument("--images", type=int, default=600, metavar="N", help="training images to run on (default: 600)")
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="S", help="stop a run after so many seconds (default: 300)"
    )
    parser.add_argument("--repeat", action="store_true", help="run it twice: does it print the same?")
    add_answer(parser, "print the audit as JSON")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write it as a page; must not exist")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.audits.audit import audit, check_numbers
    from cifar_repro.audits.program import check_program
    from cifar_repro.audits.text import answer, text

    check_program(options.file)
    check_numbers(options.images, options.timeout)  # before as many are drawn
    if options.html:
        check_new(options.html)
    say = speaker(options)
    found = audit(
        options.file,
        _data(options.data, options.images),
        options.images,
        options.timeout,
        options.repeat,
        say=_progress,
    )
    say(text(found))
    give(options, "audit", answer(found), found, of=found.file)
    if options.html:
        from cifar_repro.report.audit_page import write_audit_page

        write_audit_page(options.html, found)
    if found.with_outcome("WRONG"):
        return FAILED_CHECK
    return UNDECIDED if found.undecided else DONE


def _data(where: str | None, images: int) -> "Cifar10":
    """As --data says; nothing is downloaded for an audit."""
    from cifar_repro.core.data import folder_here, load_cifar10, synthetic

    if where == "synthetic" or (where is None and folder_here() is None):
        return synthetic(images + 700, images // 3 + 300)
    return load_cifar10(where or "auto")


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        tell(f"cifar-repro: {line}", sys.stderr)

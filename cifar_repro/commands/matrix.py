"""One table from the traces of many environments: equal to which others, where each parts from the first.

The traces must be of the same recipe, seeds, data and number of steps. Files that hold what
'cifar-repro gate --json' printed, with the first trace's environment as A, give the times.
It is a report, not a check: the exit status is 0 however the traces differ.
"""

import argparse
import sys
from pathlib import Path

from cifar_repro.commands.options import add_json
from cifar_repro.commands.status import DONE
from cifar_repro.commands.talk import print_json, tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a trace, or what a gate printed")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown, with every column")
    add_json(form, "print the table as JSON")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.traces.matrix import read_matrix
    from cifar_repro.traces.matrix_text import as_json, as_markdown, as_text

    made = read_matrix(options.files)
    if not options.json:
        tell(as_markdown(made) if options.markdown else as_text(made), sys.stdout)
    print_json(options, as_json(made))
    return DONE

"""Find the first tensor in which two traces differ, by how much, and how the difference grows.

Exit status 0: identical. 1: they differ.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from cifar_repro.commands.options import add_answer
from cifar_repro.commands.status import DONE, FAILED_CHECK
from cifar_repro.commands.talk import give, speaker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="a trace")
    parser.add_argument(
        "b", type=Path, metavar="B", help="another one: other seeds, machine, torch version, threads, ..."
    )
    add_answer(parser, "print what was found as JSON")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.traces import text
    from cifar_repro.traces.diff import diff
    from cifar_repro.traces.trace_file import kept_tensors, read_trace

    kept = (kept_tensors(options.a), kept_tensors(options.b))
    found = diff(read_trace(options.a), read_trace(options.b), kept)
    speaker(options)(text.parting(found))
    give(options, "diff", text.answer(found), {"identical": found.identical, **asdict(found)})
    return DONE if found.identical else FAILED_CHECK

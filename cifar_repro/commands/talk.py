"""What a command says while it works and at its end: lines for people, JSON for programs, a progress bar."""

import argparse
import sys
from collections.abc import Callable, Iterable
from shutil import get_terminal_size
from typing import Any, TypeVar

T = TypeVar("T")


def speaker(options: argparse.Namespace) -> Callable[[str], None]:
    """Prints what people read: on stdout, or with --json on stderr."""
    return lambda line: print(line, file=sys.stderr if options.json else sys.stdout, flush=True)


def print_json(options: argparse.Namespace, value: Any) -> None:
    """With --json: the one thing on stdout."""
    from cifar_repro.formats import encode

    if options.json:
        print(encode(value).decode(), end="")


def progress(steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
    """A progress bar on stderr that vanishes when it is full; none where stderr is no terminal."""
    from tqdm import tqdm

    columns, rows = get_terminal_size()  # tqdm by itself shows nothing in a terminal that does not tell its size
    off = not sys.stderr.isatty()
    return tqdm(steps, total=total, desc=desc, leave=False, ncols=columns, nrows=rows, disable=off)

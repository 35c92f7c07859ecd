"""What a command says while it works and at its end: lines for people, JSON for programs, a progress bar."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from cifar_repro.printable import printable

if TYPE_CHECKING:
    from cifar_repro.answers import Answer
    from cifar_repro.core.progress import Progress

T = TypeVar("T")


def ready_streams() -> None:
    """Before anything is said: no stream is closed (as by `>&-`), and what one cannot encode is escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - as long as this process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def tell(text: str, to: TextIO, end: str = "\n") -> None:
    """All that is printed goes through here."""
    print(printable(text), file=to, end=end, flush=True)


def speaker(options: argparse.Namespace) -> Callable[[str], None]:
    """Prints what people read: on stdout, or with --json or --markdown on stderr."""
    other = options.json or getattr(options, "markdown", False)
    return lambda line: tell(line, sys.stderr if other else sys.stdout)


def print_json(options: argparse.Namespace, value: Any) -> None:
    """With --json: the one thing on stdout."""
    from cifar_repro.formats import encode

    if options.json:
        tell(encode(value).decode(), sys.stdout, end="")


def give(options: argparse.Namespace, command: str, answer: "Answer", value: Any, of: str = "") -> None:
    """What `options.add_answer` asks for: the answer as Markdown or JUnit XML, or the value as JSON.

    of: as for `as_junit`.
    """
    from cifar_repro.answers import as_junit, as_markdown
    from cifar_repro.core.checkpoint import replacing

    if options.junit is not None:
        with replacing(options.junit) as file:
            file.write(as_junit(answer, command, of))
    if options.markdown:
        tell(as_markdown(answer), sys.stdout, end="")
    print_json(options, value)


def progress(steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
    """A progress bar on stderr that vanishes when it is full; none where stderr is no terminal."""
    from tqdm import tqdm

    return tqdm(steps, total=total, desc=desc, **_bar())


@contextmanager
def whole(total: int, desc: str) -> "Iterator[Progress]":
    """A bar for all `total` steps of a work of many parts; gives the progress that moves it and shows each part below.

    While it stands, what is printed goes through `above_bars`.
    """
    from tqdm import tqdm

    with tqdm(total=total, desc=desc, **_bar()) as bar:

        def part(steps: Iterable[T], *, total: int, desc: str) -> Iterator[T]:
            for step in progress(steps, total=total, desc=desc):
                yield step
                bar.update()

        yield part


def above_bars(say: Callable[[str], None]) -> Callable[[str], None]:
    """Prints as `say` does, above the bars that stand at that moment."""
    from tqdm import tqdm

    def above(line: str) -> None:
        with tqdm.external_write_mode():
            say(line)

    return above


def _bar() -> dict[str, Any]:
    """What all bars have in common."""
    columns, rows = get_terminal_size()  # tqdm by itself shows nothing in a terminal that does not tell its size
    return {"leave": False, "ncols": columns, "nrows": rows, "disable": not sys.stderr.isatty()}

"""What of this project's own lies at a path that a command was given, and what is for it instead where it is not."""

import argparse
import re
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import Seeds

WRITTEN = ("out", "html", "junit", "cache")  # the options that name what is not read


class Kind(NamedTuple):
    """commands: those that take it. instead: what to do with it otherwise; {} is its path."""

    name: str
    commands: tuple[str, ...]
    instead: str


RUN = Kind(
    "a run",
    ("run", "evaluate", "verify", "verdict", "report"),
    "compare runs with 'cifar-repro verdict A --against B' or 'report A B', or make traces with 'trace'",
)
STUDY = Kind(
    "a study",
    ("verdict", "report"),
    "use 'cifar-repro verdict' or 'report', or give one of its runs, which are in {}/seed-*",
)
STUDIES = Kind("the studies of --vary each", STUDY.commands, "give one of them, such as {}/init")
TRACE = Kind("a trace", ("diff", "matrix"), "use 'cifar-repro diff A B' or 'matrix A B ...'")
GATE = Kind("what a gate printed", ("matrix",), "give it to 'cifar-repro matrix' beside the traces of its sides")
UPGRADE = Kind("an upgrade", (), "see its upgrade.html, or give the trace or study of a side")
WEIGHTS = Kind("weights", ("evaluate",), "use 'cifar-repro evaluate', or give the folder of their run")
METRICS = Kind("the metrics of a run", (), "give the folder of the run")
PROGRAM = Kind("a program", ("audit",), "use 'cifar-repro audit'")
DATA = Kind("a data set", (), "give it by --data")

BY_FIRST_ENTRY = {"schema": RUN, "study": STUDY, "trace": TRACE, "gate": GATE, "upgrade": UPGRADE, "epoch": METRICS}
BY_SUFFIX = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".safetensors"), WEIGHTS),
    **dict.fromkeys((".py", ".ipynb"), PROGRAM),
}
BY_CONTENT = {  # of a folder
    "record.json": RUN,
    "study.json": STUDY,
    "upgrade.json": UPGRADE,
    "seed-*/record.json": STUDY,
    **{
        f"{source.name}/{of_study}": STUDIES
        for source in fields(Seeds)
        for of_study in ("study.json", "seed-*/record.json")
    },
}


def check_kinds(options: argparse.Namespace) -> None:
    """Raises InputError where a path on the command line is of a kind that its command, or --data, is not for."""
    command = options.command.__module__.rpartition(".")[2]
    for name, value in vars(options).items():
        is_data = name in ("data", "folder") and value is not None
        for path in [Path(value)] if is_data else value if isinstance(value, list) else [value]:
            if not isinstance(path, Path) or name in WRITTEN or (is_data and _is_data(path)):
                continue
            kind = kind_of(path)
            if kind is not None and (is_data or command not in kind.commands):
                taker = "--data" if is_data else f"'{command}'"
                instead = kind.instead.format(path if path.is_dir() else path.parent)
                raise InputError(f"{path}: holds {kind.name}, which {taker} does not take: {instead}")


def kind_of(path: Path) -> Kind | None:
    """The kind of what lies at `path`; None where it is nothing of this project's, or nothing at all."""
    if path.is_dir():
        found = next((kind for pattern, kind in BY_CONTENT.items() if any(path.glob(pattern))), None)
        return found or (DATA if _is_data(path) else None)
    if not path.is_file():
        return None
    with open(path, "rb") as file:
        start = file.read(100).replace(b"\0", b"")  # PowerShell writes UTF-16
    entry = re.match(rb'[^{]{0,3}{\s*"(\w+)"', start)
    if entry and (kind := BY_FIRST_ENTRY.get(entry[1].decode())):
        return kind
    return BY_SUFFIX.get(path.suffix) or (DATA if _is_data(path) else None)


def _is_data(path: Path) -> bool:
    from cifar_repro.core.places import locate

    return locate(path) is not None

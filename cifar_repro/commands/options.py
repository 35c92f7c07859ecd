"""The options that several commands share, and what is made of them."""

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from cifar_repro.commands.talk import progress, tell
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds, get_recipe

if TYPE_CHECKING:  # torch takes seconds to import, so each function imports what it needs
    import torch

    from cifar_repro.core.data import Cifar10
    from cifar_repro.runs.record import Data

DATA_HELP = (
    "a folder, 'synthetic', or 'auto' (default): the folder in $CIFAR_REPRO_DATA, then ./data, then a download to "
    "./data, then, with no network, synthetic data"
)
LAYOUTS_HELP = """A data folder holds, or is itself, one of
  cifar-10-batches-py/  or  cifar-10-python.tar.gz   the python version, md5 sums checked
  cifar-10-batches-bin/ or  cifar-10-binary.tar.gz   the binary version
  train/CLASS/*.png|jpg and test/CLASS/*             32x32 images, folders named by the ten classes"""


def add_data(parser: argparse.ArgumentParser) -> None:
    """Read by `load`."""
    parser.add_argument("--data", metavar="D", help=DATA_HELP)
    parser.add_argument(
        "--require-data", action="store_true", help="end with status 2 where it would be synthetic data (for CI)"
    )
    parser.epilog = "\n\n".join(filter(None, [parser.epilog, LAYOUTS_HELP]))


def add_compute(parser: argparse.ArgumentParser, threads: int | None = None) -> None:
    """On what machine, and how it computes."""
    parser.add_argument("--device", metavar="DEV", help="auto (default), cpu, cuda or cuda:INDEX")
    parser.add_argument(
        "--threads",
        type=int,
        default=threads,
        metavar="N",
        help=f"CPU threads of torch (default: {'as torch chooses' if threads is None else threads}); changes bits",
    )
    parser.add_argument(
        "--memory-format",
        metavar="F",
        help="contiguous (default; the lesson's numbers to the bit) or channels_last (faster, other last bits)",
    )


def add_json(parser: argparse._ActionsContainer, help: str) -> None:
    """Read by `talk.speaker` and `talk.print_json`."""
    parser.add_argument("--json", action="store_true", help=f"{help}; nothing else goes to stdout")


def add_answer(parser: argparse.ArgumentParser, help: str) -> None:
    """How to give what was found, besides as text: read by `talk.speaker` and `talk.give`. help: of --json."""
    form = parser.add_mutually_exclusive_group()
    add_json(form, help)
    form.add_argument(
        "--markdown",
        action="store_true",
        help="print a Markdown section for a pull request; else nothing goes to stdout",
    )
    parser.add_argument(
        "--junit", type=_writable, metavar="XML", help="write the checks to this file, too, as JUnit XML; replaces it"
    )


def _writable(file: str) -> Path:
    """Before any work: an error of usage where the file of --junit cannot be written."""
    path = Path(file)
    if not file or path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{file!r} is no file in a folder that is there: give one")
    return path


def add_experiment(parser: argparse.ArgumentParser, threads: int | None = None, explain: bool = False) -> None:
    """Which experiment, on what data, on what machine: read by `experiment` and `load`.

    explain: whether the help has a line for each number of the recipe, or their names alone.
    """
    parser.add_argument("--recipe", metavar="R", help=f"one of {', '.join(RECIPES)} (default: udacity)")
    parser.add_argument("--seed", type=int, metavar="S", help="the seed of all four sources of randomness (default: 0)")
    for f in fields(Seeds):
        parser.add_argument(f"--{f.name}-seed", type=int, metavar="S", help=f"another seed for the {f.name} alone")
    add_data(parser)
    add_compute(parser, threads)
    flags = {f"--{f.name.replace('_', '-')}": f for f in fields(Recipe) if f.name != "name"}
    listed = "" if explain else f" 'cifar-repro run --help' explains them: {', '.join(flags)}."
    description = fill(f"Change a number of the recipe; the record says which.{listed}", 76, break_on_hyphens=False)
    group = parser.add_argument_group("recipe", description)
    for flag, f in flags.items():
        group.add_argument(
            flag,
            type=type(f.default),
            metavar="{" + ",".join(f.metadata["choices"]) + "}" if f.metadata["choices"] else "N",
            help=f"{f.metadata['help']} (udacity: {f.default})" if explain else argparse.SUPPRESS,
        )


def given(options: argparse.Namespace) -> dict[str, Any]:
    """The options that were given on the command line."""
    return {name: value for name, value in vars(options).items() if value is not None}


def experiment(options: argparse.Namespace) -> "tuple[Recipe, Seeds, torch.device, str]":
    """What the options of `add_experiment` say, but for the data and the threads, once it is known to make sense."""
    from cifar_repro.core.training import torch_memory_format
    from cifar_repro.runs.environment import choose_device

    said = given(options)
    recipe = get_recipe(said.get("recipe", "udacity"))
    recipe = recipe.with_changes({f.name: said[f.name] for f in fields(Recipe) if f.name in said})
    seeds = Seeds(**{f.name: said.get(f"{f.name}_seed", said.get("seed", 0)) for f in fields(Seeds)})
    memory_format = said.get("memory_format", "contiguous")
    torch_memory_format(memory_format)
    return recipe, seeds, choose_device(said.get("device", "auto")), memory_format


def load(where: str | None, required: bool = False) -> "Cifar10":
    """The data that --data names; where synthetic data stands in for CIFAR-10, stderr says so.

    required: --require-data, with which InputError is raised for synthetic data, asked for or not.
    """
    from cifar_repro.core.data import load_cifar10

    data = load_cifar10("auto" if where is None else where, progress=progress)
    why = f"none in $CIFAR_REPRO_DATA or ./data, and {data.stands_in}" if data.stands_in else "synthetic is asked for"
    if required and data.kind == "synthetic":
        raise InputError(f"data: there are no real images, which --require-data demands ({why}): give --data FOLDER")
    if data.stands_in:
        tell(
            "cifar-repro: WARNING: SYNTHETIC DATA, NOT CIFAR-10: what follows says nothing about CIFAR-10\n"
            f"cifar-repro: {why}; --data FOLDER names it, --require-data stops without it",
            sys.stderr,
        )
    return data


def place(where: str | None, recorded: "Data") -> str:
    """`where`, or where the data that a record describes was, as --data takes it: a folder, or "synthetic".

    Never "auto", whatever the record says: a file that is read makes nothing be downloaded. Raises InputError where
    neither says it.
    """
    if where is not None:
        return where
    if recorded.path is None and recorded.kind != "synthetic":
        raise InputError("data: the record does not say where its images were: give --data FOLDER")
    return "synthetic" if recorded.path is None else str(Path(recorded.path).absolute())


def check_new(file: Path) -> None:
    """Before any work: raises InputError where the file --out is there, or its folder is not."""
    if file.exists():
        raise InputError(f"out: {file} is already there: give a new file")
    if not file.parent.is_dir():
        raise InputError(f"out: {file.parent} is no folder: make it first, or give another file")

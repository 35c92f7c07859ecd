"""What the checks are aimed at: the functions that somebody else's file has."""

import importlib
import runpy
from types import SimpleNamespace

# What somebody else's code may have, under the same names and with the same arguments as the core.
FOREIGN = ("Net", "split_indices", "normalize", "train_epoch", "evaluate", "conv_output_size")


class Subject(SimpleNamespace):
    """Code to check: an attribute for each name that it has."""


def from_file(where: str) -> Subject:
    """The names of FOREIGN that a Python file, or a module given by its dotted name, has.

    Raises whatever running it raises, and LookupError if it has none of them.
    """
    if where.endswith(".py"):
        namespace = runpy.run_path(where, run_name="subject")
    else:
        namespace = vars(importlib.import_module(where))
    found = {name: namespace[name] for name in FOREIGN if name in namespace}
    if not found:
        raise LookupError(f"has none of {', '.join(FOREIGN)}: see docs/teachers.md")
    return Subject(**found)

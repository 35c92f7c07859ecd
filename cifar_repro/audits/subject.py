"""What the checks are aimed at: the functions that somebody else's file has."""

import ast
import gc
import importlib
import inspect
import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace

from cifar_repro.audits.cells import python_of

# What somebody else's code may have, under the same names as the core: what it is called with.
FOREIGN = {
    "Net": (),
    "split_indices": ("n", "valid_fraction", "seed"),
    "normalize": ("images",),
    "train_epoch": ("network", "batches", "optimizer"),
    "evaluate": ("network", "batches"),
    "conv_output_size": ("size", "kernel_size", "stride", "padding", "dilation"),
}
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


class OtherInterface(Exception):
    """Somebody else's function takes or gives something else than the checks give and read: it cannot be judged."""


class Subject(SimpleNamespace):
    """Code to check: an attribute for each name that it has. recipe: the name of the one whose network it is to be."""

    recipe: str = "udacity"


def from_file(where: str, recipe: str = "udacity") -> Subject:
    """The names of FOREIGN that a Python file or a notebook, or a module given by its dotted name, has.

    A file is run once, as a module of another name than `__main__`, its folder on the path. Of a notebook only the
    definitions are taken: imports, functions, classes and constants. Raises whatever running it raises, and LookupError
    if it has none of the names.
    """
    with _ready_for(where), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it is not for its warnings, or for files that it leaves open, that it is judged
        if where.endswith((".py", ".ipynb")):
            module = sys.modules["subject"] = ModuleType("subject")  # a dataclass looks for its module there
            module.__file__, namespace = where, vars(module)
            for code in _notebook(where) if where.endswith(".ipynb") else [_script(where)]:
                exec(code, namespace)
        else:
            namespace = vars(importlib.import_module(where))
        gc.collect()
    found = {name: namespace[name] for name in FOREIGN if name in namespace}
    if not found:
        raise LookupError(f"has none of {', '.join(FOREIGN)}: see docs/teachers.md")
    return Subject(recipe=recipe, **found)


@contextmanager
def _ready_for(where: str) -> Iterator[None]:
    """What a program finds when it is run by itself: its folder first on the path, and no arguments.

    The path stays, for functions import, too.
    """
    sys.path.insert(0, str(Path(where).resolve().parent) if where.endswith((".py", ".ipynb")) else "")
    arguments, sys.argv = sys.argv, [where]
    try:
        yield
    finally:
        sys.argv = arguments


def _script(where: str) -> CodeType:
    return compile(Path(where).read_bytes(), where, "exec")


def _notebook(where: str) -> Iterator[CodeType]:
    """The definitions of each code cell that is Python; a line of a shell or a magic is no reason to lose the rest."""
    for number, cell in enumerate(json.loads(Path(where).read_text(encoding="utf-8"))["cells"], start=1):
        if cell["cell_type"] == "code":
            text = python_of("".join(cell["source"]))
            try:
                tree = ast.parse(text, f"{where}, cell {number}")
            except SyntaxError:
                if "def " in text or "class " in text:
                    raise
                continue
            tree.body = [node for node in tree.body if isinstance(node, DEFINITIONS) or _is_constant(node)]
            yield compile(tree, f"{where}, cell {number}", "exec")


def _is_constant(node: ast.stmt) -> bool:
    """Whether it gives a name to a number, a text, or a list or tuple of them: `batch_size = 20`."""
    if not isinstance(node, ast.Assign):
        return False
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return True


def other_interface(subject: Subject, names: tuple[str, ...]) -> str:
    """Which of these names of a subject cannot be called as the checks call it, in words; empty: none."""
    for name in names:
        expected = FOREIGN.get(name)
        try:
            if expected is not None:
                inspect.signature(getattr(subject, name)).bind(*expected)
        except TypeError:
            own = inspect.signature(getattr(subject, name))
            return f"it has {name}{own}, the checks call {name}({', '.join(expected or ())})"
        except ValueError:  # of something that tells no signature
            continue
    return ""

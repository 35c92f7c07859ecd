"""What the checks are aimed at: the core, a copy of the core with some of its text changed, or somebody else's file."""

import importlib
import importlib.abc
import importlib.util
import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import cifar_repro.core

CORE = Path(cifar_repro.core.__file__).parent
# Public names that a check may need -> the module of the core that has them.
NAMES = {
    "Net": "model",
    "split_indices": "data",
    "batches": "data",
    "ImageSet": "data",
    "normalize": "transforms",
    "flip_rotate": "transforms",
    "train_epoch": "training",
    "fit": "training",
    "evaluate": "evaluation",
    "weights_digest": "checkpoint",
    "conv_output_size": "shapes",
    "volume_walk": "shapes",
}
# Those that somebody else's code may have under the same name and with the same arguments.
FOREIGN = ("Net", "split_indices", "normalize", "train_epoch", "evaluate", "conv_output_size")
# Modules that no variant changes and all share, so that their exceptions are the same classes.
SHARED = ("errors", "progress", "synthetic", "layouts")


class Subject(SimpleNamespace):
    """Attributes are the names of NAMES that are there, and `core` where it is the core or a copy of it.

    modules: the modules of the core, for checks of its seams.
    """

    modules: dict[str, ModuleType]
    results: dict[str, Any]  # what checks want to work out only once


def the_core() -> Subject:
    return _collect("cifar_repro.core")


def _collect(package: str) -> Subject:
    modules = {name: importlib.import_module(f"{package}.{name}") for name in {*NAMES.values(), "recipe", "seeding"}}
    found = {name: getattr(modules[module], name) for name, module in NAMES.items()}
    return Subject(modules=modules, results={}, core=True, **found)


class _VariantFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports `core_variant.X` from the text of `cifar_repro.core.X`, changed."""

    package = "core_variant"

    def __init__(self, changes: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self.changes = changes

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] != self.package:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=name == self.package)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.rpartition(".")[2]
        if name != self.package:
            exec(_compiled(name, tuple(self.changes.get(name, ()))), module.__dict__)


@cache
def _compiled(name: str, changes: tuple[tuple[str, str], ...]) -> CodeType:
    text = (CORE / f"{name}.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{name}.py has {text.count(old)} places that read {old!r}: it must have one"
        text = text.replace(old, new)
    for other in CORE.glob("*.py"):
        if other.stem not in SHARED:
            text = text.replace(f"cifar_repro.core.{other.stem} ", f"core_variant.{other.stem} ")
    text = text.replace("from cifar_repro.core import seeding", "from core_variant import seeding")
    return compile(text, f"{name}.py, changed", "exec")


@contextmanager
def variant(changes: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[Subject]:
    """The core with pieces of its text replaced: module -> (old text, new text), each of which must be there once."""
    finder = _VariantFinder(changes)
    sys.meta_path.insert(0, finder)
    try:
        yield _collect(finder.package)
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] == finder.package]:
            del sys.modules[name]


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
    return Subject(modules={}, results={}, **found)

"""The core as a subject of the checks: as it is, or a copy of it with some of its text changed."""

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cifar_repro.core
from cifar_repro.audits.subject import Subject

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
# Modules that no variant changes and all share, so that their exceptions are the same classes.
SHARED = ("errors", "progress", "synthetic", "layouts")


def the_core() -> Subject:
    """The names of NAMES and, for what only the core can be asked:

    modules: its modules by name, for checks of its seams; results: what checks want to work out only once; core: True.
    """
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

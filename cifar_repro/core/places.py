"""Where a data set lies; and where none does, what does instead and what to do: the end of the line that says so."""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from cifar_repro.core.layouts import CLASSES, LAYOUTS, find

DOWNLOAD = "'cifar-repro data --download' gets CIFAR-10"
ARCHIVES = " or ".join(name for name in LAYOUTS if name.endswith(".gz"))
OTHER_FORMS = (".parquet", ".npz", ".npy", ".h5", ".mat", ".zip", ".7z", "cifar-10-batches-mat", "matlab.tar.gz")


def locate(path: Path) -> tuple[Path, str] | None:
    """The data set that `path` holds or is itself: the folder that it lies in, and its entry of LAYOUTS."""
    if name := find(path):
        return locate(path / name) if find(path / name) == name else (path, name)  # unpacked into its own name
    itself = Path(os.path.abspath(path))  # "." has no name
    if itself.name in LAYOUTS and itself.exists() and (itself.name != "train" or (itself.parent / "test").is_dir()):
        return itself.parent, itself.name
    return None


def misplaced(folder: Path) -> str:
    """What a folder holds of CIFAR-10 that is not whole or lies elsewhere, and what to give; empty where nothing is."""
    if (folder / "trainLabels.csv").is_file() and (folder / "train").is_dir():
        return f"Kaggle, whose trainLabels.csv it is, publishes no labels of the test images: {DOWNLOAD}"
    if inside := [str(path) for path in _entries(folder) if path.is_dir() and _holds_a_set(path)]:
        return f"a folder in it holds a data set: give {' or '.join(inside)}"
    for part, other in (("train", "test"), ("test", "train")):
        if _has_classes(folder / part):
            return f"it holds {part}/CLASS/ and no {other}/CLASS/: give a folder with both ({DOWNLOAD})"
    return ""


def other_form(path: Path) -> str:
    """What a file or folder is or holds that no reader takes, and what to do; empty where there is no such thing."""
    for file in chain([path], _entries(path), *map(_entries, _entries(path))):
        if file.name.lower().endswith(OTHER_FORMS):
            return f"{file.name} is not read: give its images as train/CLASS/*.png and test/CLASS/*.png"
        if file.name.lower().endswith((".tar.gz", ".tgz")):
            return f"{file.name} is not the name of an archive of CIFAR-10: give {ARCHIVES}"
    return ""


def _entries(folder: Path) -> Iterator[Path]:
    """What is in a folder, in order, but for what is hidden; nothing where it is no folder."""
    return (path for path in sorted(folder.glob("*")) if not path.name.startswith("."))


def _holds_a_set(folder: Path) -> bool:
    """Whether it holds a data set, and not just any images in train/ and test/."""
    found = locate(folder)
    return found is not None and (found[1] != "train" or _has_classes(folder / "train"))


def _has_classes(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in CLASSES)

"""Tiny data sets in each layout that the package reads, and a picture of the disk to compare with later."""

import gzip
import hashlib
import io
import pickle
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from cifar_repro.core.layouts import CLASSES

TRAIN_FILES = [f"data_batch_{k}" for k in range(1, 6)]


@dataclass(frozen=True)
class TinySet:
    """Images (N, 3, 32, 32) uint8 and labels (N,) int64 of both parts; N of the training part is a multiple of 5."""

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int64]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int64]

    def parts(self) -> dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]:
        return {"train": (self.train_images, self.train_labels), "test": (self.test_images, self.test_labels)}

    def files(self) -> dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]:
        """What each of the six files of the binary and the python version holds."""
        images, labels = np.split(self.train_images, 5), np.split(self.train_labels, 5)
        return {
            **dict(zip(TRAIN_FILES, zip(images, labels, strict=True), strict=True)),
            "test_batch": self.parts()["test"],
        }

    def by_label(self) -> "TinySet":
        """The images in the order of their labels, those of one class in the order they were in."""
        train, test = np.argsort(self.train_labels, kind="stable"), np.argsort(self.test_labels, kind="stable")
        return TinySet(
            self.train_images[train], self.train_labels[train], self.test_images[test], self.test_labels[test]
        )


def tiny_set(per_batch: int = 4, test: int = 6, seed: int = 0) -> TinySet:
    """Random pixels and labels: five data batches of `per_batch` images and `test` test images."""
    rng = np.random.default_rng(seed)
    drawn: list[Any] = []
    for n in (5 * per_batch, test):
        drawn += [rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, n)]
    return TinySet(*drawn)


def binary_files(data: TinySet) -> dict[str, bytes]:
    """Name -> content: records of a label byte and the red, green and blue plane."""
    return {
        f"{name}.bin": b"".join(bytes([label]) + image.tobytes() for image, label in zip(*part, strict=True))
        for name, part in data.files().items()
    }


def python_files(data: TinySet) -> dict[str, bytes]:
    """Name -> content: pickles with rows of 3,072 values and a list of labels, and the meta file."""
    files = {
        name: pickle.dumps({"data": images.reshape(len(images), -1), "labels": labels.tolist()})
        for name, (images, labels) in data.files().items()
    }
    return {**files, "batches.meta": pickle.dumps({"label_names": list(CLASSES)})}


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def tar_gz(files: Mapping[str, bytes], extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A .tar.gz with these files and then the `extra` members, which have no content (links, folders)."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in extra:
            tar.addfile(member)
    return gzip.compress(plain.getvalue(), compresslevel=1, mtime=0)


def binary_archive(data: TinySet) -> bytes:
    """The content of `cifar-10-binary.tar.gz`."""
    return tar_gz({f"cifar-10-batches-bin/{name}": content for name, content in binary_files(data).items()})


def python_archive(data: TinySet) -> bytes:
    """The content of `cifar-10-python.tar.gz`."""
    return tar_gz({f"cifar-10-batches-py/{name}": content for name, content in python_files(data).items()})


def write_binary_folder(folder: Path, data: TinySet) -> Path:
    """Each writer puts one layout into `folder`, which it makes if need be, and returns `folder`."""
    write_files(folder / "cifar-10-batches-bin", binary_files(data))
    return folder


def write_binary_archive(folder: Path, data: TinySet) -> Path:
    return write_files(folder, {"cifar-10-binary.tar.gz": binary_archive(data)})


def write_python_folder(folder: Path, data: TinySet) -> Path:
    write_files(folder / "cifar-10-batches-py", python_files(data))
    return folder


def write_python_archive(folder: Path, data: TinySet) -> Path:
    return write_files(folder, {"cifar-10-python.tar.gz": python_archive(data)})


def write_image_folder(folder: Path, data: TinySet) -> Path:
    """PNG files, in each class named in the order of the set."""
    for part, (images, labels) in data.parts().items():
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            path = folder / part / CLASSES[label] / f"{i:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(path)
    return folder


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def publish_python(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """Makes the md5 sums of this set's python version the published ones, as torchvision lists them."""
    sums = {name: md5(content) for name, content in python_files(data).items()}
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name in TRAIN_FILES])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": sums["batches.meta"]})
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(python_archive(data)))


def snapshot(*folders: Path) -> dict[str, tuple[int, ...]]:
    """Path -> mode, inode, size, and times in ns of the last change of content and of anything, of all in the folders.

    Who writes, renames or changes a mode moves the last of them, and can set it to nothing else; what was made and
    deleted again shows in the times of its folder.
    """
    seen = {}
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            status = path.lstat()
            seen[str(path)] = (
                status.st_mode,
                status.st_ino,
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
            )
    return seen

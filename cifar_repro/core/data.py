"""CIFAR-10 as uint8 tensors, its split into training and validation, and its batches."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from cifar_repro.core import layouts, official, places
from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.core.synthetic import synthetic_arrays
from cifar_repro.core.transforms import AUGMENTATIONS, PIXELS

VARIABLE = "CIFAR_REPRO_DATA"


@dataclass(frozen=True)
class ImageSet:
    """Images (N, 3, 32, 32) uint8 and their labels (N,) int64, on one device."""

    images: torch.Tensor
    labels: torch.Tensor

    def __post_init__(self) -> None:
        n = len(self.images)
        for name, tensor in [("images", self.images), ("labels", self.labels)]:
            if not isinstance(tensor, torch.Tensor):
                raise InputError(f"{name}: a {type(tensor).__name__}: give a torch.Tensor")
        if self.images.dtype != torch.uint8 or self.images.shape != (n, 3, 32, 32):
            raise InputError(f"images: {tuple(self.images.shape)} {self.images.dtype}: give (N, 3, 32, 32) uint8")
        if self.labels.dtype != torch.int64 or self.labels.shape != (n,):
            raise InputError(f"labels: {tuple(self.labels.shape)} {self.labels.dtype}: give ({n},) int64")
        for label in [int(self.labels.min()), int(self.labels.max())] if n else []:
            if not 0 <= label < len(CLASSES):
                raise InputError(f"labels: {label} is no class: give labels from 0 to {len(CLASSES) - 1}")

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> "ImageSet":
        return ImageSet(self.images.to(device), self.labels.to(device))

    def counts(self) -> list[int]:
        """Images of each class, in label order."""
        return torch.bincount(self.labels.cpu(), minlength=len(CLASSES)).tolist()

    def fingerprint(self) -> str:
        """sha256 hex over the images' bytes (image by image: R, G, B planes, row-major), then a byte for each label."""
        digest = hashlib.sha256(self.images.cpu().contiguous().numpy().data)
        digest.update(self.labels.to(torch.uint8).cpu().numpy().tobytes())
        return digest.hexdigest()

    def fingerprint_of_any_order(self) -> str:
        """sha256 hex over the sorted sha256 digests of all images, each of an image's bytes and then of its label's.

        The same images with the same labels have the same one in whatever order.
        """
        images = self.images.cpu().contiguous().numpy()
        labels = self.labels.cpu().tolist()
        each = (hashlib.sha256(i.tobytes() + bytes([label])).digest() for i, label in zip(images, labels, strict=True))
        return hashlib.sha256(b"".join(sorted(each))).hexdigest()


@dataclass(frozen=True)
class Cifar10:
    """The two parts of CIFAR-10 and where they came from.

    kind: the layout they were read from ("python", "binary", "images") or "synthetic".
    path: the folder that was read, or the layout itself where that was given (None for synthetic data).
    stands_in: why synthetic data was taken though it was not asked for (else empty).
    """

    train: ImageSet
    test: ImageSet
    kind: str
    path: str | None = None
    stands_in: str = ""

    def fingerprints(self) -> dict[str, str]:
        """`ImageSet.fingerprint` of each part."""
        return {"train": self.train.fingerprint(), "test": self.test.fingerprint()}

    @property
    def official(self) -> bool:
        """Whether it is official CIFAR-10 in its own order, by nothing but its content."""
        return self.fingerprints() == official.FINGERPRINTS

    def has_the_official_images(self) -> bool:
        """Whether each part holds the official images with their labels, in whatever order."""
        parts = {"test": self.test, "train": self.train}  # the smaller first: mostly it is enough to tell other images
        return all(len(part) == official.IMAGES[name] for name, part in parts.items()) and all(
            part.fingerprint_of_any_order() == official.OF_ANY_ORDER[name] for name, part in parts.items()
        )


def load_cifar10(data: str | Path = "auto", *, progress: Progress = no_progress) -> Cifar10:
    """CIFAR-10 from a folder in any of its layouts, "synthetic", or "auto".

    "auto" takes the folder that the environment variable CIFAR_REPRO_DATA names, then `./data`, then downloads to
    `./data`, and where no network is to be had falls back to synthetic data: look at `kind` and `stands_in`.
    Raises InputError that names the file for anything that cannot be read as what it should be.
    """
    if str(data) == "synthetic":
        return synthetic()
    if str(data) != "auto":
        return _load_folder(data, progress)
    here = folder_here()
    if here is None:
        here = Path("data")
        try:
            layouts.download(here, progress)
        except layouts.NETWORK_ERRORS as error:
            return replace(synthetic(), stands_in=f"{layouts.ARCHIVE_URL} cannot be reached ({error})")
    return _load_folder(here, progress)


def folder_here() -> Path | None:
    """Where "auto" finds real images on this machine: $CIFAR_REPRO_DATA, or ./data where it holds a data set.

    Raises InputError where the former is not there, or the latter holds what was meant as one and cannot be read so.
    """
    if meant := os.environ.get(VARIABLE):
        if not Path(meant).exists():
            raise InputError(f"{VARIABLE}: {meant!r} is not there: give a folder, or unset it")
        return Path(meant)
    folder = Path("data")
    if places.locate(folder) is not None:
        return folder
    if seen := places.misplaced(folder):
        raise _no_data(folder, seen)
    return None


def _load_folder(where: str | Path, progress: Progress) -> Cifar10:
    given = Path(where)
    if not str(where) or not given.exists():  # Path("") would be the current folder
        raise InputError(f"data: {str(where)!r} is not there: give a folder, or 'synthetic', or 'auto'")
    found = places.locate(given)
    if found is None:
        raise _no_data(given, places.misplaced(given) or places.other_form(given) or "see 'cifar-repro data --help'")
    folder, layout = found
    kind, read = layouts.LAYOUTS[layout]
    parts = read(folder / layout, progress)
    train = ImageSet(torch.from_numpy(parts.train_images), torch.from_numpy(parts.train_labels))
    test = ImageSet(torch.from_numpy(parts.test_images), torch.from_numpy(parts.test_labels))
    return Cifar10(train, test, kind, str(folder.resolve() / ("" if layouts.find(folder) == layout else layout)))


def _no_data(given: Path, remedy: str) -> InputError:
    return InputError(f"data: {str(given)!r} holds none of {', '.join(layouts.LAYOUTS)}: {remedy}")


def synthetic(train: int = 10_000, test: int = 2_000, seed: int = 0) -> Cifar10:
    """The embedded data set (see `synthetic_arrays`): no CIFAR-10, but of its form."""
    parts = synthetic_arrays(train, test, seed)
    training, testing = (ImageSet(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return Cifar10(training, testing, kind="synthetic")


def split_indices(n: int, valid_fraction: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(training, validation) indices of `n` images, int64, as the lesson gets them after `numpy.random.seed(seed)`.

    All indices are shuffled; the first floor(valid_fraction * n) are validation, the rest training. Global random
    state is neither read nor changed. Raises InputError for a fraction below 0 or above 1.
    """
    if not 0 <= valid_fraction <= 1:
        raise InputError(f"valid_fraction: {valid_fraction} is no fraction: give a number from 0 to 1")
    indices = list(range(n))
    np.random.RandomState(seed).shuffle(indices)
    held_out = int(np.floor(valid_fraction * n))
    return torch.tensor(indices[held_out:], dtype=torch.int64), torch.tensor(indices[:held_out], dtype=torch.int64)


def batches(
    data: ImageSet,
    indices: torch.Tensor,
    batch_size: int,
    *,
    augmentation: str = "none",
    pixels: str = "minus-one-to-one",
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields (images, labels) of the given `indices` (N,) int64 in their order; the last batch may be smaller.

    Images are (B, 3, 32, 32) float32, in the range that `pixels` names and in `memory_format`; labels (B,) int64; both
    on the data's device. With an augmentation each batch draws from torch's global generator (see `transforms`).
    """
    augment, scale = AUGMENTATIONS[augmentation], PIXELS[pixels]
    for chosen in indices.to(data.images.device).split(batch_size):
        images = augment(data.images.index_select(0, chosen))  # ten times as fast as [chosen]
        yield scale(images.contiguous(memory_format=memory_format)), data.labels[chosen]

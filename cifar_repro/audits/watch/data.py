"""Watches what a program reads: images of the small set, put in place of torchvision's CIFAR-10, and batches."""

import time
from collections.abc import Iterator, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from cifar_repro.audits.events import Batch, End
from cifar_repro.audits.small_data import OFFICIAL, SmallSet
from cifar_repro.audits.watch.log import Log, around, put
from cifar_repro.audits.watch.state import State

KEPT = 2  # batches of a training epoch, where there is hurry


def install(log: Log, state: State, images: SmallSet, hurry: float) -> None:
    _replace_cifar10(log, images)
    _watch_reads(state)
    _watch_loaders(log, state, time.monotonic() + hurry)
    _scale_fixed_sizes(log, len(images.train_labels))


def _replace_cifar10(log: Log, images: SmallSet) -> None:
    import torchvision.datasets as datasets
    from torchvision.datasets.vision import VisionDataset

    original = datasets.CIFAR10
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    class CIFAR10(original):  # type: ignore[misc,valid-type]  # a base that is known when it runs
        """torchvision's, with the small set in it."""

        def __init__(
            self,
            root: Any = None,
            train: bool = True,
            transform: Any = None,
            target_transform: Any = None,
            download: bool = False,
        ) -> None:
            VisionDataset.__init__(self, root, transform=transform, target_transform=target_transform)
            self.train = train
            pixels, labels = (
                (images.train_images, images.train_labels) if train else (images.test_images, images.test_labels)
            )
            self.data = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
            self.targets = labels.tolist()
            self.classes = list(names)
            self.class_to_idx = {name: k for k, name in enumerate(names)}

        # As they were called in 2018.
        train_data = test_data = property(lambda self: self.data)
        train_labels = test_labels = property(lambda self: self.targets)

    put(datasets, "CIFAR10", CIFAR10)
    put(datasets.cifar, "CIFAR10", CIFAR10)


def _watch_reads(state: State) -> None:
    """Every image that becomes a PIL image, as torchvision's CIFAR10 makes one of each that is read."""
    from PIL import Image

    @around(Image, "fromarray")
    def fromarray(original: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(obj, "shape", None) == (32, 32, 3) and (code := state.known.of_pixels(obj)) is not None:
            state.reads.append(code)
        return original(obj, *args, **kwargs)


def _watch_loaders(log: Log, state: State, hurry_from: float) -> None:
    @around(DataLoader, "__init__")
    def init(original: Any, *args: Any, **kwargs: Any) -> None:
        given = signature(original).bind(*args, **kwargs).arguments
        if given.get("num_workers"):
            log.bridged("batches are made in the program's own process (num_workers=0)")
            for name in ("num_workers", "prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout"):
                given.pop(name, None)
        given.pop("pin_memory", None)
        original(**given)

    @around(DataLoader, "__iter__")
    def iterate(original: Any, loader: Any) -> Any:
        state.iterations += 1
        return _Batches(log, state, original(loader), loader.batch_size, state.iterations, hurry_from)


class _Batches:
    """An iterator over the batches of a DataLoader that writes each down."""

    def __init__(self, log: Log, state: State, batches: Any, full: int | None, number: int, hurry_from: float):
        self._log, self._state, self._batches, self._full, self._number = log, state, batches, full, number
        self._given, self._hurry_from, self._tests = 0, hurry_from, False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self._batches)

    def __next__(self) -> Any:
        hurries = time.monotonic() > self._hurry_from and self._state.ended_training >= 2
        if hurries and self._given >= KEPT and not self._tests:
            self._log.bridged(f"to save time, from here on loops got only {KEPT} batches of training images")
            raise StopIteration
        self._state.reads.clear()
        try:
            batch = next(self._batches)
        except StopIteration:
            self._log.write(End(iteration=self._number, at=self._log.here()))
            self._state.ended(self._log, self._number)
            raise
        self._given += 1
        tensors = [t for t in _tensors(batch) if t.dim() >= 2]
        if tensors:
            found = self._state.identify(tensors[0])
            self._tests = any(image is not None and image < 0 for image in found.images)
            self._state.keep(tensors[0], found.images, self._number)
            self._log.write(
                Batch(
                    iteration=self._number,
                    size=len(tensors[0]),
                    full=self._full,
                    images=found.images,
                    looks=found.looks,
                    low=found.low,
                    high=found.high,
                    at=self._log.here(),
                )
            )
        self._state.reads.clear()
        return batch

    next = __next__  # as it was called in 2018

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)


def _tensors(batch: Any) -> Iterator[torch.Tensor]:
    if isinstance(batch, torch.Tensor):
        yield batch
    elif isinstance(batch, dict):
        yield from _tensors(list(batch.values()))
    elif isinstance(batch, Sequence) and not isinstance(batch, str):
        for each in batch:
            yield from _tensors(each)


def _scale_fixed_sizes(log: Log, train: int) -> None:
    """Numbers that count on 50,000 images are scaled to those that there are, so that the parts fit as they should."""
    import torch.utils.data as data

    whole = OFFICIAL["train"]
    stands_for = {-(-k * whole // train): k for k in range(train)}  # one of the 50,000 for each that there is

    def note() -> None:
        log.bridged(f"sizes written for {whole:,} training images were scaled to the {train} of this audit")

    def scaled(indices: Any) -> Any:
        if not isinstance(indices, Sequence | np.ndarray | torch.Tensor) or not len(indices):
            return indices
        plain = [int(i) for i in indices]
        if not train <= max(plain) < whole:
            return indices
        note()
        return [stands_for[i] for i in plain if i in stands_for]

    @around(data.Subset, "__init__")
    @around(data.SubsetRandomSampler, "__init__")
    def init(original: Any, *args: Any, **kwargs: Any) -> None:
        given = signature(original).bind(*args, **kwargs).arguments
        original(**{**given, "indices": scaled(given["indices"])})

    @around(data, "random_split")
    def random_split(original: Any, dataset: Any, lengths: Any, *args: Any, **kwargs: Any) -> Any:
        n = len(dataset)
        if min(lengths) < 0:  # [5000, len(dataset) - 5000], say
            lengths = [each + whole - n if each < 0 else each for each in lengths]
        total = sum(lengths)
        if n != total and total in OFFICIAL.values():
            note()
            ends = [round(sum(lengths[: k + 1]) * n / total) for k in range(len(lengths))]
            lengths = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        return original(dataset, lengths, *args, **kwargs)

    put(data.dataset, "random_split", data.random_split)

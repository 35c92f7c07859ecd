"""The small CIFAR-10 that a watched program gets: few images, each of which can be told from its numbers.

Every image has a small black and a small white square in its middle. So in each channel the least number is black and
the largest is white, whatever they were normalised to, and the pixels can be computed back and looked up.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_repro.core.data import Cifar10, ImageSet
from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES

Pixels = NDArray[np.uint8]
FEWEST, MOST = 60, 20_000
OFFICIAL = {"train": 50_000, "test": 10_000}
BATCHES = (2, 4, 5, 8, 10, 16, 20, 25, 32, 40, 50, 64, 100, 128)  # usual sizes
HELD_OUT = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3)  # usual shares of validation images


@dataclass(frozen=True)
class SmallSet:
    """Images (N, 3, 32, 32) uint8 and labels (N,) of the two parts. source: what they are, for people."""

    train_images: Pixels
    train_labels: NDArray[np.int64]
    test_images: Pixels
    test_labels: NDArray[np.int64]
    source: str


def sizes(images: int, batch_size: int | None = None) -> tuple[int, int]:
    """How many training and test images: about `images` and a third of that.

    Without a batch size, such that few usual batch sizes and shares of validation images come out even, or leave a
    last batch of one image; with one, such that it does come out even.
    """
    if batch_size:
        part = 5 * batch_size  # of which a fifth is a whole number of batches, too
        return part * max(1, round(images / part)), batch_size * max(1, round(images / 3 / batch_size))

    def awkward(n: int, shares: tuple[float, ...]) -> int:
        parts = [m for share in shares for m in (int(n * share), n - int(n * share)) if m]
        return sum(m % batch < 2 for m in parts for batch in BATCHES)

    train = min(range(images, images + 20), key=lambda n: awkward(n, HELD_OUT))
    test = min(range(images // 3, images // 3 + 20), key=lambda n: awkward(n, (0.0,)))
    return train, test


def small_set(data: Cifar10, train: int, test: int) -> SmallSet:
    """The first images of each class, as many of each as this allows. Raises InputError where there are less."""
    pixels = []
    for name, part, count in (("training", data.train, train), ("test", data.test, test)):
        if len(part) < count:
            raise InputError(f"images: {count} {name} images are asked for, and the data has {len(part)}: give fewer")
        pixels.append(_chosen(part, count))
    source = "official CIFAR-10" if data.official else "synthetic images" if data.kind == "synthetic" else "other data"
    return SmallSet(*pixels[0], *pixels[1], source=source)


def _chosen(part: ImageSet, count: int) -> tuple[Pixels, NDArray[np.int64]]:
    labels = part.labels.numpy()
    nth = np.empty(len(labels), dtype=np.int64)  # of its class
    for label in range(len(CLASSES)):
        of_class = np.flatnonzero(labels == label)
        nth[of_class] = np.arange(len(of_class))
    chosen = np.sort(np.argsort(nth, kind="stable")[:count])
    images = part.images.numpy()[chosen].copy()
    images[:, :, 15:17, 12:14] = 0
    images[:, :, 15:17, 18:20] = 255
    return images, labels[chosen]


class Images:
    """Which image is it? Looks up pixels, and numbers that were made of pixels channel by channel."""

    def __init__(self, data: SmallSet):
        self.labels = {}
        self.plain: dict[int, int] = {}
        self.mirrored: dict[int, int] = {}
        for sign, images, labels in (
            (1, data.train_images, data.train_labels),
            (-1, data.test_images, data.test_labels),
        ):
            for k, (image, label) in enumerate(zip(images, labels, strict=True)):
                code = k if sign > 0 else -1 - k
                self.labels[code] = int(label)
                self.plain[zlib.crc32(np.ascontiguousarray(image).data)] = code
                self.mirrored[zlib.crc32(np.ascontiguousarray(image[:, :, ::-1]).data)] = code

    def of_pixels(self, image: Any) -> int | None:
        """Of (32, 32, 3) uint8."""
        return self.plain.get(zlib.crc32(np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1)).data))

    def of_numbers(self, batch: NDArray[Any]) -> tuple[list[int | None], list[int]]:
        """Of (n, 3, 32, 32) numbers: which image each is, and how it looks: 0 as it is, 1 mirrored, 2 neither."""
        low, high = batch.min((2, 3), keepdims=True), batch.max((2, 3), keepdims=True)
        span = np.where(high > low, high - low, 1).astype(np.float64)
        pixels = np.ascontiguousarray(np.rint((batch - low) / span * 255).astype(np.uint8))
        found: list[int | None] = []
        looks = []
        for image in pixels:
            digest = zlib.crc32(image.data)
            found.append(self.plain.get(digest, self.mirrored.get(digest)))
            looks.append(0 if digest in self.plain else 1 if digest in self.mirrored else 2)
        return found, looks

"""Every layout written from one tiny set, and what a set that was read must be equal to."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from cifar_repro.core import layouts
from cifar_repro.core.data import Cifar10, ImageSet
from tests.make_data import (
    TinySet,
    write_binary_archive,
    write_binary_folder,
    write_image_folder,
    write_python_archive,
    write_python_folder,
)

Writer = Callable[[Path, TinySet], Path]
WRITERS: dict[str, Writer] = {  # in the order in which a folder is searched
    "python folder": write_python_folder,
    "python archive": write_python_archive,
    "binary folder": write_binary_folder,
    "binary archive": write_binary_archive,
    "images": write_image_folder,
}
ENTRIES = dict(zip(WRITERS, [[name] for name in layouts.LAYOUTS], strict=True)) | {"images": ["train", "test"]}
every_layout = pytest.mark.parametrize("layout", [pytest.param(name, id=name.replace(" ", "-")) for name in WRITERS])


def assert_same(part: ImageSet, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> None:
    """The part holds exactly these pixels and labels, in this order, in the promised types."""
    __tracebackhide__ = True
    assert part.images.dtype == torch.uint8, part.images.dtype
    assert part.labels.dtype == torch.int64, part.labels.dtype
    assert part.images.shape == images.shape, part.images.shape
    assert part.labels.tolist() == labels.tolist()
    wrong = np.flatnonzero((part.images.numpy() != images).reshape(len(images), -1).any(axis=1))
    assert not len(wrong), f"the pixels of images {wrong.tolist()} are others"


def assert_holds(loaded: Cifar10, data: TinySet) -> None:
    """Both parts are those of the tiny set."""
    __tracebackhide__ = True
    assert_same(loaded.train, data.train_images, data.train_labels)
    assert_same(loaded.test, data.test_images, data.test_labels)

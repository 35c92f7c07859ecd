"""A fingerprint is that of the pixels and labels, and of nothing else."""

import hashlib
from pathlib import Path

import pytest
import torch

from cifar_repro.core.data import ImageSet, load_cifar10
from tests.make_data import TinySet, write_binary_folder


def test_fingerprint_is_the_sha256_of_images_and_labels(tmp_path: Path, data: TinySet) -> None:
    """A fingerprint is the sha256 over the image bytes, image by image as R, G, B planes, and a byte for each label."""
    loaded = load_cifar10(write_binary_folder(tmp_path / "set", data))
    for part, (images, labels) in zip((loaded.train, loaded.test), data.parts().values(), strict=True):
        assert part.fingerprint() == hashlib.sha256(images.tobytes() + bytes(labels.tolist())).hexdigest()


def test_fingerprint_of_any_order_is_that_of_the_sorted_digests(data: TinySet) -> None:
    """It is the sha256 over the sorted sha256 digests of each image with its label; one there twice counts twice.

    It is that of the same images in any order and memory format, and another one for labels that change places.
    """
    images, labels = data.test_images[[0, 1, 2, 0]], data.test_labels[[0, 1, 2, 0]]
    digests = [hashlib.sha256(i.tobytes() + bytes([k])).digest() for i, k in zip(images, labels.tolist(), strict=True)]
    part = ImageSet(torch.from_numpy(images), torch.from_numpy(labels))
    found = part.fingerprint_of_any_order()
    assert found == hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    turned = ImageSet(part.images.flip(0).contiguous(memory_format=torch.channels_last), part.labels.flip(0))
    assert turned.fingerprint_of_any_order() == found
    assert labels[0] != labels[1]
    assert ImageSet(part.images, part.labels[[1, 0, 2, 3]]).fingerprint_of_any_order() != found


def test_fingerprint_is_independent_of_the_memory_format(data: TinySet) -> None:
    """Equal images have equal fingerprints, however their bytes lie in memory."""
    part = ImageSet(torch.from_numpy(data.test_images), torch.from_numpy(data.test_labels))
    turned = ImageSet(part.images.contiguous(memory_format=torch.channels_last), part.labels)
    assert turned.fingerprint() == part.fingerprint()


@pytest.mark.parametrize("change", ["pixel", "label", "order"])
def test_fingerprint_tells_the_smallest_change(data: TinySet, change: str) -> None:
    """One pixel value, one label, or the order of two images gives another fingerprint."""
    part = ImageSet(torch.from_numpy(data.test_images), torch.from_numpy(data.test_labels))
    images, labels = part.images.clone(), part.labels.clone()
    if change == "pixel":
        images[3, 1, 31, 0] ^= 1
    elif change == "label":
        labels[3] = (labels[3] + 1) % 10
    else:
        images, labels = images.flip(0), labels.flip(0)
    assert ImageSet(images, labels).fingerprint() != part.fingerprint()

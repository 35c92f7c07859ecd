"""Images are official by their content alone: in every layout, whatever it is called, and until one byte is another."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs
from PIL import Image
from torchvision.datasets import CIFAR10

from cifar_repro.core import official
from cifar_repro.core.data import Cifar10, ImageSet, load_cifar10, synthetic
from cifar_repro.core.layouts import CLASSES
from cifar_repro.runs.record import data_label, describe_data
from tests.core.layouts.reading import WRITERS, every_layout
from tests.make_data import TinySet, publish_python, write_binary_folder, write_image_folder

OFFICIAL = (True, False, "official CIFAR-10")
REORDERED = (False, True, "official images, in another order")


def as_sets(data: TinySet) -> dict[str, ImageSet]:
    return {
        name: ImageSet(torch.from_numpy(images), torch.from_numpy(labels))
        for name, (images, labels) in data.parts().items()
    }


@pytest.fixture(autouse=True)
def made_official(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """The tiny set is taken for official CIFAR-10."""
    parts = as_sets(data)
    monkeypatch.setattr(official, "FINGERPRINTS", {name: part.fingerprint() for name, part in parts.items()})
    any_order = {name: part.fingerprint_of_any_order() for name, part in parts.items()}
    monkeypatch.setattr(official, "OF_ANY_ORDER", any_order)
    monkeypatch.setattr(official, "IMAGES", {name: len(part) for name, part in parts.items()})


def called(data: Cifar10) -> tuple[bool, bool, str]:
    """(official, reordered, label) of what a record says of the data."""
    described = describe_data(data)
    return described.official, described.reordered, data_label(described)


def not_official(layout: str) -> tuple[bool, bool, str]:
    return False, False, f"data that is not official CIFAR-10 ({layout.split()[0]})"


def changed(data: TinySet, part: str, what: str) -> TinySet:
    """The set with one other pixel value, or one other label, in a part."""
    name = f"{part}_{what}s"
    values = getattr(data, name).copy()
    if what == "image":
        values[-1, 2, 31, 31] ^= 1
    else:
        values[-1] = (values[-1] + 1) % 10
    return replace(data, **{name: values})


@every_layout
@pytest.mark.usefixtures("published")
def test_every_layout_of_the_official_images_is_official(tmp_path: Path, data: TinySet, layout: str) -> None:
    """Python, binary, folder or archive: official. Pictures by class come in another order, and that is said."""
    loaded = load_cifar10(WRITERS[layout](tmp_path / "set", data))
    assert called(loaded) == (REORDERED if layout == "images" else OFFICIAL)


def test_pictures_by_class_are_official_where_that_is_the_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet
) -> None:
    """No layout is ruled out by its name either: with the same bytes in the same order pictures are official."""
    in_order = {name: part.fingerprint() for name, part in as_sets(data.by_label()).items()}
    monkeypatch.setattr(official, "FINGERPRINTS", in_order)
    assert called(load_cifar10(write_image_folder(tmp_path / "set", data))) == OFFICIAL


@every_layout
@pytest.mark.parametrize("what", ["image", "label"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_one_other_pixel_or_label_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet, layout: str, part: str, what: str
) -> None:
    """In either part, in every layout, and though the md5 sums of the changed files were the published ones."""
    other = changed(data, part, what)
    publish_python(monkeypatch, other)
    assert called(load_cifar10(WRITERS[layout](tmp_path / "set", other))) == not_official(layout)


def test_labels_that_change_places_end_it(tmp_path: Path, data: TinySet) -> None:
    """All images and all labels are there, but two images have each other's label."""
    labels = data.train_labels.copy()
    one, other = 0, int(np.flatnonzero(labels != labels[0])[0])
    labels[[one, other]] = labels[[other, one]]
    loaded = load_cifar10(write_binary_folder(tmp_path / "set", replace(data, train_labels=labels)))
    assert called(loaded) == not_official("binary")


def test_an_image_in_place_of_another_ends_it(tmp_path: Path, data: TinySet) -> None:
    """As many images, all of them official ones, but one twice and another not at all."""
    images, labels = data.train_images.copy(), data.train_labels.copy()
    images[1], labels[1] = images[0], labels[0]
    other = replace(data, train_images=images, train_labels=labels)
    assert called(load_cifar10(write_binary_folder(tmp_path / "set", other))) == not_official("binary")


@pytest.mark.parametrize("part", ["train", "test"])
def test_one_part_in_another_order_is_another_order(tmp_path: Path, data: TinySet, part: str) -> None:
    """The other part may be as it was, and the layout is any."""
    images, labels = data.parts()[part]
    other = replace(data, **{f"{part}_images": images[::-1].copy(), f"{part}_labels": labels[::-1].copy()})
    assert called(load_cifar10(write_binary_folder(tmp_path / "set", other))) == REORDERED


def test_jpeg_copies_are_not_official(tmp_path: Path, data: TinySet) -> None:
    """The same pictures after JPEG, by class, are others."""
    folder = write_image_folder(tmp_path / "set", data)
    for path in folder.rglob("*.png"):
        copy = io.BytesIO()
        with Image.open(path) as picture:
            picture.save(copy, "JPEG", quality=100)
        path.with_suffix(".jpg").write_bytes(copy.getvalue())
        path.unlink()
    assert called(load_cifar10(folder)) == not_official("images")


@pytest.mark.parametrize("said", [True, False], ids=["official", "not official"])
def test_the_official_order_is_no_other_order(tmp_path: Path, data: TinySet, said: bool) -> None:
    """Whatever else is said of images in the official order, that they are reordered is refused."""
    described = describe_data(load_cifar10(write_binary_folder(tmp_path / "set", data)))
    with pytest.raises(ValueError, match=r"^reordered is true, but the fingerprints are those of the official order$"):
        structs.replace(described, official=said, reordered=True)


def test_synthetic_data_is_neither() -> None:
    """Drawn images are called what they are."""
    assert called(synthetic(train=20, test=6)) == (False, False, "synthetic data, not CIFAR-10")


def test_the_order_is_asked_about_only_where_it_can_matter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet
) -> None:
    """Not of official data, not of a set of another size; of other images in as many, of the test part alone."""
    asked = []
    real = ImageSet.fingerprint_of_any_order
    monkeypatch.setattr(ImageSet, "fingerprint_of_any_order", lambda part: asked.append(len(part)) or real(part))
    describe_data(load_cifar10(write_binary_folder(tmp_path / "official", data)))
    fewer = replace(data, test_images=data.test_images[1:], test_labels=data.test_labels[1:])
    describe_data(load_cifar10(write_binary_folder(tmp_path / "fewer", fewer)))
    assert asked == []
    other = TinySet(
        *(255 - images if images.ndim == 4 else images for part in data.parts().values() for images in part)
    )
    describe_data(load_cifar10(write_binary_folder(tmp_path / "other", other)))
    assert asked == [len(data.test_labels)]


# The real images


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, real_data: Cifar10) -> Cifar10:
    """Official CIFAR-10, whose md5 sums were checked, where there is any."""
    monkeypatch.undo()  # the tiny set is no longer taken for it
    if real_data.kind != "python":
        pytest.skip(f"the real images here are the {real_data.kind} version, whose md5 sums nobody checks")
    return real_data


def test_the_constants_are_those_of_files_whose_md5_sums_are_right(real: Cifar10) -> None:
    """The python version passes torchvision's md5 sums, and its content has the fingerprints that the package knows."""
    assert len(CIFAR10.train_list) == 5
    parts = {"train": real.train, "test": real.test}
    assert {name: part.fingerprint() for name, part in parts.items()} == official.FINGERPRINTS
    assert {name: part.fingerprint_of_any_order() for name, part in parts.items()} == official.OF_ANY_ORDER
    assert {name: len(part) for name, part in parts.items()} == official.IMAGES
    assert called(real) == OFFICIAL


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("what", ["image", "label"])
@pytest.mark.parametrize("order", ["official", "by class"])
def test_one_other_byte_among_the_real_ones_ends_it(real: Cifar10, part: str, what: str, order: str) -> None:
    """Of 184 million bytes one is another: in the official order, and in that of pictures by class."""
    sets = {}
    for name, whole in (("train", real.train), ("test", real.test)):
        at = torch.argsort(whole.labels, stable=True) if order == "by class" else torch.arange(len(whole))
        sets[name] = ImageSet(whole.images[at], whole.labels[at])
    data = Cifar10(**sets, kind="binary")
    assert called(data) == (REORDERED if order == "by class" else OFFICIAL)
    assert data.official == (order == "official")
    if what == "image":
        sets[part].images[-1, 2, 31, 31] ^= 1
    else:
        sets[part].labels[0] = (sets[part].labels[0] + 1) % len(CLASSES)
    data = Cifar10(**sets, kind="binary")
    assert called(data) == not_official("binary")
    assert not data.official

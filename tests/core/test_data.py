"""Image sets and their batches: what is refused, how classes are counted, where things happen."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_repro.core import layouts
from cifar_repro.core.data import ImageSet, batches, load_cifar10, split_indices, synthetic
from cifar_repro.core.errors import InputError
from cifar_repro.core.transforms import flip_rotate, normalize, rotate, shift_flip


def images(*shape: int, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    return torch.zeros(shape or (2, 3, 32, 32), dtype=dtype)


@pytest.mark.parametrize(
    ("pixels", "labels", "told"),
    [
        (images(2, 3, 32, 31), torch.tensor([0, 1]), "images: (2, 3, 32, 31) torch.uint8: give (N, 3, 32, 32) uint8"),
        (images(2, 1, 32, 32), torch.tensor([0, 1]), "images: (2, 1, 32, 32) torch.uint8: give (N, 3, 32, 32) uint8"),
        (images(2, 3072), torch.tensor([0, 1]), "images: (2, 3072) torch.uint8: give (N, 3, 32, 32) uint8"),
        (
            images(dtype=torch.float32),
            torch.tensor([0, 1]),
            "images: (2, 3, 32, 32) torch.float32: give (N, 3, 32, 32) uint8",
        ),
        (images(), torch.tensor([0, 1, 2]), "labels: (3,) torch.int64: give (2,) int64"),
        (images(), torch.tensor([[0], [1]]), "labels: (2, 1) torch.int64: give (2,) int64"),
        (images(), torch.tensor([0.0, 1.0]), "labels: (2,) torch.float32: give (2,) int64"),
        (images(), torch.tensor([0, 10]), "labels: 10 is no class: give labels from 0 to 9"),
        (images(), torch.tensor([5, -1]), "labels: -1 is no class: give labels from 0 to 9"),
    ],
)
def test_what_is_no_image_set_is_refused(pixels: torch.Tensor, labels: torch.Tensor, told: str) -> None:
    """Another shape or type, or a label that is no class, is an error that says what there is and what to give."""
    with pytest.raises(InputError) as error:
        ImageSet(pixels, labels)
    assert str(error.value) == told


def test_classes_are_counted_in_label_order() -> None:
    """All ten classes are counted, those without images too; labels 0 and 9 are labels; a set may be empty."""
    data = ImageSet(images(4, 3, 32, 32), torch.tensor([0, 7, 7, 9]))
    assert data.counts() == [1, 0, 0, 0, 0, 0, 0, 2, 0, 1]
    assert ImageSet(images(2, 3, 32, 32), torch.tensor([1, 1])).counts() == [0, 2, *[0] * 8]
    empty = ImageSet(images(0, 3, 32, 32), torch.zeros(0, dtype=torch.int64))
    assert (len(empty), empty.counts()) == (0, [0] * 10)


def test_both_parts_of_an_image_set_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """`to` asks for the device for images and labels, and changes neither."""
    data = ImageSet(torch.arange(2 * 3072).to(torch.uint8).view(2, 3, 32, 32), torch.tensor([3, 4]))
    asked, to = [], torch.Tensor.to

    def watched(tensor: torch.Tensor, *device: torch.device) -> torch.Tensor:
        asked.append((tensor.dtype, *device))
        return to(tensor, *device)

    monkeypatch.setattr(torch.Tensor, "to", watched)
    moved = data.to(torch.device("cpu"))
    assert asked == [(torch.uint8, torch.device("cpu")), (torch.int64, torch.device("cpu"))]
    assert torch.equal(moved.images, data.images)
    assert torch.equal(moved.labels, data.labels)


def test_synthetic_data_can_be_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load_cifar10("synthetic")` is `synthetic()`, which stands in for nothing."""
    drawn = synthetic(2, 1)
    monkeypatch.setattr("cifar_repro.core.data.synthetic", lambda: drawn)
    assert load_cifar10("synthetic") is drawn
    assert drawn.stands_in == ""


def test_a_split_is_of_whole_numbers_even_where_it_is_empty() -> None:
    """Both parts can be used as indices, whatever their size."""
    for n, fraction in ((0, 0.5), (4, 0.2), (4, 0.999), (5, 0.5)):
        assert [part.dtype for part in split_indices(n, fraction, 0)] == [torch.int64] * 2
    for fraction, sizes in ((0.0, [4, 0]), (1.0, [0, 4])):
        assert [len(part) for part in split_indices(4, fraction, 0)] == sizes, "none and all are fractions, too"


def test_only_the_augmentation_that_was_asked_for_is_made() -> None:
    """Without an augmentation nothing is drawn; with flip-rotate, the images are `flip_rotate`'s, in either format."""
    generator = torch.Generator().manual_seed(0)
    data = ImageSet(
        torch.randint(0, 256, (5, 3, 32, 32), generator=generator, dtype=torch.uint8), torch.tensor([0, 1, 2, 3, 4])
    )
    order = torch.tensor([4, 2, 0, 1])
    before = torch.get_rng_state()
    ((plain, _),) = batches(data, order, 9)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(plain, normalize(data.images[order]))
    assert plain.is_contiguous()
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(1)
        made = list(batches(data, order, 3, augmentation="flip-rotate", memory_format=layout))
        torch.manual_seed(1)
        for (turned, labels), part in zip(made, order.split(3), strict=True):
            assert torch.equal(turned, normalize(flip_rotate(data.images[part])))
            assert turned.is_contiguous(memory_format=layout)
            assert torch.equal(labels, data.labels[part])


def test_pixels_stay_on_their_device() -> None:
    """Normalising, turning and augmenting happen where the images are: here on torch's "meta", which has no values."""
    there = images().to("meta")
    assert normalize(there).device == there.device
    assert rotate(there, torch.zeros(2).double()).device == there.device
    assert flip_rotate(there).device == there.device


@pytest.mark.parametrize("degrees", [90.0, 180.0, -90.0, 45.0, 350.0, 365.0, 0.5, -0.5])
def test_rotation_takes_any_angle_and_any_shape(degrees: float) -> None:
    """Images that are not square, of one plane, turn by any angle as Pillow turns them."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(1, 256, (3, 1, 6, 11), generator=generator, dtype=torch.uint8)
    turned = rotate(pixels, torch.full((3,), degrees).double())
    for image, ours in zip(pixels, turned, strict=True):
        # Pillow turns by multiples of 90 degrees in a way of its own if it may change the size; a centre forbids that.
        theirs = Image.fromarray(image[0].numpy()).rotate(degrees, center=(5.5, 3.0))
        assert np.array_equal(ours[0].numpy(), np.asarray(theirs))


def test_a_shift_goes_up_to_a_tenth_of_its_own_side() -> None:
    """Of images that are not square, too: 2 of 20 rows, 6 of 60 columns, either way. Their levels tell how far."""
    images = torch.zeros(400, 2, 20, 60, dtype=torch.uint8)
    images[:, 0] = 10 * torch.arange(20, dtype=torch.uint8)[:, None]
    images[:, 1] = 4 * torch.arange(60, dtype=torch.uint8)
    torch.manual_seed(0)
    down, across = (shift_flip(images)[:, :, 10, 30] / torch.tensor([10, 4]) - torch.tensor([10, 29.5])).T
    for side, most, flipped in ((down, 2, 0), (across, 6, 0.5)):  # a flip puts column 29 where 30 was
        for farthest in (side.max().item(), -side.min().item()):
            assert most - 0.1 < farthest < most + flipped + 0.01, f"a shift of up to {farthest:.2f}, not {most}"


def test_a_folder_that_holds_no_data_is_told(tmp_path: Path) -> None:
    """The error names the folder as it was given, and what is looked for."""
    with pytest.raises(InputError) as error:
        load_cifar10(tmp_path)
    names = "cifar-10-batches-py, cifar-10-python.tar.gz, cifar-10-batches-bin, cifar-10-binary.tar.gz, train"
    assert str(error.value) == f"data: {str(tmp_path)!r} holds none of {names}: see 'cifar-repro data --help'"
    assert list(layouts.LAYOUTS) == names.split(", ")


@pytest.mark.parametrize("where", ["", "not there"])
def test_what_is_not_there_is_told(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what was given; an empty name is not the current folder."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        load_cifar10(where)
    assert str(error.value) == f"data: {where!r} is not there: give a folder, or 'synthetic', or 'auto'"


def test_what_is_no_tensor_is_told() -> None:
    """Arrays of numpy are named as what they are."""
    with pytest.raises(InputError, match=r"^images: a ndarray: give a torch\.Tensor$"):
        # mypy sees what this is about: that it is no tensor.
        ImageSet(np.zeros((1, 3, 32, 32), np.uint8), torch.zeros(1, dtype=torch.int64))  # type: ignore[arg-type]


@pytest.mark.parametrize("fraction", [-0.5, 1.5, float("nan")])
def test_a_split_by_what_is_no_fraction_is_refused(fraction: float) -> None:
    """A share below none or above all."""
    with pytest.raises(InputError, match=r"^valid_fraction: "):
        split_indices(10, fraction, 0)

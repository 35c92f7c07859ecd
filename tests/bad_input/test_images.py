"""A folder of images with one that is none, of another size or of no class is refused."""

import io
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tests.bad_input.shell import Shell, both_commands
from tests.bad_input.spoiled import as_id
from tests.make_data import tiny_set, write_image_folder


@pytest.fixture
def images(shell: Shell) -> Path:
    """A whole data folder of PNG images, one of which a test spoils."""
    folder = write_image_folder(shell.folder / "set", tiny_set())
    for part in ("train", "test"):
        (folder / part / "frog").mkdir(exist_ok=True)
    return folder


def png(width: int, height: int) -> bytes:
    """The start of a PNG file that says it has so many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(tiny_set().train_images[0].transpose(1, 2, 0)).save(stream, format="JPEG")
    return stream.getvalue()


def bitmap(width: int, height: int, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, format=form)
    return stream.getvalue()


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("odd.png", b"", id="empty"),
        pytest.param("odd.png", b"a frog, in words", id="text"),
        pytest.param("odd.png", bitmap(32, 32)[:-30], id="truncated PNG"),
        pytest.param("odd.png", png(32, 32), id="PNG header only"),
        pytest.param("odd.jpg", jpeg()[: len(jpeg()) // 2], id="truncated JPEG"),
        pytest.param("odd.jpeg", jpeg()[:4], id="JPEG marker only"),
        pytest.param("odd.png", png(100_000, 100_000), id="claims to be enormous"),
        pytest.param("odd.png", png(60_000, 60_000), id="claims to be very large"),
        pytest.param("odd.png", png(10_000, 10_000), id="claims to be large"),
        pytest.param("odd.png", bitmap(32, 32, "BMP"), id="a BMP"),
        pytest.param("odd.jpg", bitmap(32, 32, "EPS"), id="a program in PostScript"),
    ],
)
def test_image_that_cannot_be_read_is_refused(shell: Shell, images: Path, part: str, name: str, content: bytes) -> None:
    """A file that is no image, or a part of one, is named."""
    path = images / part / "frog" / name
    path.write_bytes(content)
    both_commands(shell, images, naming=(path,))


@pytest.mark.parametrize("size", [(32, 31), (64, 64), (1, 1)], ids=as_id)
def test_image_of_another_size_is_refused(shell: Shell, images: Path, size: tuple[int, int]) -> None:
    """An image that is not 32x32 is named, with its size."""
    path = images / "test" / "frog" / "odd.png"
    path.write_bytes(bitmap(*size))
    both_commands(shell, images, naming=(path, f"{size[0]}x{size[1]}", "32x32"))


def test_folder_named_like_an_image_is_refused(shell: Shell, images: Path) -> None:
    """A folder in the place of an image is named."""
    (images / "train" / "frog" / "odd.png").mkdir()
    both_commands(shell, images, naming=(images / "train" / "frog" / "odd.png",))


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("name", ["zebra", "Frog", "6"])
def test_folder_of_an_unknown_class_is_refused(shell: Shell, images: Path, part: str, name: str) -> None:
    """A folder that is not named by one of the ten classes is named, with those."""
    (images / part / name).mkdir()
    both_commands(shell, images, naming=(images / part / name, "airplane", "truck"))


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("left", ["nothing", "empty classes", "other files"])
def test_part_without_images_is_refused(shell: Shell, images: Path, part: str, left: str) -> None:
    """A part that holds no image, be there other files or class folders, is named."""
    shutil.rmtree(images / part)
    (images / part).mkdir()
    if left != "nothing":
        (images / part / "cat").mkdir()
    if left == "other files":
        (images / part / "cat" / "notes.txt").write_text("miaow")
        (images / part / "stray.png").write_bytes(bitmap(32, 32))
    both_commands(shell, images, naming=(images / part,))


def test_part_that_is_a_file_is_refused(shell: Shell, images: Path) -> None:
    """A file in the place of the training part is named."""
    shutil.rmtree(images / "train")
    (images / "train").write_text("")
    both_commands(shell, images, naming=(images / "train",))


def test_images_without_a_test_part_are_refused(shell: Shell, images: Path) -> None:
    """An image folder that lacks its test part is named."""
    shutil.rmtree(images / "test")
    both_commands(shell, images, naming=(images,))

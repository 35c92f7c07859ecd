"""CIFAR-10 as it lies on disk: the reader of each layout, and the download.

A reader takes the path of its layout and gives `Parts`. Nothing is unpickled unless its md5 sum is the published one.
"""

import hashlib
import http.client
import io
import math
import tarfile
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cifar_repro.core import files
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.errors import InputError
from cifar_repro.core.progress import Progress

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# https://www.cs.toronto.edu/~kriz/cifar.html names the archives, their md5 sums and their contents.
ARCHIVE_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
BINARY_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
BINARY_FILES = (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin")
RECORD = 1 + 3 * 32 * 32  # a label byte, then the red, green and blue plane
FULL_FILE = 10_000  # records
# Five times what there is of CIFAR-10, for sets of more images. An archive holds six such files.
MOST_OF_A_FILE = 5 * FULL_FILE * RECORD
MOST_OF_AN_ARCHIVE = 6 * MOST_OF_A_FILE
MOST_OF_AN_IMAGE = 16 * files.MIB

Array = NDArray[Any]
CHUNK = 1 << 20  # bytes
TIMEOUT = 10.0  # seconds, for each wait for the server
AGAIN = "download it again"

# What a download raises where there is no network; a full disk, say, is another OSError.
NETWORK_ERRORS = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)


class Parts(NamedTuple):
    """Images (N, 3, 32, 32) uint8 and labels (N,) of the two parts."""

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


class BinaryFile(NamedTuple):
    """One file of the binary version: what a message calls it, its size in bytes, and how to get them."""

    name: str
    size: int
    read: Callable[[], bytes]


def read_binary_folder(folder: Path, progress: Progress) -> Parts:
    """`cifar-10-batches-bin/`. No md5 sums are published for its files."""
    found = []
    for name in BINARY_FILES:
        path, remedy = folder / name, f"the binary version has {len(BINARY_FILES)}: {AGAIN}"
        size = files.size(path, MOST_OF_A_FILE, remedy)
        found.append(BinaryFile(str(path), size, partial(files.read, path, MOST_OF_A_FILE, remedy)))
    return _read_binary(found)


def read_binary_archive(archive: Path, progress: Progress) -> Parts:
    """`cifar-10-binary.tar.gz`, read as it is: only `download` asks for the published md5 sum."""
    with _readable(archive) as tar:
        found = []
        for name in BINARY_FILES:
            member = _member(tar, archive, f"cifar-10-batches-bin/{name}")
            found.append(BinaryFile(f"{archive}: {name}", member.size, partial(_content, tar, member)))
        parts = _read_binary(found)
        assert tar.fileobj is not None
        while tar.fileobj.read(CHUNK):  # to the end, where gzip checks its checksum
            pass
        return parts


def _read_binary(found: list[BinaryFile]) -> Parts:
    """Reads the files of BINARY_FILES, one after the other, into one array."""
    for name, size, _ in found:
        if not size or size % RECORD:
            raise InputError(f"{name}: {size:,} bytes, no whole number of {RECORD:,}-byte records: truncated? {AGAIN}")
    # A file cut at a record's end shows only in its number of records: a full set has 10,000 in each file, and a
    # smaller set must at least have data batches of one size.
    counts = [size // RECORD for _, size, _ in found]
    wanted = [FULL_FILE] * 6 if FULL_FILE in counts else [counts[0]] * 5 + [counts[5]]
    for (name, _, _), count, want in zip(found, counts, wanted, strict=True):
        if count != want:
            raise InputError(f"{name}: {count:,} records, where the other files make it {want:,}: truncated? {AGAIN}")
    images = np.empty((sum(counts), 3, 32, 32), dtype=np.uint8)
    labels = np.empty(sum(counts), dtype=np.int64)
    start = 0
    for (name, _, read), count in zip(found, counts, strict=True):
        records = np.frombuffer(read(), dtype=np.uint8).reshape(count, RECORD)
        images[start : start + count] = records[:, 1:].reshape(count, 3, 32, 32)
        labels[start : start + count] = records[:, 0]
        if records[:, 0].max() >= len(CLASSES):
            at = int(records[:, 0].argmax())
            raise InputError(f"{name}: the label of record {at} is {records[at, 0]}: labels go from 0 to 9")
        start += count
    cut = start - counts[5]
    return Parts(images[:cut], labels[:cut], images[cut:], labels[cut:])


def read_python_folder(folder: Path, progress: Progress) -> Parts:
    """`cifar-10-batches-py/`, through torchvision, after each file's md5 sum was found to be the published one."""
    from torchvision.datasets import CIFAR10

    listed = [*CIFAR10.train_list, *CIFAR10.test_list, [CIFAR10.meta["filename"], CIFAR10.meta["md5"]]]
    for name, md5 in listed:
        _check_md5(folder / name, md5, MOST_OF_A_FILE, f"the python version has {len(listed)}: {AGAIN}")
    train, test = (CIFAR10(str(folder.parent), train=part) for part in (True, False))
    images = [np.ascontiguousarray(part.data.transpose(0, 3, 1, 2)) for part in (train, test)]
    return Parts(images[0], np.array(train.targets), images[1], np.array(test.targets))


def read_python_archive(archive: Path, progress: Progress) -> Parts:
    """`cifar-10-python.tar.gz`, md5-checked, unpacked into a temporary folder and read from there."""
    from torchvision.datasets import CIFAR10

    _check_md5(archive, CIFAR10.tgz_md5, MOST_OF_AN_ARCHIVE, AGAIN)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / CIFAR10.base_folder
        folder.mkdir()
        with _readable(archive) as tar:
            for name in [file for file, _ in CIFAR10.train_list + CIFAR10.test_list] + [CIFAR10.meta["filename"]]:
                member = _member(tar, archive, f"{CIFAR10.base_folder}/{name}")
                (folder / name).write_bytes(_content(tar, member))
        return read_python_folder(folder, progress)


def read_image_folder(folder: Path, progress: Progress) -> Parts:
    """`train/CLASS/*.png|jpg` and `test/CLASS/*`: 32x32 images, in the order of their labels and then their names."""
    found: list[Array] = []
    for part in ("train", "test"):
        listed: list[tuple[Path, int]] = []
        if not (folder / part).is_dir():
            raise InputError(f"{folder / part}: is no folder: give {part}/CLASS/*.png or *.jpg")
        for class_folder in sorted(path for path in _visible(folder / part) if path.is_dir()):
            if class_folder.name not in CLASSES:
                raise InputError(f"{class_folder}: is no class: give folders named {', '.join(CLASSES)}")
            images = sorted(p for p in _visible(class_folder) if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
            listed += [(path, CLASSES.index(class_folder.name)) for path in images]
        if not listed:
            raise InputError(f"{folder / part}: holds no images: give {part}/CLASS/*.png or *.jpg")
        pixels = [_read_image(path) for path, _ in progress(listed, total=len(listed), desc=f"reading {part} images")]
        found += [np.stack(pixels), np.array([label for _, label in listed])]
    return Parts(*found)


def _visible(folder: Path) -> Iterator[Path]:
    """What is in a folder, but for what programs hide there, such as .ipynb_checkpoints."""
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _read_image(path: Path) -> Array:
    """(3, 32, 32) uint8."""
    from PIL import Image

    content = files.read(path, MOST_OF_AN_IMAGE, "give images of 32x32")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # No other formats: some of Pillow's readers run other programs.
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                if image.size != (32, 32):
                    raise InputError(f"{path}: {image.size[0]}x{image.size[1]} pixels: give images of 32x32")
                return np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    except InputError:
        raise
    except Exception as error:  # a hostile file can make a decoder raise any
        raise InputError(f"{path}: cannot be read as an image ({error}): give a whole PNG or JPEG file") from error


# In the order in which a folder is searched: the version whose files are checked first.
LAYOUTS: dict[str, tuple[str, Callable[[Path, Progress], Parts]]] = {
    "cifar-10-batches-py": ("python", read_python_folder),
    "cifar-10-python.tar.gz": ("python", read_python_archive),
    "cifar-10-batches-bin": ("binary", read_binary_folder),
    "cifar-10-binary.tar.gz": ("binary", read_binary_archive),
    "train": ("images", lambda path, progress: read_image_folder(path.parent, progress)),
}


def find(folder: Path) -> str | None:
    """The first entry of LAYOUTS that the folder holds; for images both parts must be there."""
    for name in LAYOUTS:
        if (folder / name).exists() and (name != "train" or (folder / "test").is_dir()):
            return name
    return None


def download(folder: Path, progress: Progress) -> Path:
    """Downloads the binary version (162 MiB) into `folder`; the archive appears there whole or not at all.

    Raises NETWORK_ERRORS where there is no network, OSError where the disk fails, InputError where what came is not the
    published file.
    """
    target = folder / "cifar-10-binary.tar.gz"
    digest = hashlib.md5(usedforsecurity=False)
    with urllib.request.urlopen(ARCHIVE_URL, timeout=TIMEOUT) as response:
        folder.mkdir(parents=True, exist_ok=True)
        total = math.ceil(int(response.headers["Content-Length"] or 0) / CHUNK)
        with replacing(target) as file:
            for chunk in progress(_chunks(response), total=total, desc="downloading CIFAR-10 (MiB)"):
                file.write(chunk)
                digest.update(chunk)
            if digest.hexdigest() != BINARY_MD5:
                raise InputError(
                    f"{ARCHIVE_URL}: md5 {digest.hexdigest()} is not the published {BINARY_MD5}: try again"
                )
    return target


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _check_md5(path: Path, published: str, most: int, remedy: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with files.opened(path, most, remedy) as file:
        for chunk in _chunks(file):
            digest.update(chunk)
    if (found := digest.hexdigest()) != published:
        raise InputError(f"{path}: md5 {found} is not the published {published}: {AGAIN}")


@contextmanager
def _readable(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with files.tar_gz(archive, MOST_OF_AN_ARCHIVE, MOST_OF_A_FILE, AGAIN) as tar:
            yield tar
    except InputError:
        raise
    except Exception as error:  # a hostile file can make a decoder raise any
        raise InputError(f"{archive}: cannot be read ({error}): truncated? {AGAIN}") from error


def _member(tar: tarfile.TarFile, archive: Path, name: str) -> tarfile.TarInfo:
    """A regular file of the archive."""
    try:
        member = tar.getmember(name)
    except KeyError:
        raise InputError(f"{archive}: holds no {name}: give an archive of CIFAR-10") from None
    if not member.isfile():
        raise InputError(f"{archive}: {name} is no regular file: give an archive of CIFAR-10")
    if member.size > MOST_OF_A_FILE:
        raise InputError(
            f"{archive}: {name} would be of {member.size:,} bytes, more than {MOST_OF_A_FILE:,}: give one of CIFAR-10"
        )
    return member


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None, "a regular file has content"
    return file.read()

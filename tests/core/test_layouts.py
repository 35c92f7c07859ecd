"""CIFAR-10 is read as the same pixels from whichever layout it lies in; a download is whole or not at all."""

import errno
import hashlib
import http.client
import io
import os
import tarfile
import urllib.error
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10

from cifar_repro.core import data as data_module
from cifar_repro.core import layouts
from cifar_repro.core.data import Cifar10, ImageSet, load_cifar10, synthetic
from cifar_repro.core.errors import InputError
from cifar_repro.core.progress import no_progress
from tests.make_data import (
    TinySet,
    binary_archive,
    md5,
    publish_python,
    snapshot,
    tiny_set,
    write_binary_archive,
    write_binary_folder,
    write_image_folder,
    write_python_archive,
    write_python_folder,
)

T = TypeVar("T")
Writer = Callable[[Path, TinySet], Path]

WRITERS: dict[str, Writer] = {  # in the order in which a folder is searched
    "python folder": write_python_folder,
    "python archive": write_python_archive,
    "binary folder": write_binary_folder,
    "binary archive": write_binary_archive,
    "images": write_image_folder,
}
ENTRIES = dict(zip(WRITERS, [[name] for name in layouts.LAYOUTS], strict=True)) | {"images": ["train", "test"]}
ARCHIVE = "cifar-10-binary.tar.gz"

every_layout = pytest.mark.parametrize("layout", [pytest.param(name, id=name.replace(" ", "-")) for name in WRITERS])


@pytest.fixture
def data() -> TinySet:
    return tiny_set()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """The tiny set's own md5 sums are the published ones of the python version."""
    publish_python(monkeypatch, data)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test that would download says so by failing; the current folder is empty, $CIFAR_REPRO_DATA not set."""
    serve(monkeypatch, AssertionError("this test must not download"))
    monkeypatch.delenv("CIFAR_REPRO_DATA", raising=False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)


@pytest.fixture
def small_synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The synthetic set in a size that takes no seconds to draw."""
    monkeypatch.setattr(data_module, "synthetic", lambda: synthetic(train=20, test=10))


class Response(io.BytesIO):
    """What `urlopen` gives: the bytes of `content`, then `error` if there is one."""

    def __init__(self, content: bytes, error: BaseException | None = None, length: str | None = None):
        super().__init__(content)
        self.error = error
        self.headers = {"Content-Length": length}

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        if self.error and not chunk:
            raise self.error
        return chunk


def serve(monkeypatch: pytest.MonkeyPatch, answer: bytes | Response | BaseException) -> list[tuple[str, Any]]:
    """Makes every download get this answer; the list returned fills with the (address, timeout) of each request."""
    requests = []

    def urlopen(address: str, *, timeout: Any = None) -> Response:
        requests.append((address, timeout))
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Response) else Response(answer, length=str(len(answer)))

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return requests


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


# What is read


@every_layout
@pytest.mark.usefixtures("published")
def test_every_layout_gives_the_same_pixels_and_labels(tmp_path: Path, data: TinySet, layout: str) -> None:
    """Every layout of a set loads as the very same pixels and labels; an image folder in the order of its labels."""
    loaded = load_cifar10(WRITERS[layout](tmp_path / "set", data))
    assert_holds(loaded, data.by_label() if layout == "images" else data)


@every_layout
@pytest.mark.usefixtures("published")
def test_loaded_data_says_where_it_came_from(tmp_path: Path, data: TinySet, layout: str) -> None:
    """`kind` is the layout's, `path` the folder given, as an absolute path, and nothing stands in for anything."""
    folder = WRITERS[layout](tmp_path / "set", data)
    loaded = load_cifar10(os.path.relpath(folder))
    assert (loaded.kind, loaded.path, loaded.stands_in) == (layout.split()[0], str(folder.resolve()), "")


@every_layout
@pytest.mark.usefixtures("published")
def test_only_checked_files_are_official(tmp_path: Path, data: TinySet, layout: str) -> None:
    """Files whose published md5 sums were checked are official; an equal set in another layout is not."""
    loaded = load_cifar10(WRITERS[layout](tmp_path / "set", data))
    assert loaded.official is layout.startswith("python")


def test_binary_archive_with_the_published_md5_is_official(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet
) -> None:
    """A binary archive is official if its md5 is the published one; the same files unpacked are not."""
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    assert load_cifar10(write_binary_archive(tmp_path / "archive", data)).official is True
    assert load_cifar10(write_binary_folder(tmp_path / "folder", data)).official is False


def test_published_sums_are_those_of_the_cifar_page() -> None:
    """The md5 of the binary archive is the one on https://www.cs.toronto.edu/~kriz/cifar.html."""
    assert layouts.BINARY_MD5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert layouts.ARCHIVE_URL == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"


def test_synthetic_data_is_not_official() -> None:
    """Synthetic data says that it is synthetic, lies in no folder, and is never official."""
    drawn = synthetic(train=20, test=10)
    assert (drawn.kind, drawn.official, drawn.path) == ("synthetic", False, None)


@pytest.mark.parametrize("broken", ["data_batch_1", "data_batch_5", "test_batch", "batches.meta"])
@pytest.mark.usefixtures("published")
def test_python_folder_with_one_other_file_is_refused(tmp_path: Path, data: TinySet, broken: str) -> None:
    """One byte more in any file of the python version, and its name and both md5 sums are in the error."""
    folder = write_python_folder(tmp_path / "set", data)
    path = folder / "cifar-10-batches-py" / broken
    published_sum = md5(path.read_bytes())
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(InputError) as error:
        load_cifar10(folder)
    for part in (str(path), published_sum, md5(path.read_bytes())):
        assert part in str(error.value)


def test_image_folder_is_read_by_label_and_then_name(tmp_path: Path) -> None:
    """Images come in the order of their labels and then of their names, however the folder lists them."""
    names = {"truck": ["a.png", "b.png"], "airplane": ["10.png", "9.png", "A.PNG"], "cat": ["z.png"]}
    values = iter(range(100))
    for part in ("train", "test"):
        for label, files in names.items():
            folder = tmp_path / part / label
            folder.mkdir(parents=True)
            for name in reversed(files):
                Image.new("RGB", (32, 32), (next(values), 0, 0)).save(folder / name, format="PNG")
    loaded = load_cifar10(tmp_path)
    # Written as truck b 0, a 1, then airplane A 2, 9 3, 10 4, then cat 5; the test part goes on from 6.
    assert loaded.train.labels.tolist() == [0, 0, 0, 3, 9, 9]
    assert loaded.train.images[:, 0, 0, 0].tolist() == [4, 3, 2, 5, 1, 0]
    assert loaded.test.images[:, 0, 0, 0].tolist() == [10, 9, 8, 11, 7, 6]


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", ".jpg"), ("RGB", ".jpeg"), ("RGB", ".JPG"), ("L", ".png"), ("P", ".png"), ("RGBA", ".png")],
)
def test_image_files_of_every_form_become_three_planes(tmp_path: Path, data: TinySet, mode: str, suffix: str) -> None:
    """JPEG files, and grey, palette and transparent PNG files, give the red, green and blue that Pillow decodes."""
    image = Image.fromarray(data.train_images[0].transpose(1, 2, 0)).convert(mode)
    for part in ("train", "test"):
        path = tmp_path / part / "frog" / f"only{suffix}"
        path.parent.mkdir(parents=True)
        image.save(path)
    with Image.open(path) as saved:
        wanted = np.asarray(saved.convert("RGB")).transpose(2, 0, 1)[None]
    loaded = load_cifar10(tmp_path)
    assert_same(loaded.train, wanted, np.array([6]))
    assert_same(loaded.test, wanted, np.array([6]))


@pytest.mark.usefixtures("published")
def test_a_folder_is_searched_for_what_can_be_official_first(tmp_path: Path) -> None:
    """Of several layouts the first wins: python folder, python archive, binary folder, binary archive, images."""
    for name, write in WRITERS.items():
        write(tmp_path / "set", tiny_set())
        (tmp_path / "aside").mkdir(exist_ok=True)
        for entry in ENTRIES[name]:
            (tmp_path / "set" / entry).rename(tmp_path / "aside" / entry)
    assert layouts.find(tmp_path / "set") is None
    for name in reversed(WRITERS):
        for entry in ENTRIES[name]:
            (tmp_path / "aside" / entry).rename(tmp_path / "set" / entry)
        assert layouts.find(tmp_path / "set") == ENTRIES[name][0]


@pytest.mark.usefixtures("published")
def test_what_the_search_finds_is_what_is_read(tmp_path: Path, data: TinySet) -> None:
    """With a set in each of two layouts, the pixels, the kind and the mark are those of the first one."""
    folder = write_binary_folder(tmp_path / "set", tiny_set(seed=1))
    write_python_archive(folder, data)
    loaded = load_cifar10(folder)
    assert_holds(loaded, data)
    assert (loaded.kind, loaded.official) == ("python", True)


def test_a_train_folder_alone_is_no_layout(tmp_path: Path, data: TinySet) -> None:
    """An image folder needs its test part: `train` alone does not count as a data set."""
    folder = write_image_folder(tmp_path / "set", data)
    (folder / "test").rename(tmp_path / "elsewhere")
    assert layouts.find(folder) is None


@every_layout
@pytest.mark.usefixtures("published")
def test_reading_leaves_the_folder_as_it_was(tmp_path: Path, data: TinySet, layout: str) -> None:
    """Reading writes nothing into the data folder: an archive, too, is read without being unpacked there."""
    folder = WRITERS[layout](tmp_path / "set", data)
    before = snapshot(tmp_path)
    load_cifar10(folder)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("write", [write_binary_archive, write_python_archive], ids=["binary", "python"])
@pytest.mark.usefixtures("published")
def test_an_archive_is_never_unpacked_by_the_names_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet, write: Writer
) -> None:
    """No member of an archive is written where its own name says, so no such name can lead out of a folder."""

    def extract(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("an archive must not be unpacked by its own names")

    monkeypatch.setattr(tarfile.TarFile, "extract", extract)
    monkeypatch.setattr(tarfile.TarFile, "extractall", extract)
    assert_holds(load_cifar10(write(tmp_path / "set", data)), data)


# Fingerprints


def test_fingerprint_is_the_sha256_of_images_and_labels(tmp_path: Path, data: TinySet) -> None:
    """A fingerprint is the sha256 over the image bytes, image by image as R, G, B planes, and a byte for each label."""
    loaded = load_cifar10(write_binary_folder(tmp_path / "set", data))
    for part, (images, labels) in zip((loaded.train, loaded.test), data.parts().values(), strict=True):
        assert part.fingerprint() == hashlib.sha256(images.tobytes() + bytes(labels.tolist())).hexdigest()


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


# What "auto" takes


def test_auto_takes_the_folder_of_the_environment_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet
) -> None:
    """`auto` takes the folder that $CIFAR_REPRO_DATA names, even where ./data holds a set."""
    write_binary_folder(Path("data"), tiny_set(seed=1))
    monkeypatch.setenv("CIFAR_REPRO_DATA", str(write_binary_folder(tmp_path / "named", data)))
    assert_holds(load_cifar10("auto"), data)


@pytest.mark.parametrize("variable", [None, ""], ids=["unset", "empty"])
def test_auto_takes_the_data_folder_next(monkeypatch: pytest.MonkeyPatch, data: TinySet, variable: str | None) -> None:
    """Without $CIFAR_REPRO_DATA, `auto`, which is the default, takes ./data and downloads nothing."""
    if variable is not None:
        monkeypatch.setenv("CIFAR_REPRO_DATA", variable)
    write_binary_folder(Path("data"), data)
    loaded = load_cifar10()
    assert_holds(loaded, data)
    assert loaded.path == str(Path("data").resolve())


def test_auto_never_replaces_a_folder_that_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where $CIFAR_REPRO_DATA names a folder that is not there, nothing else is taken for it."""
    write_binary_folder(Path("data"), tiny_set())
    monkeypatch.setenv("CIFAR_REPRO_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="gone"):
        load_cifar10("auto")


def test_auto_downloads_to_the_data_folder(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """With nothing on disk `auto` downloads the archive into ./data, with a timeout, and reads it: official data."""
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    requests = serve(monkeypatch, binary_archive(data))
    loaded = load_cifar10("auto")
    assert_holds(loaded, data)
    assert (loaded.kind, loaded.official, loaded.stands_in) == ("binary", True, "")
    assert Path("data", ARCHIVE).read_bytes() == binary_archive(data)
    [(address, timeout)] = requests
    assert address == layouts.ARCHIVE_URL
    assert timeout is not None
    assert 0 < timeout <= 60
    assert_holds(load_cifar10("auto"), data)
    assert len(requests) == 1, "what is there is not downloaded again"


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route"),
        urllib.error.HTTPError(layouts.ARCHIVE_URL, 503, "no service", None, None),  # type: ignore[arg-type]
        TimeoutError("too slow"),
        ConnectionResetError("hung up"),
        http.client.BadStatusLine("not http"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.usefixtures("small_synthetic")
def test_auto_falls_back_to_synthetic_data_without_a_network(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """With no network `auto` gives synthetic data that says it stands in, for what, and why; it is not official."""
    serve(monkeypatch, error)
    loaded = load_cifar10("auto")
    assert (loaded.kind, loaded.official, loaded.path) == ("synthetic", False, None)
    assert layouts.ARCHIVE_URL in loaded.stands_in
    assert str(error) in loaded.stands_in
    assert not [path for path in Path().rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "error",
    [TimeoutError("too slow"), ConnectionResetError("hung up"), http.client.IncompleteRead(b"")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.usefixtures("small_synthetic")
def test_a_download_that_breaks_off_leaves_no_archive(
    monkeypatch: pytest.MonkeyPatch, data: TinySet, error: Exception
) -> None:
    """Where the network goes away midway, no part of an archive stays, and synthetic data stands in."""
    content = binary_archive(data)
    serve(monkeypatch, Response(content[: len(content) // 2], error, length=str(len(content))))
    loaded = load_cifar10("auto")
    assert loaded.kind == "synthetic"
    assert loaded.stands_in
    assert not [path for path in Path().rglob("*") if path.is_file()]


# The download


def test_a_download_without_a_length_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet) -> None:
    """A server that does not say how long the archive is gives a whole archive too."""
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    serve(monkeypatch, Response(binary_archive(data)))
    target = layouts.download(tmp_path / "new" / "folder", no_progress)
    assert target == tmp_path / "new" / "folder" / ARCHIVE
    assert target.read_bytes() == binary_archive(data)
    assert [path.name for path in target.parent.iterdir()] == [ARCHIVE]


@pytest.mark.parametrize("wrong", ["page", "half", "more", "nothing"])
def test_a_download_of_wrong_bytes_leaves_no_archive(
    monkeypatch: pytest.MonkeyPatch, data: TinySet, wrong: str
) -> None:
    """Bytes that are not the published archive are bad input, named with address and md5: no file, no fallback."""
    archive = binary_archive(data)
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(archive))
    sent = {
        "page": b"<html>Log in</html>",
        "half": archive[: len(archive) // 2],
        "more": archive + b"\0",
        "nothing": b"",
    }
    serve(monkeypatch, sent[wrong])
    with pytest.raises(InputError) as error:
        load_cifar10("auto")
    assert layouts.ARCHIVE_URL in str(error.value)
    assert md5(sent[wrong]) in str(error.value)
    assert not [path for path in Path().rglob("*") if path.is_file()]


def test_a_download_of_wrong_bytes_keeps_the_archive_that_was_there(
    monkeypatch: pytest.MonkeyPatch, data: TinySet
) -> None:
    """A failed download does not touch an archive that was there before."""
    folder = write_binary_archive(Path("data"), data)
    serve(monkeypatch, b"<html>Log in</html>")
    with pytest.raises(InputError):
        layouts.download(folder, no_progress)
    assert [path.name for path in folder.iterdir()] == [ARCHIVE]
    assert (folder / ARCHIVE).read_bytes() == binary_archive(data)


def test_a_full_disk_is_no_missing_network(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """A disk that fills up during the download is an OSError, not a reason for synthetic data; no file stays."""

    def fsync(descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    serve(monkeypatch, binary_archive(data))
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left") as error:
        load_cifar10("auto")
    assert error.value.errno == errno.ENOSPC
    assert not [path for path in Path().rglob("*") if path.is_file()]


# What a reader or a download says while it works


class Told:
    """A progress that remembers what it was told: (name, total, steps that were really made)."""

    def __init__(self) -> None:
        self.passes: list[tuple[str, int, int]] = []

    def __call__(self, steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
        made = list(steps)
        self.passes.append((desc, total, len(made)))
        return made


def test_a_download_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A download counts mebibytes, the last one begun included; where no length is known, of a total of 0."""
    content = bytes(2 * 2**20 + 1)
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(content))
    told = Told()
    serve(monkeypatch, content)
    layouts.download(tmp_path, told)
    serve(monkeypatch, Response(content))
    layouts.download(tmp_path, told)
    assert told.passes == [("downloading CIFAR-10 (MiB)", 3, 3), ("downloading CIFAR-10 (MiB)", 0, 3)]


def test_auto_passes_the_progress_on(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """The progress given to `load_cifar10` is that of the download."""
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    serve(monkeypatch, binary_archive(data))
    told = Told()
    load_cifar10("auto", progress=told)
    assert [name for name, _, _ in told.passes] == ["downloading CIFAR-10 (MiB)"]


@pytest.mark.parametrize("how", ["named", "environment", "data"])
def test_reading_images_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet, how: str
) -> None:
    """The images of each part are counted, one by one, of their real number, however the folder was found."""
    folder = write_image_folder(Path("data") if how == "data" else tmp_path / "set", data)
    if how == "environment":
        monkeypatch.setenv("CIFAR_REPRO_DATA", str(folder))
    told = Told()
    load_cifar10(folder if how == "named" else "auto", progress=told)
    assert told.passes == [("reading train images", 20, 20), ("reading test images", 6, 6)]


# What an error of a python archive says


def test_an_error_of_a_python_archive_begins_with_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder in its place, and content that is no archive though its md5 is right, are named by the archive."""
    path = tmp_path / "set" / "cifar-10-python.tar.gz"
    path.mkdir(parents=True)
    with pytest.raises(InputError, match=rf"^{path}: cannot be read \(.*\): truncated\? download it again$"):
        load_cifar10(path.parent)
    path.rmdir()
    path.write_bytes(b"no archive")
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(b"no archive"))
    with pytest.raises(InputError, match=rf"^{path}: cannot be read \(.*\): truncated\? download it again$"):
        load_cifar10(path.parent)


# Other machines


def test_md5_is_asked_for_as_a_checksum(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet) -> None:
    """Where md5 is barred from security (FIPS), files are read and downloaded all the same."""
    real = hashlib.md5

    def fips(content: bytes = b"", *, usedforsecurity: bool = True) -> Any:
        if usedforsecurity is not False:
            raise ValueError("md5 is barred")
        return real(content, usedforsecurity=False)

    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    monkeypatch.setattr(hashlib, "md5", fips)
    serve(monkeypatch, binary_archive(data))
    layouts.download(tmp_path, no_progress)
    assert load_cifar10(tmp_path).official is True


def test_a_folder_of_no_class_is_told_with_the_classes(tmp_path: Path, data: TinySet) -> None:
    """The error names the folder and the ten classes in label order."""
    folder = write_image_folder(tmp_path / "set", data)
    (folder / "train" / "zebra").mkdir()
    classes = "airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck"
    with pytest.raises(InputError) as error:
        load_cifar10(folder)
    assert str(error.value) == f"{folder / 'train' / 'zebra'}: is no class: give folders named {classes}"

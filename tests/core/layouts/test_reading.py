"""CIFAR-10 is read as the same pixels from whichever layout it lies in."""

import hashlib
import os
import tarfile
from pathlib import Path
from typing import Any, NoReturn

import pytest
from torchvision.datasets import CIFAR10

from cifar_repro.core import layouts
from cifar_repro.core.data import load_cifar10, synthetic
from cifar_repro.core.errors import InputError
from cifar_repro.core.progress import no_progress
from tests.core.layouts.network import serve
from tests.core.layouts.reading import ENTRIES, WRITERS, Writer, assert_holds, every_layout
from tests.make_data import (
    TinySet,
    binary_archive,
    binary_files,
    md5,
    publish_python,
    snapshot,
    tiny_set,
    write_binary_archive,
    write_binary_folder,
    write_python_archive,
    write_python_folder,
)


@every_layout
@pytest.mark.usefixtures("published")
def test_every_layout_gives_the_same_pixels_and_labels(tmp_path: Path, data: TinySet, layout: str) -> None:
    """Every layout of a set loads as the very same pixels and labels; an image folder in the order of its labels."""
    loaded = load_cifar10(WRITERS[layout](tmp_path / "set", data))
    assert_holds(loaded, data.by_label() if layout == "images" else data)


@pytest.mark.parametrize("layout", ["binary folder", "binary archive"])
def test_a_file_may_be_as_large_as_the_largest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet, layout: str
) -> None:
    """A set whose largest file has just the bytes that one may have is read; of one byte less it is refused."""
    folder = WRITERS[layout](tmp_path / "set", data)
    largest = max(map(len, binary_files(data).values()))
    monkeypatch.setattr(layouts, "CHUNK", 1024)  # what is read at once is bounded alike
    monkeypatch.setattr(layouts, "MOST_OF_A_FILE", largest)
    assert_holds(load_cifar10(folder), data)
    monkeypatch.setattr(layouts, "MOST_OF_A_FILE", largest - 1)
    with pytest.raises(InputError, match=f"{largest:,} bytes.* more than .*{largest - 1:,}"):
        load_cifar10(folder)


@every_layout
@pytest.mark.usefixtures("published")
def test_loaded_data_says_where_it_came_from(tmp_path: Path, data: TinySet, layout: str) -> None:
    """`kind` is the layout's, `path` the folder given, as an absolute path, and nothing stands in for anything."""
    folder = WRITERS[layout](tmp_path / "set", data)
    loaded = load_cifar10(os.path.relpath(folder))
    assert (loaded.kind, loaded.path, loaded.stands_in) == (layout.split()[0], str(folder.resolve()), "")


@every_layout
@pytest.mark.usefixtures("published")
def test_a_link_by_the_name_of_a_layout_is_followed(tmp_path: Path, data: TinySet, layout: str) -> None:
    """Whatever is called otherwise where it lies: it is read where the link is given, or the folder that it is in."""
    folder = WRITERS[layout](tmp_path / "set", data)
    (tmp_path / "links").mkdir()
    for entry in ENTRIES[layout]:
        (folder / entry).rename(tmp_path / f"elsewhere {entry}")
        (tmp_path / "links" / entry).symlink_to(tmp_path / f"elsewhere {entry}")
    for given in (tmp_path / "links", tmp_path / "links" / ENTRIES[layout][0]):
        assert_holds(load_cifar10(given), data.by_label() if layout == "images" else data)


@every_layout
@pytest.mark.usefixtures("published")
def test_a_layout_is_given_as_itself_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet, layout: str
) -> None:
    """The archive, or the folder of batches or of train/, is read where it is given by itself, beside whatever else."""
    for write in WRITERS.values():
        write(tmp_path / "set", tiny_set(seed=1))
    for entry in ENTRIES[layout]:
        (tmp_path / "set" / entry).rename(tmp_path / f"other {entry}")
    WRITERS[layout](tmp_path / "set", data)
    itself = tmp_path / "set" / ENTRIES[layout][0]
    loaded = load_cifar10(itself)
    assert_holds(loaded, data.by_label() if layout == "images" else data)
    assert loaded.path is not None
    assert load_cifar10(loaded.path).fingerprints() == loaded.fingerprints(), "the path that is recorded is read alike"
    if itself.is_dir():
        monkeypatch.chdir(itself)
        assert load_cifar10(".").fingerprints() == loaded.fingerprints()


def test_a_folder_unpacked_into_its_own_name_is_read(tmp_path: Path, data: TinySet) -> None:
    """As some programs unpack: cifar-10-batches-bin/cifar-10-batches-bin."""
    write_binary_folder(tmp_path / "cifar-10-batches-bin", data)
    assert_holds(load_cifar10(tmp_path), data)


def test_published_sums_are_those_of_the_cifar_page() -> None:
    """The md5 of the binary archive is the one on https://www.cs.toronto.edu/~kriz/cifar.html."""
    assert layouts.BINARY_MD5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert layouts.ARCHIVE_URL == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"


def test_synthetic_data_says_so() -> None:
    """Synthetic data says that it is synthetic, and lies in no folder."""
    drawn = synthetic(train=20, test=10)
    assert (drawn.kind, drawn.path) == ("synthetic", None)


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


@pytest.mark.usefixtures("published")
def test_a_folder_is_searched_in_one_order(tmp_path: Path) -> None:
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
    """With a set in each of two layouts, the pixels and the kind are those of the first one."""
    folder = write_binary_folder(tmp_path / "set", tiny_set(seed=1))
    write_python_archive(folder, data)
    loaded = load_cifar10(folder)
    assert_holds(loaded, data)
    assert loaded.kind == "python"


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


def test_an_error_of_a_python_archive_begins_with_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder in its place, and content that is no archive though its md5 is right, are named by the archive."""
    path = tmp_path / "set" / "cifar-10-python.tar.gz"
    path.mkdir(parents=True)
    with pytest.raises(InputError, match=rf"^{path}: is no regular file: download it again$"):
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
    assert_holds(load_cifar10(tmp_path), data)
    publish_python(monkeypatch, data)
    assert_holds(load_cifar10(write_python_folder(tmp_path, data)), data)

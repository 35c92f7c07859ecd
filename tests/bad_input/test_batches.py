"""A batch file of a data set that is cut, missing, or not the published one is refused."""

import os
import pickle
from pathlib import Path

import pytest

from cifar_repro.core import layouts
from tests.bad_input.shell import Shell, both_commands
from tests.bad_input.spoiled import Marker
from tests.make_data import md5, publish_python, python_files, tiny_set, write_binary_folder, write_python_folder

RECORD = 3073  # bytes of one image and its label in the binary version
PARTS = {f"data_batch_{k}": f"data_batch_{k}.bin" for k in (1, 5)} | {"test_batch": "test_batch.bin"}


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("cut", [1, RECORD - 1, RECORD + 1000], ids="cut by {}".format)
def test_batch_cut_within_a_record_is_refused(shell: Shell, data: Path, name: str, cut: int) -> None:
    """A batch file that ends within a record is named, with its size."""
    path = data / "cifar-10-batches-bin" / name
    content = path.read_bytes()[:-cut]
    path.write_bytes(content)
    both_commands(shell, data, naming=(path, f"{len(content):,}"))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("records", [10, 19, 21], ids=["half", "one less", "one more"])
def test_batch_of_a_full_set_cut_between_records_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, records: int
) -> None:
    """One file of a full-size set that ends at the end of a record, be it the test batch, is named, with its count."""
    monkeypatch.setattr(layouts, "FULL_FILE", 20)
    folder = write_binary_folder(shell.folder / "set", tiny_set(per_batch=20, test=20))
    path = folder / "cifar-10-batches-bin" / name
    path.write_bytes((path.read_bytes() + path.read_bytes())[: records * RECORD])
    both_commands(shell, folder, naming=(path, f"{records} records", 20))


@pytest.mark.parametrize("cut", [("data_batch_3.bin",), layouts.BINARY_FILES[:5]], ids=["one", "all five alike"])
def test_batch_of_the_real_size_cut_in_half_is_refused(shell: Shell, cut: tuple[str, ...]) -> None:
    """A full-size set has 10,000 records in each file: one with 5,000 is named, or the first of all five."""
    folder = shell.folder / "set" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name in layouts.BINARY_FILES:
        (folder / name).touch()
        os.truncate(folder / name, (5_000 if name in cut else 10_000) * RECORD)
    shell.refuses("data", folder.parent, naming=(folder / cut[0], "5,000", "10,000"))


@pytest.mark.parametrize("name", ["data_batch_1.bin", "data_batch_5.bin"])
def test_batch_of_a_small_set_cut_between_records_is_refused(shell: Shell, data: Path, name: str) -> None:
    """In a set of any size the data batches have one size: a shorter one, be it the first, is refused."""
    path = data / "cifar-10-batches-bin" / name
    path.write_bytes(path.read_bytes()[:-RECORD])
    both_commands(shell, data, naming=(path.parent, "records"))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
def test_empty_batch_is_refused(shell: Shell, data: Path, name: str) -> None:
    """An empty batch file is named."""
    path = data / "cifar-10-batches-bin" / name
    path.write_bytes(b"")
    both_commands(shell, data, naming=(path,))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
def test_missing_batch_is_refused(shell: Shell, data: Path, name: str) -> None:
    """A batch file that is not there is named, with how many there are."""
    path = data / "cifar-10-batches-bin" / name
    path.unlink()
    both_commands(shell, data, naming=(path, "the binary version has 6"))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("label", [10, 255])
def test_label_above_9_is_refused(shell: Shell, data: Path, name: str, label: int) -> None:
    """A label that is no class, in the training or the test part, is named with its file and record."""
    path = data / "cifar-10-batches-bin" / name
    content = bytearray(path.read_bytes())
    content[2 * RECORD] = label
    path.write_bytes(content)
    both_commands(shell, data, naming=(path, "label", label, "record 2"))


@pytest.mark.parametrize("name", python_files(tiny_set()))
def test_python_file_that_is_not_the_published_one_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A file of the python version with another md5 is named, with both sums, and is never unpickled."""
    publish_python(monkeypatch, tiny_set())
    folder = write_python_folder(shell.folder / "set", tiny_set())
    path, marker = folder / "cifar-10-batches-py" / name, shell.folder / "executed"
    published = md5(path.read_bytes())
    path.write_bytes(pickle.dumps(Marker(marker)))
    both_commands(shell, folder, naming=(path, published, md5(path.read_bytes())))
    assert not marker.exists()


def test_missing_python_file_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the python version that is not there is named, with how many there are of batches and names."""
    publish_python(monkeypatch, tiny_set())
    folder = write_python_folder(shell.folder / "set", tiny_set())
    path = folder / "cifar-10-batches-py" / "batches.meta"
    path.unlink()
    both_commands(shell, folder, naming=(path, "the python version has 7"))

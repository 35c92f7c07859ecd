"""A file is read whole and within its bound, or is refused."""

import gzip
import os
import tarfile
from pathlib import Path

import pytest

from cifar_repro.core import files
from cifar_repro.core.errors import InputError


def test_a_file_may_be_as_large_as_what_it_is_for(tmp_path: Path) -> None:
    """Of just the most it is read, and measured; of a byte more it is refused, with both numbers."""
    path = tmp_path / "a"
    path.write_bytes(bytes(1000))
    assert files.read(path, 1000, "give less") == bytes(1000)
    assert files.size(path, 1000, "give less") == 1000
    for look in (files.read, files.size):
        with pytest.raises(InputError) as error:
            look(path, 999, "give less")
        assert str(error.value) == f"{path}: 1,000 bytes are more than the 999 of such a file: give less"


@pytest.mark.parametrize("name", ["gone", "a/below"])
def test_what_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    """A path below a file is as one where nothing lies."""
    (tmp_path / "a").touch()
    with pytest.raises(InputError) as error:
        files.read(tmp_path / name, 1000, "give another")
    assert str(error.value) == f"{tmp_path / name}: no such file: give another"


@pytest.mark.parametrize("after", [b"", b"0123456789a"], ids=["cut", "longer"])
def test_a_file_that_changes_while_it_is_read_is_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bytes
) -> None:
    """Another process writes to it after its size was asked for and before its content is read."""
    path, ask = tmp_path / "a", os.fstat
    path.write_bytes(b"0123456789")

    def asked(descriptor: int) -> os.stat_result:
        status = ask(descriptor)
        path.write_bytes(after)
        return status

    with monkeypatch.context() as meanwhile, files.opened(path, 1000, "wait") as file:
        meanwhile.setattr(files, "opened", lambda *_: file)
        meanwhile.setattr(os, "fstat", asked)
        with pytest.raises(InputError, match=r"a: is not of the 10 bytes that its folder says: wait$"):
            files.read(path, 1000, "wait")


@pytest.mark.parametrize("size", [513, -1, -512, None], ids=["more", "all", "below 0", "none"])
def test_an_archive_is_unpacked_in_bounded_reads_alone(tmp_path: Path, size: int | None) -> None:
    """One of all that is left, as tarfile makes where a header counts bytes below 0, is as one of too many."""
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(4096)))
    with files.tar_gz(path, 1 << 20, 512, "give another") as tar:
        assert tar.fileobj is not None
        assert tar.fileobj.read(512) == bytes(512)
        with pytest.raises(tarfile.ReadError, match="it would take more than"):
            tar.fileobj.read(*[] if size is None else [size])

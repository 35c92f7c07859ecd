"""A download is whole or not at all."""

import errno
import http.client
import os
from pathlib import Path
from typing import NoReturn

import pytest

from cifar_repro.core import layouts
from cifar_repro.core.data import load_cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.progress import no_progress
from tests.core.layouts.network import ARCHIVE, Response, serve
from tests.make_data import TinySet, binary_archive, md5, write_binary_archive


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

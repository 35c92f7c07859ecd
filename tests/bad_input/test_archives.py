"""An archive that cannot be read, or lacks a whole batch file, is refused."""

import gzip
import struct
import tarfile
import zlib

import pytest
from torchvision.datasets import CIFAR10

from cifar_repro.core import layouts
from tests.bad_input.shell import Shell, both_commands
from tests.make_data import (
    binary_archive,
    binary_files,
    md5,
    python_files,
    tar_gz,
    tiny_set,
    write_files,
    write_python_archive,
)


def test_python_archive_that_is_not_the_published_one_is_refused(shell: Shell) -> None:
    """A python archive with another md5 is named, with both sums."""
    folder = write_python_archive(shell.folder / "set", tiny_set())
    path = folder / "cifar-10-python.tar.gz"
    both_commands(shell, folder, naming=(path, CIFAR10.tgz_md5, md5(path.read_bytes())))


def spoiled_archive(how: str) -> bytes:
    """The content of a binary archive that cannot be read."""
    good = binary_archive(tiny_set())
    match how:
        case "empty":
            return b""
        case "text":
            return b"<html>Log in</html>"
        case "plain tar":
            return zlib.decompress(good, wbits=31)
        case "zip":
            return b"PK\x03\x04" + bytes(1000)
        case "no tar in it":
            return (
                tar_gz({})[:10]
                + zlib.compress(b"text" * 1000)[2:-4]
                + struct.pack("<II", zlib.crc32(b"text" * 1000), 4000)
            )
        case "header only":
            return good[:10]
        case "all but the checksum":
            return good[:-8]
        case "half":
            return good[: len(good) // 2]
        case "garbage in the middle":
            return good[: len(good) // 2] + bytes(500) + good[len(good) // 2 + 500 :]
    raise AssertionError(how)


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "text",
        "plain tar",
        "zip",
        "no tar in it",
        "header only",
        "half",
        "all but the checksum",
        "garbage in the middle",
    ],
)
def test_archive_that_cannot_be_read_is_refused(shell: Shell, how: str) -> None:
    """A binary archive that is truncated, damaged or none at all is named."""
    folder = write_files(shell.folder / "set", {"cifar-10-binary.tar.gz": spoiled_archive(how)})
    both_commands(shell, folder, naming=(folder / "cifar-10-binary.tar.gz",))


def link(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member of an archive that is no regular file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "kind", [None, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE], ids=["missing", "symlink", "folder", "fifo"]
)
@pytest.mark.parametrize("version", ["binary", "python"])
def test_archive_without_a_regular_member_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, version: str, kind: bytes | None
) -> None:
    """A file that an archive lacks, or holds as a link, a folder or a device, is named with the archive."""
    files = binary_files(tiny_set()) if version == "binary" else python_files(tiny_set())
    name = next(name for name in files if name.startswith("data_batch_4"))
    inside = f"cifar-10-batches-{version[:2].replace('bi', 'bin')}"
    others = {f"{inside}/{other}": content for other, content in files.items() if other != name}
    content = tar_gz(others, [] if kind is None else [link(f"{inside}/{name}", kind, "/etc/passwd")])
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(content))
    folder = write_files(shell.folder / "set", {f"cifar-10-{version}.tar.gz": content})
    both_commands(shell, folder, naming=(folder / f"cifar-10-{version}.tar.gz", name))


def test_archive_of_few_bytes_that_become_many_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in it that is all holes, and more than there could be of CIFAR-10, are not unpacked."""
    files = {f"cifar-10-batches-bin/{name}": content for name, content in binary_files(tiny_set()).items()}
    sparse = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    sparse.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(3073 << 40)}
    folder = write_files(shell.folder / "set", {"cifar-10-binary.tar.gz": tar_gz(files, [sparse])})
    path = folder / "cifar-10-binary.tar.gz"
    both_commands(shell, folder, naming=(path, "data_batch_1.bin", f"{3073 << 40:,}"))
    path.write_bytes(tar_gz({**files, "more": bytes(1 << 20)}))
    assert shell.run("data", folder)[0] == 0
    sought, seek = [0], gzip.GzipFile.seek

    def counted(file: gzip.GzipFile, offset: int, whence: int = 0) -> int:
        sought.append(offset)
        return seek(file, offset, whence)

    monkeypatch.setattr(gzip.GzipFile, "seek", counted)
    monkeypatch.setattr(layouts, "MOST_OF_AN_ARCHIVE", 1 << 20)
    both_commands(shell, folder, naming=(path, f"more than {1 << 20:,} bytes"))
    assert max(sought) < 1 << 20, "what lies beyond must not be unpacked to be passed over"
    path.write_bytes(gzip.compress(gzip.decompress(tar_gz(files)) + bytes(3 << 20), 1))  # after the archive's end
    both_commands(shell, folder, naming=(path, f"more than {1 << 20:,} bytes"))
    monkeypatch.setattr(layouts, "MOST_OF_AN_ARCHIVE", 1 << 30)
    path.write_bytes(tar_gz({**files, "a/" + "b" * (1 << 20): b""}))
    monkeypatch.setattr(layouts, "MOST_OF_A_FILE", 1 << 19)
    both_commands(shell, folder, naming=(path, "it would take more"))


@pytest.mark.parametrize("spoil", ["cut", "label"])
def test_archive_with_a_spoiled_batch_is_refused(shell: Shell, spoil: str) -> None:
    """What is wrong within a batch file of an archive is named by archive and file."""
    files = binary_files(tiny_set())
    content = files["data_batch_2.bin"]
    files["data_batch_2.bin"] = content[:-1] if spoil == "cut" else b"\x0b" + content[1:]
    archive = tar_gz({f"cifar-10-batches-bin/{name}": content for name, content in files.items()})
    folder = write_files(shell.folder / "set", {"cifar-10-binary.tar.gz": archive})
    both_commands(shell, folder, naming=(folder / "cifar-10-binary.tar.gz", "data_batch_2.bin"))

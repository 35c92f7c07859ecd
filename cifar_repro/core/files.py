"""Reading a file that was given from outside: regular files alone, and none larger than what it is for.

A pipe would be waited for without end, and a file may claim more bytes than there are of memory: both are refused
before anything is read.
"""

import gzip
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from cifar_repro.core.errors import InputError

MIB = 1 << 20
# What this project writes is far smaller, and so is what is given to it in the same forms.
TEXT = 64 * MIB  # a record, a trace, the results of tests
STUDY = 256 * MIB  # of 10,000 seeds
WEIGHTS = 256 * MIB  # with all that a trainer keeps beside them


def opened(path: Path, most: int, remedy: str) -> BinaryIO:
    """A regular file of at most `most` bytes, open for reading.

    Raises InputError, which ends with `remedy`, for anything else, and OSError where the system refuses.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file: {remedy}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is no regular file: {remedy}") from None
    status = os.fstat(file.fileno())
    try:
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: is no regular file: {remedy}")
        if status.st_size > most:
            raise InputError(f"{path}: {status.st_size:,} bytes are more than the {most:,} of such a file: {remedy}")
    except InputError:
        file.close()
        raise
    return file


def _without_waiting(path: str, flags: int) -> int:
    """Opens a pipe at once, and not when somebody writes to it; a regular file as ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def size(path: Path, most: int, remedy: str) -> int:
    """The bytes of a regular file that has at most `most`. Raises as `opened`."""
    with opened(path, most, remedy) as file:
        return os.fstat(file.fileno()).st_size


def read(path: Path, most: int, remedy: str) -> bytes:
    """What a regular file of at most `most` bytes holds. Raises as `opened`."""
    with opened(path, most, remedy) as file:
        said = os.fstat(file.fileno()).st_size
        content = file.read(said + 1)
    if len(content) != said:  # it is being written, or one of /proc, which have no size
        raise InputError(f"{path}: is not of the {said:,} bytes that its folder says: {remedy}")
    return content


@contextmanager
def tar_gz(path: Path, most: int, most_at_once: int, remedy: str) -> Iterator[tarfile.TarFile]:
    """A .tar.gz file, open for reading, of which at most `most` bytes are unpacked, and `most_at_once` into memory.

    Raises as `opened`; and reading it raises tarfile.ReadError for more, and whatever else damaged files make it raise.
    """
    with (
        opened(path, most, remedy) as file,
        _Unpacked(file, most, most_at_once) as unpacked,
        tarfile.open(fileobj=unpacked, mode="r:") as tar,
    ):
        yield tar


class _Unpacked(gzip.GzipFile):
    """What a gzip file holds, within bounds: few bytes may become any number of them."""

    def __init__(self, file: BinaryIO, most: int, most_at_once: int):
        super().__init__(fileobj=file, mode="rb")
        self._most, self._most_at_once = most, most_at_once

    def read(self, size: Any = -1) -> bytes:
        if not 0 <= size <= self._most_at_once or self.tell() > self._most:
            raise tarfile.ReadError(f"it would take more than {self._most:,} bytes")
        return super().read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if offset > self._most:
            raise tarfile.ReadError(f"it would take more than {self._most:,} bytes")
        return super().seek(offset, whence)

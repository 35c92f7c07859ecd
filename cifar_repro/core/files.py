"""Reading a file that was given from outside: regular files alone, and none larger than what it is for.

A pipe would be waited for without end, and a file may claim more bytes than there are of memory: both are refused
before anything is read.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from cifar_repro.core.errors import InputError

MIB = 1 << 20
# What this project writes is far smaller, and so is what is given to it in the same forms.
TEXT = 256 * MIB  # records, studies of 10,000 seeds, traces
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


def read(path: Path, most: int, remedy: str) -> bytes:
    """What a regular file of at most `most` bytes holds. Raises as `opened`."""
    with opened(path, most, remedy) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
    if len(content) != size:  # it grows, or is one of /proc, whose size is not known before
        raise InputError(f"{path}: is not of the {size:,} bytes that its folder says: {remedy}")
    return content

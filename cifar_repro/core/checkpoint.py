"""Files of weights: written whole or not at all, read without executing anything, named by a digest."""

import hashlib
import io
import os
import pickle
import re
import secrets
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import torch
from torch import nn

from cifar_repro.core import files
from cifar_repro.core.errors import InputError

ZIP = b"PK\x03\x04"  # how a file of torch.save begins; of older versions it is a pickle alone
MOST_OF_A_PICKLE = 16 * files.MIB  # plain values; each byte may take a hundred of memory
WHOLE = "give a whole file that torch.save wrote"
LEFT_BY_A_KILL = re.compile(r".\.[0-9a-f]{8}\.tmp$")  # of what `replacing` writes to


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that becomes `path`; at any moment, a crash or a full disk included, `path` is the old one or the new one.

    The bytes go to a file beside it, reach the disk, and are renamed once the block ends without an error. Otherwise,
    or where writing raises OSError, the old file stays. Of several writers at once, the last one to end wins.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # a full disk does not say of which file, and the file beside it is nobody's
            error.filename = str(path)
        raise
    if os.name == "posix":  # the rename itself reaches the disk with the folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def save(path: Path, content: Any) -> None:
    """`torch.save`, atomically. Serialised in memory first, so that a full disk is an OSError and nothing else."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(path) as file:
        file.write(buffer.getbuffer())


def clear_leftovers(folder: Path) -> None:
    """Removes what `replacing` had begun in that folder when it was killed; no other process may be at work there."""
    for path in folder.glob("*.tmp"):
        if LEFT_BY_A_KILL.search(path.name) and path.is_file():
            path.unlink()


def load(path: Path) -> Any:
    """What a file that `torch.save` wrote holds, on the CPU: tensors and plain values only.

    No code in the file is ever executed. Raises InputError for anything that is not such a file, whole.
    """
    return decode(files.read(path, files.WEIGHTS, WHOLE), path)


def decode(content: bytes, path: Path) -> Any:
    """As `load`, of what the file at `path` was found to hold."""
    try:
        if content.startswith(ZIP):
            _check_members(path, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, at pickles of others: whether it can be read is told below
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # torch.load has no exception of its own, and a hostile file can raise any
        reason = "truncated or no checkpoint"
        pickled = content.startswith((ZIP, pickle.PROTO))
        if pickled and isinstance(error, pickle.UnpicklingError) and "weights_only" in str(error).lower():
            reason = "it asks for more than tensors and plain values, and nothing in it was executed"
        raise InputError(f"{path}: cannot be read ({reason}): {WHOLE}") from error


def _check_members(path: Path, content: bytes) -> None:
    """Raises InputError unless every member of a zip file is stored as it is, as torch.save does, with its CRC-32.

    torch reads a damaged member without a word, and unpacks a packed one, or plain values, however much they become.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise InputError(f"{path}: its {member.filename} is packed, as torch.save never does: {WHOLE}")
            if member.filename.endswith(".pkl") and member.file_size > MOST_OF_A_PICKLE:
                raise InputError(
                    f"{path}: its {member.filename} has {member.file_size:,} bytes beside tensors: {WHOLE}"
                )
        if damaged := archive.testzip():
            raise InputError(f"{path}: its {damaged} is damaged (its CRC-32 is another): {WHOLE}")


def load_weights(path: Path, network: nn.Module) -> None:
    """Loads a `state_dict` file into the network. Raises InputError that names the first entry that does not fit."""
    state = load(path)
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no state_dict: give a file written by torch.save(network.state_dict(), ...)")
    fit_weights(path, state, network)


def fit_weights(path: Path, state: Mapping[str, torch.Tensor], network: nn.Module) -> None:
    """Loads a `state_dict` into the network. Raises InputError: the file and the first wrong entry."""
    wanted = network.state_dict()
    for name, tensor in wanted.items():
        if name not in state:
            raise InputError(f"{path}: entry {name} is missing: give weights of the recipe's own network")
        found = state[name]
        plain = found.layout == torch.strided and not found.is_meta and found.is_floating_point()
        if found.shape != tensor.shape or not plain:
            what = f"{tuple(found.shape)} {found.dtype} ({found.layout}, {found.device})"
            raise InputError(f"{path}: entry {name} is {what}: it must be {tuple(tensor.shape)} {tensor.dtype}")
    for name in state:
        if name not in wanted:
            raise InputError(f"{path}: entry {name!r} is not the network's: give weights of the recipe's own network")
    network.load_state_dict(state)


def plain_weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the network's `state_dict` on the CPU, contiguous: it stays as it is while training goes on."""
    weights = network.state_dict()
    return {name: t.cpu().clone(memory_format=torch.contiguous_format) for name, t in weights.items()}


def weights_digest(state_dict: Mapping[str, torch.Tensor]) -> str:
    """sha256 hex over the entries in order: name, dtype and shape, each closed by a zero byte, then the tensor's bytes.

    The name is UTF-8, the dtype `str(dtype)`, the shape comma-joined decimal, the bytes contiguous and little-endian:
    independent of device, memory format and torch version.
    """
    digest = hashlib.sha256()
    for name, tensor in state_dict.items():
        plain = tensor.detach().cpu().contiguous()
        # numpy has no bfloat16 and no float8; as integers of that size they have the same bytes.
        array = plain.view({1: torch.uint8, 2: torch.int16}.get(plain.itemsize, plain.dtype)).numpy()
        header = (name, str(tensor.dtype), ",".join(map(str, tensor.shape)))
        digest.update(b"".join(part.encode() + b"\0" for part in header))
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def state_digest(content: Any) -> str:
    """sha256 hex over all that nested mappings and sequences hold, by their place: tensors, and plain values by `repr`.

    Raises ValueError for a tensor that says it has more values than are there.
    """
    tensors, others = {}, {}
    for place, value in _leaves(content, ""):
        if isinstance(value, torch.Tensor):
            if value.numel() * value.itemsize > value.untyped_storage().nbytes():
                raise ValueError(f"{place} has fewer values than its shape says")
            tensors[place] = value
        else:
            others[place] = value
    return hashlib.sha256(f"{others!r} {weights_digest(tensors)}".encode()).hexdigest()


def _leaves(content: Any, place: str) -> Iterator[tuple[str, Any]]:
    entries = content.items() if isinstance(content, Mapping) else enumerate(content)
    for key, value in entries:
        at = f"{place}/{key!r}"
        if isinstance(value, (Mapping, list, tuple)) and value:
            yield from _leaves(value, at)
        else:
            yield at, value

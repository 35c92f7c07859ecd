"""The file of a trace: a digest of every tensor, as JSON lines.

A header (schema, recipe, seeds, data, environment, code), then an entry for each tensor, by the names of `trace`.
Beside it, on request, FILE.npz holds the tensors themselves under the same names (numpy's format, without pickle).
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from cifar_repro.core import files
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError, NonFinite
from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.formats import Form, Whole, decode, plain
from cifar_repro.runs.code import Code, code_here
from cifar_repro.runs.environment import Environment, environment
from cifar_repro.runs.record import SCHEMA, Data, decode_with_recipe, describe_data, plain_with_changes
from cifar_repro.traces.junit import Outcomes

MOST_OF_TENSORS = 16 << 30  # bytes of FILE.npz; of them one tensor is read at a time
REMEDY = "trace again, or remove it"
SAMPLED = 8  # values of each tensor that are kept in full


class TraceHeader(Form, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of a trace: what was traced, on what, and where.

    trace: SCHEMA. code: None where other code than this package's traced, or an earlier version. tests: what was given
    with --tests. Without them, the line has no such entries.
    """

    trace: Whole
    steps: Whole
    recipe: Recipe
    seeds: Seeds
    data: Data
    environment: Environment
    code: Code | None = None
    tests: Outcomes | None = None


class Entry(Form, frozen=True, kw_only=True):
    """One tensor.

    sha256 over its bytes, contiguous and little-endian; norm, mean and absmax in float64; sample: SAMPLED values evenly
    spaced over the flattened tensor, with all their digits.
    """

    name: str
    sha256: str
    shape: list[Whole]
    dtype: Literal["bool", "int64", "float32", "float64"]
    norm: float
    mean: float
    absmax: float
    sample: list[bool | int | float]


class Trace(NamedTuple):
    header: TraceHeader
    entries: list[Entry]


Values = npt.NDArray[Any]
KeptTensors = Callable[[Entry], Values]  # reads the tensor of an entry


def summarise(name: str, tensor: torch.Tensor) -> Entry:
    """The entry of one tensor. Raises NonFinite for a NaN or infinite value, which JSON cannot hold."""
    array = _array(tensor)
    flat = torch.from_numpy(array).flatten()
    values = flat.double()
    norm = values.norm().item()
    if not math.isfinite(norm):
        raise NonFinite(f"the norm of {name} is {norm}")
    places = torch.linspace(0, len(flat) - 1, min(SAMPLED, len(flat)), dtype=torch.float64).round().long()
    return Entry(
        name=name,
        sha256=digest(array),
        shape=list(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),  # type: ignore[arg-type]  # a trace has no others
        norm=norm,
        mean=values.mean().item(),
        absmax=values.abs().max().item(),
        sample=flat[places].tolist(),
    )


def digest(array: Values) -> str:
    """sha256 hex over the bytes of an array, contiguous and little-endian."""
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()


def _array(tensor: torch.Tensor) -> Values:
    return tensor.detach().cpu().contiguous().numpy()


def write_trace(
    path: Path, header: TraceHeader, tensors: Iterator[tuple[str, torch.Tensor]], *, keep: bool = False
) -> None:
    """Writes header and entries as JSON lines and, to keep them, the tensors to `tensors_path(path)`, one by one.

    Each file appears whole or not at all, the tensors first.
    """
    with ExitStack() as written:
        lines = written.enter_context(replacing(path))
        archive = None
        if keep:
            archive = written.enter_context(zipfile.ZipFile(written.enter_context(replacing(tensors_path(path))), "w"))
        _write_line(lines, plain_with_changes(header))
        for name, tensor in tensors:
            _write_line(lines, plain(summarise(name, tensor)))
            if archive is not None:
                # ZipInfo has a fixed date, so that equal tensors make equal files.
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, _array(tensor), allow_pickle=False)


def _write_line(file: IO[bytes], value: dict[str, Any]) -> None:
    file.write((json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n").encode())


def tensors_path(path: Path) -> Path:
    """Where the tensors of the trace in `path` are, if they were kept."""
    return path.with_name(f"{path.name}.npz")


def header(
    recipe: Recipe,
    seeds: Seeds,
    data: Cifar10,
    steps: int,
    device: torch.device,
    memory_format: str,
    tests: Outcomes | None = None,
) -> TraceHeader:
    """The first line of a trace that is made here and now."""
    return TraceHeader(
        trace=SCHEMA,
        steps=steps,
        recipe=recipe,
        seeds=seeds,
        data=describe_data(data),
        environment=environment(device, memory_format),
        code=code_here(),
        tests=tests,
    )


def read_trace(path: Path) -> Trace:
    """Raises InputError for anything but a whole trace of this schema."""
    content = files.read(path, files.TEXT, "give one that 'cifar-repro trace' wrote")
    try:
        first, *others = content.decode("utf-8").splitlines()
        header = decode_with_recipe(first, TraceHeader, "header", "trace")
        entries = [decode(line, Entry, f"entry {number}") for number, line in enumerate(others, start=1)]
        for entry in entries:
            _check_sample(entry)
        _check_whole(entries, header.steps)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InputError(f"{path}: is no trace ({error}): give a whole one") from error
    return Trace(header, entries)


def _check_whole(entries: list[Entry], steps: int) -> None:
    """Raises ValueError unless the steps are those that the header counts, each with the entries of the first.

    The first must update every parameter, so that a trace of one step that was cut at the end of a line is seen, too.
    """
    names: dict[str, list[str]] = {}
    for entry in entries:
        phase, _, name = entry.name.partition("/")
        names.setdefault(phase, []).append(name)
    found = [phase for phase in names if phase.startswith("step ")]
    if not 1 <= steps == len(found):
        raise ValueError(f"it has {len(found)} of {steps} steps")
    first = names[found[0]]
    updated = {name.removeprefix("update/") for name in first}
    for number, phase in enumerate(found, start=1):
        if phase != f"step {number}" or names[phase] != first or not updated.issuperset(names.get("init", [])):
            raise ValueError(f"the entries of {phase} are not whole")


def _check_sample(entry: Entry) -> None:
    """Raises ValueError or ArithmeticError unless the sample is what `summarise` makes of such a tensor."""
    with np.errstate(over="raise"):
        values = np.array(entry.sample, dtype=entry.dtype)
    if not 1 <= len(values) == min(SAMPLED, math.prod(entry.shape)) or values.tolist() != entry.sample:
        raise ValueError(f"the sample of {entry.name} is not of {entry.dtype} {entry.shape}")


def kept_tensors(path: Path) -> KeptTensors | None:
    """What reads the tensor of an entry of the trace in `path`; None if the tensors were not kept.

    Reading raises InputError for a file that is damaged, or whose tensor is not the one of the entry.
    """
    file = tensors_path(path)
    if not file.exists():
        return None

    def read(entry: Entry) -> Values:
        with files.opened(file, MOST_OF_TENSORS, REMEDY) as opened:
            try:
                array = _member(opened, entry)
            except Exception as error:  # a hostile file can make zipfile raise any
                raise InputError(f"{file}: cannot be read ({error}): {REMEDY}") from error
        if digest(array) != entry.sha256:
            raise InputError(f"{file}: its {entry.name} is not that of {path.name}: {REMEDY}")
        return array

    return read


def _member(file: IO[bytes], entry: Entry) -> Values:
    """The tensor of an entry. Raises ValueError before it is read where it is not of the entry's shape and type."""
    with zipfile.ZipFile(file) as archive:
        member = archive.getinfo(f"{entry.name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{entry.name} is packed, as 'cifar-repro trace' never does")
        with archive.open(member) as content:
            np.lib.format.read_magic(content)  # of version 1.0, as every plain array is
            shape, by_columns, dtype = np.lib.format.read_array_header_1_0(content)
            if (list(shape), by_columns, dtype.name) != (entry.shape, False, entry.dtype):
                raise ValueError(f"{entry.name} is {dtype.name} {list(shape)}, and not {entry.dtype} {entry.shape}")
            array: Values = np.frombuffer(content.read(), dtype)
            return array.reshape(shape)

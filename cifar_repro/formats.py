"""The JSON files of this project: each is one typed class, checked in full when it is read.

The classes are msgspec Structs, and dataclasses of the core, in the wing that a file belongs to. JSON has no NaN and no
infinity, and whatever a number is too large for is refused, so a number that was read is finite.
"""

import json
import math
import re
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]  # a whole number of 64 bits
Time = Annotated[datetime, msgspec.Meta(tz=True)]  # with its zone
PLAIN = frozenset({bool, int, float, str, type(None)})


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the classes of all files share: given by name, and never changed. Entries that none knows are left out."""


def decode(content: bytes | str, kind: type[T], name: str, upgrade: Callable[[Any], Any] = lambda raw: raw) -> T:
    """What a file holds. name: what its content is called in errors.

    upgrade: makes what an earlier version wrote into what this one writes; it is given whatever is there. Raises
    ValueError, which says where under `name` something does not fit and what is there, and RecursionError.
    """
    return convert(upgrade(loads(content)), kind, name)


def loads(content: bytes | str) -> Any:
    """As `json.loads`, but of what was written with allow_nan=False: raises ValueError for a number out of range."""
    try:
        return json.loads(content, parse_float=_finite, parse_constant=_finite)
    except MemoryError:
        raise ValueError("it is too large for the memory") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def convert(raw: Any, kind: type[T], name: str) -> T:
    """As `decode`, from plain objects.

    Whatever such an object is written with must be there: the defaults of a class are for who makes one, not for files.
    """
    try:
        found = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_misfit(raw, str(error), name)) from error
    if lacking := _lacking(raw, found):
        raise ValueError(f"{name}{lacking} is missing")
    return found


def _misfit(raw: Any, message: str, name: str) -> str:
    """The message of msgspec ("Expected `int`, got `str` - at `$.epochs[3].epoch`") with what is there."""
    why, _, path = message.partition(" - at `$")
    value = raw
    for part in re.findall(r"[^.\[\]`]+", path.partition("[...]")[0]):  # "[...]" is some key of a mapping
        value = value[int(part) if isinstance(value, list) else part]
    return f"{name}{path.rstrip('`')} is {reprlib.repr(value)}: {why}"


def _lacking(raw: Any, found: Any) -> str:
    """The path of the first entry that `found` is written with and `raw` has not; empty where there is none."""
    if isinstance(found, list):
        if PLAIN.issuperset(map(type, found)):  # as most are: thousands of numbers
            return ""
        for n, (each, value) in enumerate(zip(raw, found, strict=True)):
            if below := _lacking(each, value):
                return f"[{n}]{below}"
    elif isinstance(found, dict):
        for name, value in found.items():
            if below := _lacking(raw[name], value):
                return f".{name}{below}"
    else:
        for name in _names(found.__class__):
            if name not in raw:
                return f".{name}"
            value = getattr(found, name)
            if type(value) not in PLAIN and (below := _lacking(raw[name], value)):
                return f".{name}{below}"
    return ""


@cache
def _names(kind: type) -> Sequence[str]:
    """The entries that an object of this class is always written with; none of a plain value."""
    if issubclass(kind, msgspec.Struct):
        optional = kind.__struct_defaults__ if kind.__struct_config__.omit_defaults else ()
        return kind.__struct_fields__[: len(kind.__struct_fields__) - len(optional)]
    return [f.name for f in fields(kind)] if is_dataclass(kind) else ()


def plain(value: Any) -> Any:
    """Plain objects, ready for JSON, of a Struct or dataclass."""
    return msgspec.to_builtins(value)


def encode(value: Any) -> bytes:
    """The text of a file: floats with full precision, so that equal numbers give equal text."""
    return (json.dumps(plain(value), indent=1, allow_nan=False) + "\n").encode()

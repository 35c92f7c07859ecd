"""The JSON files of this project: each is one typed class, checked in full when it is read.

The classes are msgspec Structs, and dataclasses of the core, in the wing that a file belongs to. JSON has no NaN and no
infinity, and whatever a number is too large for is refused, so a number that was read is finite.
"""

import json
import re
import reprlib
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]  # a whole number of 64 bits


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the classes of all files share: given by name, and never changed. Entries that none knows are left out."""


def decode(content: bytes | str, kind: type[T], name: str, upgrade: Callable[[Any], Any] = lambda raw: raw) -> T:
    """What a file holds. name: what its content is called in errors.

    upgrade: makes what an earlier version wrote into what this one writes; it is given whatever is there. Raises
    ValueError, which says where under `name` something does not fit and what is there, and RecursionError.
    """
    return convert(upgrade(msgspec.json.decode(content)), kind, name)


def convert(raw: Any, kind: type[T], name: str) -> T:
    """As `decode`, from plain objects."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_misfit(raw, str(error), name)) from error


def _misfit(raw: Any, message: str, name: str) -> str:
    """The message of msgspec ("Expected `int`, got `str` - at `$.epochs[3].epoch`") with what is there."""
    why, _, path = message.partition(" - at `$")
    value = raw
    for part in re.findall(r"[^.\[\]`]+", path.replace("[...]", "")):
        value = value[int(part) if isinstance(value, list) else part]
    return f"{name}{path.rstrip('`')} is {reprlib.repr(value)}: {why}"


def plain(value: Any) -> Any:
    """Plain objects, ready for JSON, of a Struct or dataclass."""
    return msgspec.to_builtins(value)


def encode(value: Any) -> bytes:
    """The text of a file: floats with full precision, so that equal numbers give equal text."""
    return (json.dumps(plain(value), indent=1, allow_nan=False) + "\n").encode()

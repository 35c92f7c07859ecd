"""What a JSON file must hold to be read: finite numbers alone, and its shape.

A shape is a dict of the entries that must be there, among others; a list of the one shape that all elements have; a
tuple of shapes of which one must fit; a type; or a text, number or None that stands for itself. `int` is any whole
number of 64 bits and `float` any finite number, whole ones included; neither is a bool.
"""

import json
import math
import reprlib
import sys
from typing import Any


def loads(text: str | bytes) -> Any:
    """As `json.loads`, but of what was written with allow_nan=False: raises ValueError for a number out of range."""
    return json.loads(text, parse_float=_finite, parse_constant=_finite)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def check(value: Any, shape: Any, name: str) -> None:
    """Raises ValueError, which says where under `name` the value is not of the shape, and what is there."""
    if misfit := _misfit(value, shape, name):
        raise ValueError(misfit)


def _misfit(value: Any, shape: Any, at: str) -> str:
    """Where the value is not of the shape, and what is there; empty where it is."""
    if isinstance(shape, tuple):
        misfits = [_misfit(value, each, at) for each in shape]
        return "" if "" in misfits else misfits[-1]
    if isinstance(shape, dict) and isinstance(value, dict):
        parts = (
            _misfit(value[k], each, f"{at}.{k}") if k in value else f"{at}.{k} is missing" for k, each in shape.items()
        )
        return next(filter(None, parts), "")
    if isinstance(shape, list) and isinstance(value, list):
        return next(filter(None, (_misfit(each, shape[0], f"{at}.{n}") for n, each in enumerate(value))), "")
    if isinstance(shape, type):
        fits = _is_number(value, shape) if shape in (int, float) else isinstance(value, shape)
    else:
        fits = type(value) is type(shape) and value == shape
    return "" if fits else f"{at} is {reprlib.repr(value)}"


def _is_number(value: Any, kind: type[float]) -> bool:
    largest = 2**63 - 1 if kind is int else sys.float_info.max
    return isinstance(value, (int, kind)) and not isinstance(value, bool) and abs(value) <= largest

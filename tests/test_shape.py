"""What is read from a file is checked against a shape, and the first misfit is named."""

import math
from typing import Any

import pytest

from cifar_repro.shape import check, loads

SHAPE = {"runs": [{"loss": float, "best": (None, {"epoch": int}), "official": bool}], "vary": (None, "split", "init")}
RUN: dict[str, Any] = {"loss": 1.5, "best": {"epoch": 1}, "official": True}


@pytest.mark.parametrize(
    "run", [{}, {"loss": 1}, {"loss": -(10**300)}, {"best": None}, {"official": False}, {"more": "of it"}]
)
@pytest.mark.parametrize("vary", [None, "split", "init"])
def test_what_fits_passes(run: dict[str, Any], vary: str | None) -> None:
    """A whole number is a number, entries that the shape does not know are no misfit, and one alternative is enough."""
    check({"runs": [RUN | run, RUN], "vary": vary}, SHAPE, "study")
    check({"runs": [], "vary": vary}, SHAPE, "study")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("loss", True, "runs.1.loss is True"),
        ("loss", math.nan, "runs.1.loss is nan"),
        ("loss", -math.inf, "runs.1.loss is -inf"),
        ("loss", 10**400, "runs.1.loss is 10000"),
        ("loss", "1.5", "runs.1.loss is '1.5'"),
        ("best", {"epoch": False}, "runs.1.best.epoch is False"),
        ("best", {"epoch": 2**63}, "runs.1.best.epoch is 9223372036854775808"),
        ("best", {"epoch": 1.0}, "runs.1.best.epoch is 1.0"),
        ("best", {}, "runs.1.best.epoch is missing"),
        ("best", [], r"runs.1.best is \[\]"),
        ("official", 1, "runs.1.official is 1"),
        ("official", None, "runs.1.official is None"),
    ],
)
def test_what_does_not_fit_is_named(name: str, value: object, said: str) -> None:
    """A bool is no number and no number a bool; NaN, infinity and what 64 bits cannot hold are no numbers either."""
    with pytest.raises(ValueError, match=rf"^study\.{said}"):
        check({"runs": [RUN, RUN | {name: value}], "vary": None}, SHAPE, "study")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], r"study is \[\]"),
        ({"vary": None}, "study.runs is missing"),
        ({"runs": {}, "vary": None}, r"study.runs is \{\}"),
        ({"runs": [[]], "vary": None}, r"study.runs.0 is \[\]"),
        ({"runs": [], "vary": "order"}, "study.vary is 'order'"),
        ({"runs": [], "vary": 0}, "study.vary is 0"),
    ],
)
def test_a_shape_is_of_objects_lists_and_values(value: object, said: str) -> None:
    """An object is no list, a list no object, and a value that stands for itself is that one alone."""
    with pytest.raises(ValueError, match=f"^{said}"):
        check(value, SHAPE, "study")


def test_true_is_not_the_number_one() -> None:
    """A number that stands for itself is no bool, though Python holds the two to be equal."""
    check({"schema": 1}, {"schema": 1}, "file")
    with pytest.raises(ValueError, match=r"file\.schema is True"):
        check({"schema": True}, {"schema": 1}, "file")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_file_holds_finite_numbers_alone(number: str) -> None:
    """What could not be written again is refused wherever it stands; other numbers are read exactly."""
    assert loads('{"a": [0.1, 1e300, 3]}') == {"a": [0.1, 1e300, 3]}
    with pytest.raises(ValueError, match=f"^{number} is no finite number"):
        loads(f'{{"a": [{number}]}}')

"""A trace file holds what was traced, numbers to the last digit; what is no whole trace is refused."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_repro.core.errors import InputError, NonFinite
from cifar_repro.formats import convert
from cifar_repro.traces.trace_file import Trace, TraceHeader, read_trace, summarise, write_trace
from tests.make_studies import HEADER
from tests.traces.hand_made import HAND_MADE, entry, write_hand_made
from tests.traces.setting import Setting


def test_a_trace_file_holds_what_was_traced(setting: Setting, reference: Trace, tmp_path: Path) -> None:
    """Written and read again, a trace is equal, numbers to the last digit."""
    write_trace(tmp_path / "a", reference.header, setting.tensors())
    assert read_trace(tmp_path / "a") == reference


def test_a_trace_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    """An error between two tensors, on a full disk, say, leaves neither the trace nor its tensors."""

    def broken() -> Iterator[tuple[str, torch.Tensor]]:
        yield from HAND_MADE.items()
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_trace(tmp_path / "a", convert(HEADER, TraceHeader, "header"), broken(), keep=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_tensor_that_is_not_finite_is_named(value: float, dtype: torch.dtype) -> None:
    """One value that is no finite number is an error with the tensor's name, whether or not it is in the sample."""
    tensor = torch.zeros(100, dtype=dtype)
    tensor[1] = value
    with pytest.raises(NonFinite, match=r"the norm of step 1/update/w is (nan|inf)"):
        summarise("step 1/update/w", tensor)


@pytest.mark.parametrize(
    "content", ["", "no json", "[1]", '{"trace":1}', '{"trace":99}\n{}', '{"trace":1}\n{"name":"x"}']
)
def test_what_is_no_trace_is_refused(content: str, tmp_path: Path) -> None:
    """An empty file, another format, another schema, a header alone and an entry without a digest are errors."""
    (tmp_path / "a").write_text(content)
    with pytest.raises(InputError, match=r"(is no trace|schema 99)"):
        read_trace(tmp_path / "a")


def test_a_whole_trace_of_another_schema_is_refused_by_its_number(tmp_path: Path) -> None:
    """Whatever it means is known to the version that wrote it; as this version's own it is read."""
    write_hand_made(tmp_path / "a", {})
    first, rest = (tmp_path / "a").read_text().split("\n", 1)
    for schema in (1, 2):
        (tmp_path / "b").write_text(json.dumps(json.loads(first) | {"steps": 1, "trace": schema}) + "\n" + rest)
        if schema == 1:
            assert read_trace(tmp_path / "b").header.trace == 1
        else:
            with pytest.raises(InputError, match="schema 2 is not 1: read it with the version that wrote it"):
                read_trace(tmp_path / "b")


def test_the_entry_that_is_none_is_told_by_its_number(tmp_path: Path) -> None:
    """Counted from the first one below the header, which is entry 1."""
    write_hand_made(tmp_path / "a", {})
    lines = (tmp_path / "a").read_text().splitlines()
    for number in (1, 3):
        (tmp_path / "b").write_text("\n".join([*lines[:number], "{}", *lines[number + 1 :]]))
        with pytest.raises(InputError, match=f"b: is no trace .*entry {number}"):
            read_trace(tmp_path / "b")


@pytest.mark.parametrize("content", ["{}", '{"epoch":1,"train_loss":2.5}'])
def test_what_says_nothing_of_a_trace_is_not_called_one_of_another_version(content: str, tmp_path: Path) -> None:
    """Of JSON lines of something else, metrics.jsonl, say, it is not said that another version reads them."""
    (tmp_path / "a").write_text(content)
    with pytest.raises(InputError, match="a: is no trace"):
        read_trace(tmp_path / "a")


WHOLE = ["split/train", "init/w", *(f"step {n}/{name}" for n in (1, 2) for name in ("forward/f#1", "loss", "update/w"))]


def write_names(path: Path, names: list[str], steps: int, **more: Any) -> Path:
    """A trace whose header counts these steps, with an entry of each name; more: other entries of the header."""
    lines = [HEADER | {"steps": steps} | more, *(entry(name, 1.0) for name in names)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("steps", [1, 2])
def test_a_trace_that_was_cut_at_the_end_of_a_line_is_refused(steps: int, tmp_path: Path) -> None:
    """Whatever number of lines is left, also where it is a whole number of steps; the whole file is read."""
    whole = WHOLE[: 2 + 3 * steps]
    assert [entry.name for entry in read_trace(write_names(tmp_path / "a", whole, steps)).entries] == whole
    for lines in range(len(whole)):
        with pytest.raises(InputError, match=r"a: is no trace .*(it has \d of \d steps|step \d are not whole)"):
            read_trace(write_names(tmp_path / "a", whole[:lines], steps))


@pytest.mark.parametrize("place", range(2, len(WHOLE)))
@pytest.mark.parametrize("lines", [0, 2], ids=["without", "twice"])
def test_a_trace_without_a_line_or_with_one_twice_is_refused(place: int, lines: int, tmp_path: Path) -> None:
    """Every entry of a step is in every step, once."""
    changed = [*WHOLE[:place], *WHOLE[place : place + 1] * lines, *WHOLE[place + 1 :]]
    with pytest.raises(InputError, match="not whole"):
        read_trace(write_names(tmp_path / "a", changed, 2))


@pytest.mark.parametrize("place", range(2, len(WHOLE)))
def test_a_trace_with_a_line_in_the_place_of_another_is_refused(place: int, tmp_path: Path) -> None:
    """A step is known by the names of its entries, not by how many there are."""
    changed = [*WHOLE[:place], WHOLE[place - 1], *WHOLE[place + 1 :]]
    with pytest.raises(InputError, match="not whole"):
        read_trace(write_names(tmp_path / "a", changed, 2))


@pytest.mark.parametrize(("names", "steps"), [(WHOLE, 1), (WHOLE, 3), (WHOLE[:2], 0), (WHOLE[:2] + WHOLE[5:], 1)])
def test_the_steps_are_those_that_the_header_counts(names: list[str], steps: int, tmp_path: Path) -> None:
    """More or fewer steps than the header says, none at all, and a second step without a first are refused."""
    with pytest.raises(InputError, match=r"a: is no trace"):
        read_trace(write_names(tmp_path / "a", names, steps))


@pytest.mark.parametrize("name", ["passed", "failed", "errors", "skipped"])
def test_tests_without_one_of_the_outcomes_are_refused(name: str, tmp_path: Path) -> None:
    """A count that is not there is not taken for none."""
    counts = {outcome: 1 for outcome in ("passed", "failed", "errors", "skipped") if outcome != name}
    path = write_names(tmp_path / "a", WHOLE, 2, tests=counts)
    with pytest.raises(InputError, match=f"a: is no trace .*header.tests.*{name}"):
        read_trace(path)


@pytest.mark.parametrize("more", [{}, {"tests": {"passed": 7, "failed": 1, "errors": 2, "skipped": 3}}])
def test_a_header_has_tests_where_some_were_given(more: dict[str, Any], tmp_path: Path) -> None:
    """Its line is that of earlier versions, to the last byte: without tests there is no such entry, not one of null."""
    first = HEADER | more
    write_trace(tmp_path / "a", convert(first, TraceHeader, "header"), iter(HAND_MADE.items()))
    assert (tmp_path / "a").read_text().splitlines()[0] == json.dumps(first, separators=(",", ":"))


def test_a_trace_of_an_unknown_recipe_is_refused(tmp_path: Path) -> None:
    """The recipe is named with those that are known."""
    path = write_names(tmp_path / "a", WHOLE, 2, recipe=HEADER["recipe"] | {"name": "none"})
    with pytest.raises(InputError, match=r"a: .*'none'.*udacity"):
        read_trace(path)

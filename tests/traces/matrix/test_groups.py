"""Traces are of one group where all digests are equal; the others are said to part where `diff` finds it."""

from pathlib import Path
from typing import Any

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.runs.record import FIRST_FIELDS
from cifar_repro.traces.matrix import read_matrix
from tests import make_studies
from tests.traces.hand_made import digest
from tests.traces.matrix.files import Make, entries, lacking, rows


def test_traces_with_equal_digests_share_a_letter(three: list[Path]) -> None:
    """Letters are given in order, to equal traces the same one, whatever their environment and their tests."""
    matrix = read_matrix(three)
    assert [row.group for row in matrix.rows] == ["A", "B", "A"]
    assert matrix.members("A") == ["old", "other"]


@pytest.mark.parametrize("key", ["sha256", "shape", "dtype"])
def test_one_entry_that_differs_makes_another_group(make: Make, key: str) -> None:
    """No part of what identifies a tensor is ignored."""
    changed = entries()
    changed[-1][key] = {"sha256": digest("other"), "shape": [1, 1], "dtype": "float64"}[key]
    assert [row.group for row in read_matrix([make("a"), make("b", changed)]).rows] == ["A", "B"]


def test_tensors_that_changed_places_make_another_group(make: Make) -> None:
    """The same tensors under each other's names are no equal trace."""
    changed = entries()
    places = {"forward/f#1": "update/w", "update/w": "forward/f#1"}
    for each in changed:
        step, _, what = each["name"].partition("/")
        each["name"] = f"{step}/{places.get(what, what)}"
    assert [row.group for row in read_matrix([make("a"), make("b", changed)]).rows] == ["A", "B"]


def test_a_trace_that_lacks_an_entry_is_another_group(make: Make) -> None:
    """A missing entry parts two traces whose other entries are equal, and is named."""
    matrix = read_matrix([make("a"), make("b", lacking("forward/f#1"))])
    assert [row.group for row in matrix.rows] == ["A", "B"]
    assert matrix.partings["B"].missing == ["step 1/forward/f#1", "step 2/forward/f#1"]


def test_a_group_says_where_it_parts_from_the_first(three: list[Path]) -> None:
    """Each group but the first has the first place where it differs, as `diff` finds it."""
    partings = read_matrix(three).partings
    assert list(partings) == ["B"]
    assert (partings["B"].first, partings["B"].kind) == ("step 2/forward/f#1", "forward of f")


def test_the_loss_of_the_last_step_is_compared_with_the_first_trace(three: list[Path]) -> None:
    """The difference is relative to the larger loss, of the last step, with all digits."""
    found = rows(read_matrix(three))
    assert found["new"].loss_difference == (2.25 - 2.0) / 2.25
    assert found["old"].loss_difference == found["other"].loss_difference == 0.0


def test_a_loss_that_only_one_trace_has_is_not_compared(make: Make) -> None:
    """A trace without losses has no difference, not one of zero."""
    assert read_matrix([make("a"), make("b", lacking("loss"))]).rows[1].loss_difference is None


def test_names_are_stems_unless_two_are_equal(make: Make) -> None:
    """Files of one name in two folders are told apart."""
    paths = [make("a/x.json"), make("b/x.json"), make("a/y.json")]
    assert [row.name for row in read_matrix(paths).rows] == [str(paths[0]), str(paths[1]), "y"]


def test_more_groups_than_letters(make: Make) -> None:
    """The 27th group is AA."""
    paths = [make(f"{n}.json", entries(init_w=float(n))) for n in range(28)]
    assert [row.group for row in read_matrix(paths).rows][24:] == ["Y", "Z", "AA", "AB"]


RECIPE: dict[str, Any] = make_studies.HEADER["recipe"]
FIRST_RECIPE = {name: RECIPE[name] for name in FIRST_FIELDS}


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("steps", 1, ("steps", "1", "2")),
        ("seeds", {"split": 0, "init": 5, "order": 0, "dropout": 0}, ("seeds", '"init": 5', '"init": 0')),
        ("recipe", RECIPE | {"batch_size": 10, "overridden": ["batch_size"]}, ("recipe", "10", "20")),
        (
            "recipe",
            FIRST_RECIPE | {"dropout": 0.3, "overridden": ["dropout"]},
            ("recipe", '({"dropout": 0.3})', '({"dropout": 0.25})'),
        ),
        (
            "data",
            make_studies.HEADER["data"] | {"fingerprints": {"train": "a" * 64, "test": "v"}},
            ("data.fingerprints", '"v"', "b" * 64),
        ),
    ],
)
def test_traces_of_another_experiment_are_refused(make: Make, name: str, value: Any, named: tuple[str, ...]) -> None:
    """Traces of another recipe, seed, data or number of steps say nothing of the environment: both values are named."""
    a, b = make("a.json"), make("b.json", entries()[:4] if name == "steps" else None, header={name: value})
    with pytest.raises(InputError) as caught:
        read_matrix([a, b])
    assert all(part in str(caught.value) for part in (*named, str(a), str(b)))


def test_a_trace_of_an_earlier_version_is_compared(make: Make) -> None:
    """A header without the fields that recipes got later is of the same experiment as one that has them."""
    paths = [make("a", header={"recipe": FIRST_RECIPE | {"overridden": []}}), make("b")]
    assert [row.group for row in read_matrix(paths).rows] == ["A", "A"]

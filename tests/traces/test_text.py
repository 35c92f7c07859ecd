"""What `diff` prints."""

from dataclasses import replace

import pytest

from cifar_repro.traces import text
from cifar_repro.traces.diff import Parting
from cifar_repro.traces.gap import Gap

EQUAL = Parting(None, None, None, "All that both have is equal.", [], [], [], [], [])


def test_of_many_names_that_one_trace_lacks_a_few_are_shown() -> None:
    """Three names and the number of the others, on either side, then in what the experiments differ."""
    found = replace(EQUAL, missing=["a"], extra=["b", "c", "d", "e", "f"], experiment=["steps: 2 -> 3"])
    assert text.parting(found).splitlines() == [
        "Only in the first:  a",
        "Only in the second: b",
        "Only in the second: c",
        "Only in the second: d",
        "Only in the second: 2 more",
        "All that both have is equal.",
        "The experiments differ in:",
        "  steps: 2 -> 3",
    ]
    parted = replace(EQUAL, first="init/w", kind="initialisation of w", sentence="It changed.", extra=["b"])
    assert text.parting(parted).splitlines() == [
        "Only in the second: b",
        "The runs first differ at init/w (initialisation of w).",
        "It changed.",
    ]


def test_where_the_experiments_differ_it_is_said_in_what() -> None:
    """Below where two traces part, and where they do not; not a word where they are of one experiment and place."""
    parting = replace(EQUAL, first="init/w", kind="initialisation of w", experiment=["init seed: 0 -> 1"])
    assert text.parting(parting).splitlines()[-2:] == ["The experiments differ in:", "  init seed: 0 -> 1"]
    equal = replace(EQUAL, experiment=["recipe epochs: 30 -> 5"], environment=["threads: 1 -> 2"])
    differ = [
        "The experiments differ in:",
        "  recipe epochs: 30 -> 5",
        "The environments differ in:",
        "  threads: 1 -> 2",
    ]
    assert text.parting(equal).splitlines() == ["Identical.", *differ]
    assert text.parting(EQUAL) == "Identical."


def test_a_gap_between_samples_is_said_to_be_of_these() -> None:
    """How many were compared and differ, by how much, and what would compare all; of float64 there are no ulps."""
    hint = "To compare all values, make both traces with --tensors all."
    assert text.gap(Gap(1_000, 8, 3, 0.5, 0.25, 0.125, 4_096)) == [
        "A trace keeps 8 of its 1,000 values, and only these were compared: 3 differ, by up to 0.5, "
        "relatively by up to 0.25, and by up to 4,096 ulps.",
        "(An ulp is the step from a float32 number to the next; near zero, steps are tiny.)",
        "The norm of the difference is 0.125 of the norm of these values.",
        hint,
    ]
    assert text.gap(Gap(1_000, 8, 1, 0.5, 0.25, 0.125)) == [
        "A trace keeps 8 of its 1,000 values, and only these were compared: 1 differs, by up to 0.5, "
        "relatively by up to 0.25.",
        "The norm of the difference is 0.125 of the norm of these values.",
        hint,
    ]


@pytest.mark.parametrize(
    ("steps", "shown"), [(1, [1]), (6, [1, 2, 5, 6]), (20, [1, 2, 5, 10, 20]), (47, [1, 2, 5, 10, 20, 40, 47])]
)
def test_a_few_steps_are_shown_of_the_growth_the_first_and_the_last_always(steps: int, shown: list[int]) -> None:
    """Each with its own two numbers."""
    grown = [(step, step / 100, step / 1000) for step in range(1, steps + 1)]
    rows = text.parting(replace(EQUAL, first="step 1/loss", growth=grown)).splitlines()[-len(shown) :]
    assert [row.split() for row in rows] == [[f"{n}", f"{n / 100}", f"{n / 1000}"] for n in shown]


@pytest.mark.parametrize("unseen", [1, 2])
def test_a_step_whose_weights_differ_in_no_sample_is_explained_beside_others(unseen: int) -> None:
    """Whichever step of the table it is; and nothing is explained where there is none."""
    grown = [(step, 0.0, None if step == unseen else 0.5) for step in (1, 2)]
    *_, last = text.parting(replace(EQUAL, first="step 1/loss", growth=grown)).splitlines()
    assert last.startswith("Not in samples: no sampled weight differs")
    assert "samples" not in text.parting(replace(EQUAL, first="step 1/loss", growth=[(1, 0.0, 0.5), (2, 0.0, 0.5)]))

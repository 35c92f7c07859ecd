"""What `diff` prints."""

from dataclasses import replace

from cifar_repro.traces import text
from cifar_repro.traces.diff import Parting

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

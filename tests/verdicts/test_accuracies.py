"""Studies whose runs are no pairs are compared by their accuracies: what is said, and how rarely it is false."""

import copy
import math
from typing import Any

import msgspec
import numpy as np
import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.runs.folders import SOURCES
from cifar_repro.verdicts.verdict import DIFFERENT, EQUIVALENT, INCONCLUSIVE, accuracy
from tests.make_studies import as_study, make_study
from tests.verdict_simulation import SPREADS, outcomes
from tests.verdicts.two_studies import ACCURACIES, judged, sentence


def test_what_else_differs_is_told(study: dict[str, Any], other: dict[str, Any]) -> None:
    """Recipes and environments, of every run, are compared, too, and runs that diverged are named."""
    other["recipe"]["dropout"] = 0.0
    for run in other["runs"]:
        run["environment"] = {**run["environment"], "threads": 2}
    other["runs"][-1]["environment"]["cpu_capability"] = "AVX2"
    stopped = {"epoch": 1, "phase": "training", "step": 5, "loss": "nan"}
    other["diverged"] = [{"folder": "seed-7", "seeds": dict.fromkeys(SOURCES, 7), "stopped": stopped}]
    notes = " ".join(judged(study, other).notes)
    for part in ("dropout: 0.25 -> 0.0", "threads: 1 -> 2", "cpu_capability: AVX512 -> AVX2 and AVX512", "seed-7"):
        assert part in notes


def test_an_accuracy_is_the_number_nearest_to_its_percentage() -> None:
    """Of 10,000 images every count is so many hundredths of a percent: 5,800 are 58 %, not 57.99999999999999 %."""
    (run,) = as_study(make_study([58.0])).runs
    assert run.test is not None
    for correct in range(10_001):
        counted = msgspec.structs.replace(run, test=msgspec.structs.replace(run.test, correct=correct))
        assert accuracy(counted) == correct / 100


# The accuracies of the second study: those of the first, spread about the mean by a factor, and shifted by points.
@pytest.mark.parametrize(
    ("shift", "factor", "margin", "outcome", "said"),
    [
        (0.1, 1.0, 1.0, EQUIVALENT, "within -1 to +1"),
        (0.1, 1.0, 0.3, INCONCLUSIVE, "neither a difference nor equality"),
        (0.1, 5.0, 1.0, INCONCLUSIVE, "neither a difference nor equality"),
        (3.0, 1.0, 1.0, DIFFERENT, "; it is larger than the margin"),
        (-3.0, 1.0, 1.0, DIFFERENT, "; it is larger than the margin"),
        (-1.2, 1.0, 1.0, DIFFERENT, "whether it is larger than the margin is open"),
        (0.6, 1.0, 1.0, INCONCLUSIVE, "neither"),
        (0.8, 0.3, 2.0, EQUIVALENT, "A difference is there all the same"),
    ],
)
def test_what_is_said_of_accuracies(shift: float, factor: float, margin: float, outcome: str, said: str) -> None:
    """Equivalence needs the 90 % interval within the margin; a difference needs 0 outside of the 95 % interval."""
    values = np.array(ACCURACIES)
    moved = (values - values.mean()) * factor + values.mean() + shift
    verdict = judged(make_study(ACCURACIES), make_study(moved.tolist(), first_seed=50), margin)
    assert verdict.outcome == outcome
    assert said in sentence(verdict, EQUIVALENT)
    assert verdict.favourable == (outcome == EQUIVALENT)
    if outcome == INCONCLUSIVE:
        assert verdict.runs_needed is not None
        assert verdict.runs_needed > 5
        assert f"about {verdict.runs_needed} runs a side" in sentence(verdict, EQUIVALENT)


def test_the_runs_said_to_settle_it_do() -> None:
    """Of studies with as many runs, as far apart and as spread as those seen, 80 % are conclusive; with half, not."""
    values = np.array(ACCURACIES)
    a, b = make_study(ACCURACIES), make_study((values + 0.6).tolist(), first_seed=50)
    n, sd = judged(a, b).runs_needed, float(values.std(ddof=1))
    assert n is not None
    conclusive = []
    for runs in (n, n // 2):
        counts = outcomes(np.random.default_rng(0), 50, SPREADS["normal"], 0.6, (runs, runs), (sd, sd))
        conclusive.append(1 - counts[INCONCLUSIVE] / 50)
    assert conclusive[0] > 0.7
    assert conclusive[1] < 0.7


@pytest.mark.parametrize("runs", [1, 5])
def test_one_run_a_side_is_inconclusive(runs: int) -> None:
    """One run has no spread: nothing is shown, and how many runs to give is said."""
    one, other = make_study([73.5]), make_study(ACCURACIES[:runs], first_seed=50)
    for verdict in (judged(one, other), judged(other, one)):
        assert verdict.outcome == INCONCLUSIVE
        assert not verdict.favourable
        assert "at least 2 runs a side" in sentence(verdict, EQUIVALENT)
        assert (verdict.runs_needed is None) == (runs == 1), "the spread of either side tells about how many"


def test_no_spread_at_all_is_inconclusive() -> None:
    """Where all accuracies are equal on either side, 0 is not taken for the spread."""
    verdict = judged(make_study([80.0] * 5), make_study([80.0] * 5, first_seed=50))
    assert verdict.outcome == INCONCLUSIVE
    assert "no spread" in sentence(verdict, EQUIVALENT)


def test_studies_of_one_varied_seed_are_compared_with_their_like(study: dict[str, Any], other: dict[str, Any]) -> None:
    """The spread over one source of randomness is not that over all, nor that from other fixed seeds."""
    study["vary"] = "dropout"
    with pytest.raises(InputError, match="vary"):
        judged(study, other)
    other["vary"] = "dropout"
    for results in (study, other):
        for run in results["runs"]:
            run["seeds"] = {"split": 0, "init": 0, "order": 0, "dropout": run["seeds"]["dropout"]}
    verdict = judged(study, other)
    assert any("dropout" in note for note in verdict.notes)
    for run in other["runs"]:
        run["seeds"]["split"] = 1
    with pytest.raises(InputError, match="fixed"):
        judged(study, other)


def test_results_that_are_not_whole_are_refused(study: dict[str, Any], other: dict[str, Any]) -> None:
    """A run without a test, with a loss that is no number, with other epochs, or there twice, is named."""
    untested, empty, nan, infinite, shorter, longer, twice = (copy.deepcopy(study) for _ in range(7))
    untested["runs"][2]["test"] = None
    empty["runs"][2]["test"]["total"] = 0
    nan["runs"][2]["epochs"][0]["train_loss"] = math.nan
    infinite["runs"][2]["test"]["loss"] = math.inf
    shorter["runs"][2]["epochs"].pop()
    epochs = longer["runs"][2]["epochs"]
    epochs.append(epochs[-1] | {"epoch": len(epochs) + 1})
    twice["runs"][2]["seeds"] = twice["runs"][1]["seeds"]
    named = [(results, "seed-2") for results in (untested, empty, nan, infinite, shorter, longer)]
    for results, said in (*named, (twice, "same seeds")):
        with pytest.raises(InputError, match=said):
            judged(results, other)
        with pytest.raises(InputError, match=said):
            judged(other, results)


# Simulation; `python tests/verdict_simulation.py` does more of it.


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(
    ("difference", "most_equivalent", "most_different"), [(0.0, 1.0, 0.05), (1.0, 0.05, 1.0), (1.5, 0.0, 1.0)]
)
def test_false_verdicts_are_rare(spread: str, difference: float, most_equivalent: float, most_different: float) -> None:
    """With 10 runs a side: different though equal, equivalent though apart by the margin; 1.5 points are found."""
    draws = 60
    counts = outcomes(np.random.default_rng(2), draws, SPREADS[spread], difference, sd=(0.5, 0.5))
    chance = 3 * math.sqrt(0.05 * 0.95 / draws)
    assert counts[EQUIVALENT] / draws <= most_equivalent + chance
    assert counts[DIFFERENT] / draws <= most_different + chance
    if difference == 1.5:
        assert counts[DIFFERENT] / draws >= 0.8

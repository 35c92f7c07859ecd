"""Two studies compared: each rung of the ladder, and what is said where none holds."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_repro.cli import main
from cifar_repro.core.errors import InputError
from cifar_repro.verdicts.rounding import growth
from cifar_repro.verdicts.verdict import BITWISE, CLOSE, DIFFERENT, EQUIVALENT, INCONCLUSIVE, Verdict, against
from tests.make_studies import make_study, write_study
from tests.verdict_simulation import SPREADS, outcomes

ACCURACIES = [73.8, 74.1, 73.2, 73.5, 74.4]
CURVE = np.array([[2.1, 1.8], [1.7, 1.55], [1.5, 1.4], [1.4, 1.3]])


@pytest.fixture
def study() -> dict[str, Any]:
    """Five runs of four epochs, whose losses differ by about 1 %."""
    curves = CURVE * (1 + 0.01 * np.random.default_rng(0).normal(size=(5, 4, 2)))
    return make_study(ACCURACIES, curves=curves)


@pytest.fixture
def other(study: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(study)


def sentence(verdict: Verdict, name: str) -> str:
    return next(check.sentence for check in verdict.checks if check.name == name)


def test_equal_runs_are_bitwise_equal(study: dict[str, Any], other: dict[str, Any]) -> None:
    """The order of the runs and the seconds an epoch took play no part."""
    other["runs"].reverse()
    other["runs"][0]["epochs"][0]["train_seconds"] = 99.0
    verdict = against(study, other)
    assert verdict.outcome == BITWISE
    assert verdict.favourable
    assert "5 pairs" in sentence(verdict, BITWISE)


@pytest.mark.parametrize("changed", [False, True], ids=["udacity", "a recipe whose rounding was not measured"])
def test_equal_pairs_beside_runs_without_a_partner_are_close(study: dict[str, Any], changed: bool) -> None:
    """Nothing to the last bit is known of a run that one study alone has; where all pairs are equal, they are close."""
    if changed:
        study["recipe"] |= {"learning_rate": 0.02, "overridden": ["epochs", "learning_rate"]}
    fewer = copy.deepcopy(study)
    del fewer["runs"][3:]
    for verdict in (against(study, fewer), against(fewer, study)):
        assert (verdict.outcome, verdict.favourable) == (CLOSE, True)
        assert "3 pairs of runs" in sentence(verdict, BITWISE)
        assert "2 runs without a partner" in sentence(verdict, BITWISE)


def test_one_equal_pair_does_not_cover_up_other_accuracies() -> None:
    """Two studies that share one seed, and whose other runs are 58 points apart, are different."""
    curves = CURVE * (1 + 0.01 * np.arange(10)[:, None, None])
    a = make_study([74.0 + 0.01 * k for k in range(10)], curves=curves)
    b = make_study([16.0 + 0.01 * k for k in range(9)], curves=curves[1:], first_seed=50)
    b["runs"].append(copy.deepcopy(a["runs"][0]))
    b["runs"][-1]["folder"] = "shared"
    verdict = against(a, b)
    assert (verdict.outcome, verdict.favourable) == (DIFFERENT, False)
    assert [check.holds for check in verdict.checks] == [False, None, False]
    assert "equal to the last bit; 18 runs without" in sentence(verdict, BITWISE)
    assert "nothing of 9 runs of the smaller study" in sentence(verdict, CLOSE)


@pytest.mark.parametrize(("margin", "outcome"), [(1.0, EQUIVALENT), (0.1, INCONCLUSIVE)])
@pytest.mark.parametrize("by", [0.0, 0.5], ids=["equal", "close"])
def test_studies_are_close_only_where_all_runs_of_the_smaller_one_have_partners(
    study: dict[str, Any], by: float, margin: float, outcome: str
) -> None:
    """Where one run has none, the accuracies decide, and how close the others are is told beside."""
    fewer = perturbed(study, by) if by else copy.deepcopy(study)
    del fewer["runs"][0]
    for verdict in (against(study, fewer, margin), against(fewer, study, margin)):
        assert (verdict.outcome, verdict.checks[1].holds) == (CLOSE, True)
    fewer["runs"][0]["seeds"] = dict.fromkeys(fewer["runs"][0]["seeds"], 50)
    for verdict in (against(study, fewer, margin), against(fewer, study, margin)):
        assert (verdict.outcome, verdict.checks[1].holds) == (outcome, None)
        assert sentence(verdict, CLOSE).startswith("3 pairs of runs")
        assert sentence(verdict, CLOSE).endswith("nothing of 1 run of the smaller study without a partner")


@pytest.mark.parametrize("name", ["weights_sha256", "train_loss", "valid_loss"])
def test_one_other_bit_of_one_epoch_is_not_bitwise(study: dict[str, Any], other: dict[str, Any], name: str) -> None:
    """The run, the epoch and what differs in it are named; rounding explains the last bit of a loss."""
    epoch = other["runs"][3]["epochs"][1]
    epoch[name] = "0" * 64 if name == "weights_sha256" else math.nextafter(epoch[name], 9)
    verdict = against(study, other)
    assert verdict.outcome == CLOSE
    for part in ("seed 3", "epoch 2", name):
        assert part in sentence(verdict, BITWISE)


def test_other_test_results_are_not_bitwise(study: dict[str, Any], other: dict[str, Any]) -> None:
    """Equal weights that were tested otherwise are no equal runs."""
    other["runs"][0]["test"]["correct"] += 1
    assert against(study, other).outcome != BITWISE


def test_tolerances_are_ten_times_the_errors_measured(study: dict[str, Any]) -> None:
    """Times the largest relative error of a float32 loss up to that epoch; later, what two seeds differ by."""
    tolerances = growth(study["recipe"], study["data"])
    assert tolerances is not None
    assert tolerances.measured["train_loss"] == pytest.approx([2.14e-4, 1.74e-3])
    assert tolerances.measured["valid_loss"] == pytest.approx([1.32e-3, 6.18e-3])
    assert (tolerances.telling, tolerances.tolerance("train_loss", 3)) == (2, pytest.approx(0.0888, abs=1e-4))


def perturbed(study: dict[str, Any], by: float) -> dict[str, Any]:
    """The study with every loss off by that share of what is tolerated, and other digests."""
    tolerances = growth(study["recipe"], study["data"])
    assert tolerances is not None
    result = copy.deepcopy(study)
    for run in result["runs"]:
        for epoch in run["epochs"]:
            epoch["weights_sha256"] = "0" * 64
            for name in ("train_loss", "valid_loss"):
                epoch[name] /= 1 - by * tolerances.tolerance(name, epoch["epoch"])
    return result


def test_losses_apart_by_what_rounding_explains_are_close(study: dict[str, Any]) -> None:
    """They are close up to the tolerance of each epoch, and not beyond it."""
    assert against(study, perturbed(study, 0.99)).outcome == CLOSE
    verdict = against(study, perturbed(study, 1.01))
    assert verdict.outcome == EQUIVALENT
    assert verdict.checks[1].holds is False
    assert against(perturbed(study, 0.99), study).outcome == CLOSE


@pytest.mark.parametrize(("epoch", "name"), [(1, "train_loss"), (2, "valid_loss"), (4, "train_loss")])
def test_a_single_loss_beyond_rounding_is_not_close(study: dict[str, Any], epoch: int, name: str) -> None:
    """Where it is, is said; in the last epoch, too, in which rounding explains as much as another seed."""
    other = perturbed(study, 0.1)
    other["runs"][2]["epochs"][epoch - 1][name] *= 1.15
    verdict = against(study, other)
    assert verdict.outcome == EQUIVALENT
    for part in (f"epoch {epoch}", name, "seed 2"):
        assert part in sentence(verdict, CLOSE)


def test_runs_of_other_seeds_are_not_taken_for_rounding(study: dict[str, Any]) -> None:
    """The same experiment with other seeds, said to have the same ones, is told apart in the first epochs."""
    curves = CURVE * (1 + 0.01 * np.random.default_rng(1).normal(size=(5, 4, 2)))
    verdict = against(study, make_study(ACCURACIES[::-1], curves=curves))
    assert verdict.checks[1].holds is False
    assert "epoch 1" in sentence(verdict, CLOSE) or "epoch 2" in sentence(verdict, CLOSE)


def test_another_test_loss_is_not_close(study: dict[str, Any]) -> None:
    """The test's loss counts among the losses."""
    other = perturbed(study, 0.1)
    other["runs"][4]["test"]["loss"] *= 1.2
    verdict = against(study, other)
    assert verdict.checks[1].holds is False
    assert "test loss" in sentence(verdict, CLOSE)


def test_close_losses_with_other_accuracies_are_different(study: dict[str, Any]) -> None:
    """What goes wrong after the telling epochs, or in the test, is not covered up."""
    other = perturbed(study, 0.1)
    for run in other["runs"]:
        run["test"]["correct"] -= 300
    verdict = against(study, other)
    assert verdict.outcome == DIFFERENT
    assert not verdict.favourable


@pytest.mark.parametrize("what", ["changed recipe", "fewer images"])
def test_rounding_is_not_judged_where_its_growth_was_not_measured(study: dict[str, Any], what: str) -> None:
    """Another learning rate or another number of steps an epoch lets rounding grow in another way."""
    if what == "changed recipe":
        study["recipe"] |= {"learning_rate": 0.02, "overridden": ["epochs", "learning_rate"]}
    else:
        study["data"]["counts"]["train"]["frog"] -= 1
    other = copy.deepcopy(study)
    other["runs"][0]["epochs"][0]["weights_sha256"] = "0" * 64
    verdict = against(study, other)
    assert verdict.checks[1].holds is None
    assert verdict.outcome == EQUIVALENT


@pytest.mark.parametrize("part", ["train", "test"])
def test_other_data_is_told_and_forbids_the_first_rungs(
    study: dict[str, Any], other: dict[str, Any], part: str
) -> None:
    """Equal numbers on other data are no equal runs."""
    other["data"] = copy.deepcopy(other["data"])
    other["data"]["fingerprints"] = {**other["data"]["fingerprints"], part: "c" * 64}
    verdict = against(study, other)
    assert verdict.outcome == EQUIVALENT
    assert [check.holds for check in verdict.checks] == [False, False, True]
    assert any(part in note and "other images" in note for note in verdict.notes)


def test_another_number_of_epochs_forbids_the_first_rungs(study: dict[str, Any], other: dict[str, Any]) -> None:
    """Runs of three epochs and of four are no equal runs, though their accuracies may be equivalent."""
    for run in other["runs"]:
        run["epochs"].pop()
    assert [check.holds for check in against(study, other).checks] == [False, False, True]


def test_what_else_differs_is_told(study: dict[str, Any], other: dict[str, Any]) -> None:
    """Recipes and environments are compared, too, and runs that diverged are named."""
    other["recipe"] |= {"dropout": 0.0, "overridden": ["dropout"]}
    other["runs"][0]["environment"] = {**other["runs"][0]["environment"], "threads": 2}
    other["diverged"] = [{"folder": "seed-7"}]
    notes = " ".join(against(study, other).notes)
    for part in ("dropout: 0.25 -> 0.0", "threads: 1 -> 2", "seed-7"):
        assert part in notes


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
    verdict = against(make_study(ACCURACIES), make_study(moved.tolist(), first_seed=50), margin)
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
    n, sd = against(a, b).runs_needed, float(values.std(ddof=1))
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
    verdict = against(make_study([73.5]), make_study(ACCURACIES[:runs], first_seed=50))
    assert verdict.outcome == INCONCLUSIVE
    assert not verdict.favourable
    assert "at least 2 runs a side" in sentence(verdict, EQUIVALENT)


def test_no_spread_at_all_is_inconclusive() -> None:
    """Where all accuracies are equal on either side, 0 is not taken for the spread."""
    verdict = against(make_study([80.0] * 5), make_study([80.0] * 5, first_seed=50))
    assert verdict.outcome == INCONCLUSIVE
    assert "no spread" in sentence(verdict, EQUIVALENT)


def test_studies_of_one_varied_seed_are_compared_with_their_like(study: dict[str, Any], other: dict[str, Any]) -> None:
    """The spread over one source of randomness is not that over all, nor that from other fixed seeds."""
    study["vary"] = "dropout"
    with pytest.raises(InputError, match="vary"):
        against(study, other)
    other["vary"] = "dropout"
    for results in (study, other):
        for run in results["runs"]:
            run["seeds"] = {"split": 0, "init": 0, "order": 0, "dropout": run["seeds"]["dropout"]}
    verdict = against(study, other)
    assert any("dropout" in note for note in verdict.notes)
    for run in other["runs"]:
        run["seeds"]["split"] = 1
    with pytest.raises(InputError, match="fixed"):
        against(study, other)


def test_results_that_are_not_whole_are_refused(study: dict[str, Any], other: dict[str, Any]) -> None:
    """A run without a test, with a loss that is no number, with other epochs, or there twice, is named."""
    untested, nan, shorter, twice = (copy.deepcopy(study) for _ in range(4))
    untested["runs"][2]["test"] = None
    nan["runs"][2]["epochs"][0]["train_loss"] = math.nan
    shorter["runs"][2]["epochs"].pop()
    twice["runs"][2]["seeds"] = twice["runs"][1]["seeds"]
    for results, said in ((untested, "seed-2"), (nan, "seed-2"), (shorter, "seed-2"), (twice, "same seeds")):
        with pytest.raises(InputError, match=said):
            against(results, other)
        with pytest.raises(InputError, match=said):
            against(other, results)


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


# The command


def test_the_command_prints_the_verdict_and_its_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0 where equality is shown, 1 for a difference and where nothing is shown; --json is one object."""
    a = write_study(tmp_path / "a", make_study(ACCURACIES))
    shifted = [value - 4 for value in ACCURACIES]
    b = write_study(tmp_path / "b", make_study(shifted, first_seed=50))
    c = write_study(tmp_path / "c", make_study([73.0], first_seed=90))
    for path, status, outcome in ((a, 0, BITWISE), (a / "study.json", 0, BITWISE), (b, 1, DIFFERENT)):
        assert main(["verdict", str(a), "--against", str(path)]) == status
        assert capsys.readouterr().out.startswith(f"Verdict: {outcome}, compared with {path}\n")
    assert main(["verdict", str(a), "--against", str(c), "--json"]) == 1
    out = json.loads(capsys.readouterr().out)
    assert (out["outcome"], out["favourable"]) == (INCONCLUSIVE, False)
    assert main(["verdict", str(a), "--against", str(b), "--margin", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == EQUIVALENT
    d = write_study(tmp_path / "d", make_study(ACCURACIES[:3]))
    assert main(["verdict", str(a), "--against", str(d)]) == 0
    assert capsys.readouterr().out.startswith(f"Verdict: {CLOSE} in 3 of 5 runs, compared with {d}\n")

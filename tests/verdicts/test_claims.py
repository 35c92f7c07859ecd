"""Studies compared with a published run: consistent, not consistent, or inconclusive."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_repro.cli import main
from cifar_repro.core.errors import InputError
from cifar_repro.verdicts.published import known
from cifar_repro.verdicts.verdict import CONSISTENT, INCONCLUSIVE, NOT_CONSISTENT, Check
from tests.make_studies import FINGERPRINTS, make_study, write_study
from tests.verdict_simulation import SPREADS, Runs, single_run_outcomes, study_of
from tests.verdicts.published_run import checks, compared

UDACITY = known("udacity")


@pytest.fixture
def study() -> dict[str, Any]:
    """Ten runs of 30 epochs that spread about the published one of `udacity`."""
    return study_of(Runs(SPREADS["normal"])(np.random.default_rng(0), 10))


def test_runs_about_the_published_one_are_consistent_with_it(study: dict[str, Any]) -> None:
    """Curve, accuracy, loss and classes are each compared, and nothing needs to be added."""
    verdict = compared(study, UDACITY)
    assert (verdict.outcome, verdict.notes) == (CONSISTENT, [])
    assert list(checks(verdict)) == ["loss curve", "mean losses", "test accuracy", "test loss", "accuracy per class"]
    assert all(check.holds for check in verdict.checks)
    assert len(checks(verdict)["loss curve"].numbers["places"]) == 60


def spoil_curve(published: dict[str, Any]) -> None:
    published["epochs"][16]["valid_loss"] += 0.3


def spoil_mean(published: dict[str, Any]) -> None:
    for epoch in published["epochs"]:
        epoch["train_loss"] *= 0.96  # four standard deviations in each epoch


def spoil_accuracy(published: dict[str, Any]) -> None:
    published["test"]["correct"] += 400


def spoil_loss(published: dict[str, Any]) -> None:
    published["test"]["loss"] -= 0.1


def spoil_class(published: dict[str, Any]) -> None:
    published["test"]["per_class"][3]["correct"] -= 250


@pytest.mark.parametrize(
    ("spoil", "name", "said"),
    [
        (
            spoil_curve,
            "loss curve",
            "1 of 60 outside the band that holds 95 of 100 further runs with all their numbers, first valid",
        ),
        (spoil_mean, "mean losses", "first train_loss, mean of 30 epochs: published 0.799"),
        (spoil_accuracy, "test accuracy", "outside"),
        (spoil_loss, "test loss", "outside"),
        (spoil_class, "accuracy per class", "first cat"),
    ],
)
def test_one_number_that_does_not_fit_is_not_consistent(
    study: dict[str, Any], spoil: Callable[[dict[str, Any]], None], name: str, said: str
) -> None:
    """What does not fit is named; the other claims still hold."""
    published = copy.deepcopy(UDACITY)
    spoil(published)
    verdict = compared(study, published)
    assert verdict.outcome == NOT_CONSISTENT
    assert not verdict.favourable
    assert said in checks(verdict)[name].sentence
    assert [check.name for check in verdict.checks if not check.holds] == [name]


def test_classes_are_compared_by_their_names(study: dict[str, Any]) -> None:
    """In whatever order they were published."""
    other = copy.deepcopy(UDACITY)
    other["test"]["per_class"].reverse()
    there, back = (checks(compared(study, p))["accuracy per class"].numbers for p in (UDACITY, other))
    for name in ("places", "mean", "published_low"):
        assert back[name] == there[name][::-1]


def test_more_epochs_than_were_published_are_compared_up_to_these(study: dict[str, Any]) -> None:
    """Of 30 epochs beside a published run of 7 the first 7 count, in the means, too; the tests are of other weights."""
    published = copy.deepcopy(UDACITY)
    del published["epochs"][7:]
    verdict = compared(study, published)
    assert list(checks(verdict)) == ["loss curve", "mean losses"]
    losses = np.mean([[epoch["train_loss"] for epoch in run["epochs"][:7]] for run in study["runs"]])
    assert checks(verdict)["mean losses"].numbers["mean"][0] == pytest.approx(losses)
    assert len(checks(verdict)["loss curve"].numbers["mean"]) == 14
    assert any("7 epochs, these have 30" in note for note in verdict.notes)


def test_what_is_outside_by_itself_but_no_surprise_among_several_holds(study: dict[str, Any]) -> None:
    """A claim just outside of its own 95 % interval is not rejected as one of several, and that is said."""
    published = copy.deepcopy(UDACITY)
    high = checks(compared(study, UDACITY))["test loss"].numbers["high"][0]
    published["test"]["loss"] = high + 1e-3
    verdict = compared(study, published)
    check = checks(verdict)["test loss"]
    assert check.numbers["p"] < 0.05 < check.numbers["p_adjusted"]
    assert verdict.outcome == CONSISTENT
    assert "no surprise" in check.sentence


def test_the_band_is_where_the_curve_is_judged(study: dict[str, Any]) -> None:
    """A loss just inside of the band drawn for all 60 is inside, one just outside of it is named."""
    band = checks(compared(study, UDACITY))["loss curve"].numbers["high"][2 * 4 + 1]
    for factor, outside in ((1 - 1e-6, []), (1 + 1e-6, ["valid_loss of epoch 5"])):
        published = copy.deepcopy(UDACITY)
        published["epochs"][4]["valid_loss"] = band * factor
        assert checks(compared(study, published))["loss curve"].numbers["outside"] == outside


def test_numbers_that_are_not_judged_do_not_widen_the_band() -> None:
    """Where all runs have one training loss, the validation loss is judged alone, and its band is that of one."""
    study = make_study([74.0] * 5, curves=np.array([[[1.5, loss]] for loss in (1.1, 1.2, 1.25, 1.3, 1.4)]))

    def judged(valid_loss: float) -> Check:
        epoch = {"epoch": 1, "train_loss": 1.5, "valid_loss": valid_loss}
        return checks(compared(study, {"recipe": "udacity", "epochs": [epoch]}))["loss curve"]

    high = judged(1.25).numbers["high"][1]
    for factor, outside in ((1 - 1e-6, []), (1 + 1e-6, ["valid_loss of epoch 1"])):
        check = judged(high * factor)
        assert (check.holds, check.numbers["outside"]) == (not outside, outside)


@pytest.mark.parametrize("runs", [1, 2])
def test_too_few_runs_are_consistent_with_nothing(study: dict[str, Any], runs: int) -> None:
    """One run has no spread, two predict nearly anything: inconclusive, with the number of runs that it takes."""
    study["runs"] = study["runs"][:runs]
    verdict = compared(study, UDACITY)
    assert (verdict.outcome, verdict.runs_needed) == (INCONCLUSIVE, 3)
    assert any("at least 3" in note for note in verdict.notes)
    study["runs"] = study_of(Runs(SPREADS["normal"])(np.random.default_rng(0), 3))["runs"]
    assert compared(study, UDACITY).outcome == CONSISTENT


def test_two_runs_that_are_far_off_are_not_consistent(study: dict[str, Any]) -> None:
    """What two runs rule out is ruled out: no note says that they can tell nothing."""
    study["runs"] = study["runs"][:2]
    for k, run in enumerate(study["runs"]):
        run["test"]["correct"] = 1000 + k
    verdict = compared(study, UDACITY)
    assert (verdict.outcome, verdict.runs_needed, verdict.notes) == (NOT_CONSISTENT, None, [])


def test_no_spread_is_inconclusive(study: dict[str, Any]) -> None:
    """Where all runs have one accuracy, whether a new run can have another one is not known."""
    for run in study["runs"]:
        run["test"]["correct"] = 7451
    verdict = compared(study, UDACITY)
    assert verdict.outcome == INCONCLUSIVE
    assert checks(verdict)["test accuracy"].holds is None


def test_data_that_is_not_official_gives_no_verdict_on_the_published_result(study: dict[str, Any]) -> None:
    """The first thing said is that the runs are on other data; and, where so, of a changed or another recipe."""
    study["data"] |= {"official": False, "kind": "images", "fingerprints": FINGERPRINTS}
    study["recipe"]["dropout"] = 0.0
    notes = compared(study, {**UDACITY, "recipe": "udacity-augmented"}).notes
    assert notes[0].startswith("This is no verdict on the published result")
    assert any("dropout 0.0" in note for note in notes)
    assert any("udacity-augmented" in note for note in notes)


def test_fewer_epochs_are_compared_as_far_as_they_go(study: dict[str, Any]) -> None:
    """The curve is, the test results are not, and that is said."""
    for run in study["runs"]:
        del run["epochs"][7:]
    verdict = compared(study, UDACITY)
    assert list(checks(verdict)) == ["loss curve", "mean losses"]
    assert len(checks(verdict)["loss curve"].numbers["places"]) == 14
    assert checks(verdict)["mean losses"].numbers["places"][1] == "valid_loss, mean of 7 epochs"
    assert any("30 epochs, these have 7" in note for note in verdict.notes)


@pytest.mark.parametrize("far_off", [False, True])
def test_runs_of_a_changed_recipe_are_inconclusive(study: dict[str, Any], far_off: bool) -> None:
    """However near or far: what they give says nothing of the published result, and the first note says why."""
    study["recipe"] |= {"learning_rate": 0.02, "overridden": ["learning_rate"]}
    for run in study["runs"] if far_off else ():
        run["test"]["correct"] -= 3000
    verdict = compared(study, UDACITY)
    assert (verdict.outcome, verdict.favourable, verdict.runs_needed) == (INCONCLUSIVE, False, None)
    assert verdict.notes[0].startswith("The runs are of a changed recipe (learning_rate 0.02)")
    assert checks(verdict)["test accuracy"].holds is not far_off


def test_a_short_study_is_no_reproduction_of_a_long_run(study: dict[str, Any]) -> None:
    """One epoch of 30 may have the published losses: as its test results are not compared, nothing came out again."""
    for run in study["runs"]:
        del run["epochs"][1:]
    verdict = compared(study, UDACITY)
    assert all(check.holds for check in verdict.checks)
    assert (verdict.outcome, verdict.favourable) == (INCONCLUSIVE, False)
    assert verdict.notes[0].startswith("No accuracy is compared")
    study["recipe"] |= {"epochs": 1, "overridden": ["epochs"]}
    assert compared(study, UDACITY).notes[0].startswith("The runs are of a changed recipe (epochs 1)")


def test_where_a_new_run_is_expected_stays_within_0_and_100_per_cent(study: dict[str, Any]) -> None:
    """Three runs with classes of 5 to 95 %: no accuracy below 0 or above 100 % is expected of a fourth."""
    study["runs"] = study["runs"][:3]
    for run, correct in zip(study["runs"], (50, 600, 950), strict=True):
        run["test"]["per_class"][5]["correct"] = correct
    numbers = checks(compared(study, UDACITY))["accuracy per class"].numbers
    assert (numbers["low"][5], numbers["high"][5]) == (0.0, 100.0)


def test_numbers_that_the_runs_do_not_have_are_not_compared(study: dict[str, Any]) -> None:
    """A result of another recipe, whose losses are of another kind, gives no verdict and no traceback."""
    verdict = compared(study, known("keras-cnn"))
    assert (verdict.outcome, verdict.checks) == (INCONCLUSIVE, [])
    for run in study["runs"]:
        run["epochs"] = run["epochs"][:2]
    verdict = compared(study, known("pytorch-blitz"))
    assert any("published run 1: running loss is not compared" in note for note in verdict.notes)


def test_a_class_without_test_images_has_no_accuracy(study: dict[str, Any]) -> None:
    """Runs on images without frogs have none to compare, and the rest is compared all the same."""
    for run in study["runs"]:
        run["test"]["per_class"][6] |= {"correct": 0, "total": 0}
    verdict = compared(study, UDACITY)
    assert list(checks(verdict)) == ["loss curve", "mean losses", "test accuracy", "test loss"]
    assert verdict.notes == ["accuracy per class is not compared: the runs have no such numbers"]


def test_studies_of_one_varied_seed_predict_no_new_run(study: dict[str, Any]) -> None:
    """The spread over dropout masks alone is less than that of new runs."""
    with pytest.raises(InputError, match="dropout"):
        compared({**study, "vary": "dropout"}, UDACITY)


@pytest.mark.parametrize("spread", SPREADS)
def test_a_run_of_the_same_kind_is_rarely_called_not_consistent(spread: str) -> None:
    """At most 5 % in all, and by each claim alone, at ten runs; 60 correlated losses count as one claim."""
    draws = 60
    counts = single_run_outcomes(np.random.default_rng(0), draws, Runs(SPREADS[spread]), 10)
    chance = 3 * math.sqrt(0.05 * 0.95 / draws)
    for what in (
        NOT_CONSISTENT,
        "loss curve alone",
        "mean losses alone",
        "test accuracy alone",
        "test loss alone",
        "accuracy per class alone",
    ):
        assert counts[what] / draws <= 0.05 + chance, what


@pytest.mark.parametrize(("claim", "lower"), [("loss curve", 0.1), ("mean losses", 0.04)])
def test_a_run_with_other_losses_is_found(claim: str, lower: float) -> None:
    """Training losses lower in all epochs: by 10 %, ten standard deviations, by the band; by 4 % in their mean."""
    counts = single_run_outcomes(np.random.default_rng(0), 20, Runs(SPREADS["normal"]), 10, curve=-lower)
    assert counts[claim] / 20 > 0.5
    assert counts[NOT_CONSISTENT] >= counts[claim]


def test_the_command_compares_with_the_recipe_s_own_published_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], study: dict[str, Any]
) -> None:
    """Or with that of another recipe by name; status 0 for consistent, 1 for not consistent, 3 for inconclusive."""
    folder = str(write_study(tmp_path / "a", study))
    assert main(["verdict", folder]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Verdict: consistent with the published result of udacity\n")
    assert "reproduced" not in out
    assert main(["verdict", folder, "--published", "udacity-augmented", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["outcome"] == NOT_CONSISTENT
    assert main(["verdict", folder, "--published", "keras-cnn"]) == 3


def test_the_first_line_says_that_the_data_is_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], study: dict[str, Any]
) -> None:
    """On images that are not the official ones nothing is said to be consistent with the published result."""
    study["data"] |= {"official": False, "fingerprints": FINGERPRINTS}
    assert main(["verdict", str(write_study(tmp_path / "a", study))]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "Verdict: consistent with the published numbers of udacity, on other data"


def test_a_verdict_on_reordered_images_is_one_on_the_published_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], study: dict[str, Any]
) -> None:
    """Numbers and outcome are those of the official order; the first lines say that it is another, and what of it."""
    there = compared(study, UDACITY)
    study["data"] |= {"official": False, "reordered": True, "fingerprints": FINGERPRINTS}
    here = compared(study, UDACITY)
    assert (here.outcome, here.checks) == (there.outcome, there.checks)
    assert main(["verdict", str(write_study(tmp_path / "a", study))]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == (
        "Verdict: consistent with the published result of udacity, by runs on official images, in another order"
    )
    assert second.startswith("  The runs are on official images, in another order: seeds shuffle them anyway")
    assert "no run has the bits" in second

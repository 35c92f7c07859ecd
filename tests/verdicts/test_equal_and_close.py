"""Two studies are bitwise equal or close where their runs are, pair by pair, and not otherwise."""

import copy
import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from cifar_repro.core.recipe import RECIPES, Recipe
from cifar_repro.verdicts.rounding import Growth, growth
from cifar_repro.verdicts.verdict import BITWISE, CLOSE, DIFFERENT, EQUIVALENT, INCONCLUSIVE
from tests.make_studies import as_study, make_study
from tests.verdicts.two_studies import ACCURACIES, CURVE, judged, sentence


def test_equal_runs_are_bitwise_equal(study: dict[str, Any], other: dict[str, Any]) -> None:
    """The order of the runs and the seconds an epoch took play no part."""
    other["runs"].reverse()
    other["runs"][0]["epochs"][0]["train_seconds"] = 99.0
    verdict = judged(study, other)
    assert verdict.outcome == BITWISE
    assert verdict.favourable
    assert "5 pairs" in sentence(verdict, BITWISE)


@pytest.mark.parametrize("changed", [False, True], ids=["udacity", "a recipe whose rounding was not measured"])
def test_equal_pairs_beside_runs_without_a_partner_are_close(study: dict[str, Any], changed: bool) -> None:
    """Nothing to the last bit is known of a run that one study alone has; where all pairs are equal, they are close."""
    if changed:
        study["recipe"]["learning_rate"] = 0.02
    fewer = copy.deepcopy(study)
    del fewer["runs"][3:]
    for verdict in (judged(study, fewer), judged(fewer, study)):
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
    verdict = judged(a, b)
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
    for verdict in (judged(study, fewer, margin), judged(fewer, study, margin)):
        assert (verdict.outcome, verdict.checks[1].holds, verdict.runs_needed) == (CLOSE, True, None)
    fewer["runs"][0]["seeds"] = dict.fromkeys(fewer["runs"][0]["seeds"], 50)
    for verdict in (judged(study, fewer, margin), judged(fewer, study, margin)):
        assert (verdict.outcome, verdict.checks[1].holds) == (outcome, None)
        assert sentence(verdict, CLOSE).startswith("3 pairs of runs")
        assert sentence(verdict, CLOSE).endswith("nothing of 1 run of the smaller study without a partner")


@pytest.mark.parametrize("name", ["weights_sha256", "train_loss", "valid_loss"])
def test_one_other_bit_of_one_epoch_is_not_bitwise(study: dict[str, Any], other: dict[str, Any], name: str) -> None:
    """The run, the epoch and what differs in it are named; rounding explains the last bit of a loss."""
    epoch = other["runs"][3]["epochs"][1]
    epoch[name] = "0" * 64 if name == "weights_sha256" else math.nextafter(epoch[name], 9)
    verdict = judged(study, other)
    assert verdict.outcome == CLOSE
    for part in ("seed 3", "epoch 2", name):
        assert part in sentence(verdict, BITWISE)


def test_other_test_results_are_not_bitwise(study: dict[str, Any], other: dict[str, Any]) -> None:
    """Equal weights that were tested otherwise are no equal runs."""
    other["runs"][0]["test"]["correct"] += 1
    assert judged(study, other).outcome != BITWISE


def tolerances_of(study: dict[str, Any]) -> Growth:
    typed = as_study(study)
    tolerances = growth(typed.recipe, typed.data)
    assert tolerances is not None
    return tolerances


def test_tolerances_are_ten_times_the_errors_measured(study: dict[str, Any]) -> None:
    """Times the largest relative error of a float32 loss up to that epoch; later, what two seeds differ by."""
    tolerances = tolerances_of(study)
    assert tolerances.measured["train_loss"] == pytest.approx([2.14e-4, 1.74e-3])
    assert tolerances.measured["valid_loss"] == pytest.approx([1.32e-3, 6.18e-3])
    assert tolerances.telling == 2
    by_epoch = [tolerances.tolerance("train_loss", epoch) for epoch in (1, 2, 3)]
    assert by_epoch == [*tolerances.measured["train_loss"], pytest.approx(0.0888, abs=1e-4)]


def test_both_losses_must_tell() -> None:
    """An epoch is telling where rounding explains less than another seed does in either loss."""
    tolerances = Growth({"train_loss": [1e-4, 1e-3, 1e-2], "valid_loss": [1e-4]}, later=0.1)
    assert tolerances.telling == 1
    assert [tolerances.tolerance("train_loss", epoch) for epoch in (1, 2, 3)] == [1e-4, 0.1, 0.1]


def perturbed(study: dict[str, Any], by: float) -> dict[str, Any]:
    """The study with every loss off by that share of what is tolerated, and other digests."""
    tolerances = tolerances_of(study)
    result = copy.deepcopy(study)
    for run in result["runs"]:
        for epoch in run["epochs"]:
            epoch["weights_sha256"] = "0" * 64
            for name in ("train_loss", "valid_loss"):
                epoch[name] /= 1 - by * tolerances.tolerance(name, epoch["epoch"])
    return result


def test_losses_apart_by_what_rounding_explains_are_close(study: dict[str, Any]) -> None:
    """They are close up to the tolerance of each epoch, and not beyond it."""
    assert judged(study, perturbed(study, 0.99)).outcome == CLOSE
    verdict = judged(study, perturbed(study, 1.01))
    assert verdict.outcome == EQUIVALENT
    assert verdict.checks[1].holds is False
    assert judged(perturbed(study, 0.99), study).outcome == CLOSE


@pytest.mark.parametrize(("epoch", "name"), [(1, "train_loss"), (2, "valid_loss"), (4, "train_loss")])
def test_a_single_loss_beyond_rounding_is_not_close(study: dict[str, Any], epoch: int, name: str) -> None:
    """Where it is, is said; in the last epoch, too, in which rounding explains as much as another seed."""
    other = perturbed(study, 0.1)
    other["runs"][2]["epochs"][epoch - 1][name] *= 1.15
    verdict = judged(study, other)
    assert verdict.outcome == EQUIVALENT
    for part in (f"epoch {epoch}", name, "seed 2"):
        assert part in sentence(verdict, CLOSE)


def test_runs_of_other_seeds_are_not_taken_for_rounding(study: dict[str, Any]) -> None:
    """The same experiment with other seeds, said to have the same ones, is told apart in the first epochs."""
    curves = CURVE * (1 + 0.01 * np.random.default_rng(1).normal(size=(5, 4, 2)))
    verdict = judged(study, make_study(ACCURACIES[::-1], curves=curves))
    assert verdict.checks[1].holds is False
    assert "epoch 1" in sentence(verdict, CLOSE) or "epoch 2" in sentence(verdict, CLOSE)


def test_another_test_loss_is_not_close(study: dict[str, Any]) -> None:
    """The test's loss counts among the losses; after two telling epochs, too, it may differ by what two seeds do."""
    for run in study["runs"]:
        del run["epochs"][2:]
    other = perturbed(study, 0.1)
    other["runs"][4]["test"]["loss"] *= 1.05
    assert judged(study, other).outcome == CLOSE
    other["runs"][4]["test"]["loss"] *= 1.2
    verdict = judged(study, other)
    assert verdict.checks[1].holds is False
    assert "test loss" in sentence(verdict, CLOSE)


def test_a_loss_of_nothing_is_a_loss(study: dict[str, Any]) -> None:
    """A network that knows its images by heart may have a loss of exactly 0, which is compared as any other."""
    other = perturbed(study, 0.1)
    study["runs"][0]["epochs"][3]["train_loss"] = 0.0
    assert "train_loss of epoch 4 of seed 0 differs by 1.0e+00" in sentence(judged(study, other), CLOSE)


def test_close_losses_with_other_accuracies_are_different(study: dict[str, Any]) -> None:
    """What goes wrong after the telling epochs, or in the test, is not covered up."""
    other = perturbed(study, 0.1)
    for run in other["runs"]:
        run["test"]["correct"] -= 300
    verdict = judged(study, other)
    assert verdict.outcome == DIFFERENT
    assert not verdict.favourable


@pytest.mark.parametrize("what", ["changed recipe", "fewer images", "changed recipe of the second"])
def test_rounding_is_not_judged_where_its_growth_was_not_measured(study: dict[str, Any], what: str) -> None:
    """Another learning rate or another number of steps an epoch lets rounding grow in another way."""
    if what == "changed recipe":
        study["recipe"]["learning_rate"] = 0.02
    if what == "fewer images":
        study["data"]["counts"]["train"]["frog"] -= 1
    other = copy.deepcopy(study)
    other["runs"][0]["epochs"][0]["weights_sha256"] = "0" * 64
    if what == "changed recipe of the second":
        other["recipe"]["learning_rate"] = 0.02
    verdict = judged(study, other)
    assert verdict.checks[1].holds is None
    assert verdict.outcome == EQUIVALENT


def test_rounding_was_measured_for_one_recipe_alone(study: dict[str, Any]) -> None:
    """Of which nothing but the number of epochs may differ."""
    results = as_study(study)
    other: dict[str, Any] = {
        "batch_size": 10,
        "learning_rate": 0.02,
        "valid_fraction": 0.1,
        "dropout": 0.0,
        "augmentation": "flip-rotate",
        "network": "keras",
        "optimizer": "rmsprop",
        "momentum": 0.9,
        "learning_rate_decay": 1e-6,
        "pixels": "unit",
        "loss_window": 100,
    }
    assert {f.name for f in fields(Recipe)} == {*other, "name", "epochs", "validation"}
    for name, value in other.items():
        assert growth(results.recipe.with_changes({name: value}), results.data) is None, name
    for recipe in (RECIPES["udacity-augmented"], RECIPES["pytorch-blitz"]):
        assert growth(recipe, results.data) is None
    validation = {"validation": "none", "valid_fraction": 0.0}
    assert growth(results.recipe.with_changes(validation), results.data) is None
    assert growth(results.recipe.with_changes({"epochs": 7}), results.data) is not None


@pytest.mark.parametrize("part", ["train", "test"])
def test_other_data_is_told_and_forbids_the_first_rungs(
    study: dict[str, Any], other: dict[str, Any], part: str
) -> None:
    """Equal numbers on other data are no equal runs."""
    fingerprints = {**other["data"]["fingerprints"], part: "c" * 64}
    other["data"] = {**other["data"], "official": False, "fingerprints": fingerprints}
    verdict = judged(study, other)
    assert verdict.outcome == EQUIVALENT
    assert [check.holds for check in verdict.checks] == [False, False, True]
    assert any(part in note and "other images" in note for note in verdict.notes)


def test_another_number_of_epochs_forbids_the_first_rungs(study: dict[str, Any], other: dict[str, Any]) -> None:
    """Runs of three epochs and of four are no equal runs, though their accuracies may be equivalent."""
    for run in other["runs"]:
        run["epochs"].pop()
    assert [check.holds for check in judged(study, other).checks] == [False, False, True]

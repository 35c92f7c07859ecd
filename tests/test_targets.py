"""Accuracy targets: what a right build reaches all but surely, and what they are taken from."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks import measure_targets, targets
from benchmarks.targets import Distribution
from cifar_repro.core import official
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import RECIPES
from tests.make_studies import HEADER, make_study, write_study
from tools import results

FINGERPRINTS = {"train": "a", "test": "b"}


def distribution(accuracy: dict[str, float], **changes) -> Distribution:
    values = {"recipe": "udacity", "data": "synthetic", "epochs": 1, "fingerprints": FINGERPRINTS, "measured": {}}
    return Distribution(**{**values, "accuracy": accuracy, **changes})


@pytest.mark.parametrize("n", [3, 10])
def test_one_run_in_a_thousand_falls_below_its_target(n):
    """Of simulated normal accuracies: `n` to set the target and one more to miss it or not."""
    trials = 200_000
    draws = np.random.default_rng(0).normal(size=(trials, n + 1))
    target = draws[:, :n].mean(1) - targets.factor(n) * draws[:, :n].std(1, ddof=1)
    missed = int((draws[:, n] < target).sum())
    lowest, highest = binom(trials, targets.FALSE_ALARM).interval(0.9999)
    assert lowest <= missed <= highest, f"{missed / trials:.5f} of the runs miss their target"


def test_a_target_is_the_mean_less_k_standard_deviations():
    # t(0.999, 2) is 22.327 (any table); times sqrt(1 + 1/3), 25.781.
    measured = distribution({"0": 0.5, "1": 0.6, "2": 0.7})
    assert measured.target == pytest.approx(0.6 - 25.781 * 0.1, abs=1e-4)


def test_measured_accuracies_are_added_seed_by_seed(tmp_path):
    path = tmp_path / "targets.json"
    assert targets.read(path) == []
    measure_targets.keep(distribution({"0": 0.5}), path)
    measure_targets.keep(distribution({"0": 0.4}, epochs=2), path)
    measure_targets.keep(distribution({"1": 0.6, "2": 0.7}), path)
    measure_targets.keep(distribution({"2": 0.8}), path)  # measured again
    assert targets.find("udacity", "synthetic", 1, path).accuracy == {"0": 0.5, "1": 0.6, "2": 0.8}
    assert targets.find("udacity", "synthetic", 2, path).accuracy == {"0": 0.4}
    assert targets.find("udacity", "official", 1, path) is None


def test_all_processors_that_accuracies_were_measured_on_are_kept(tmp_path):
    """And of the rest what was said last."""
    path = tmp_path / "targets.json"
    for seed, cpu in enumerate(["Xeon 8481C", "EPYC", "Xeon", "EPYC"]):
        measured = {"date": f"day {seed}", "cpu": cpu, "threads": 1}
        kept = measure_targets.keep(distribution({str(seed): 0.5}, measured=measured), path)
    assert kept.measured == {"date": "day 3", "cpu": "Xeon 8481C and EPYC and Xeon", "threads": 1}


def test_accuracies_on_other_images_are_refused(tmp_path):
    path = tmp_path / "targets.json"
    measure_targets.keep(distribution({"0": 0.5}), path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="not the images"):
        measure_targets.keep(distribution({"1": 0.5}, fingerprints={"train": "c", "test": "b"}), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"official": True, "fingerprints": official.FINGERPRINTS}, "official"),
        ({"reordered": True}, "reordered"),
        ({}, "unofficial"),
        ({"kind": "synthetic"}, "synthetic"),
    ],
    ids=["official", "reordered", "unofficial", "synthetic"],
)
def test_a_complete_run_is_taken_for_what_its_record_says(tmp_path, monkeypatch, data, kind):
    kept = []
    monkeypatch.setattr(measure_targets, "keep", lambda distribution: kept.append(distribution) or distribution)
    study = write_study(tmp_path / "study", make_study([70.5], recipe="pytorch-blitz", official=False))
    (run,) = json.loads((study / "study.json").read_text())["runs"]
    described = {**HEADER["data"], "kind": "binary", **data}
    recipe = {**asdict(RECIPES["pytorch-blitz"]), "overridden": []}
    entries = {name: run[name] for name in ("seeds", "environment", "epochs", "best", "test")}
    content = {"schema": 1, "status": "complete", "recipe": recipe, "data": described, **entries, "stopped": None}
    (tmp_path / "record.json").write_text(json.dumps(content))
    measure_targets.take(tmp_path)
    (taken,) = kept
    found = (taken.recipe, taken.data, taken.epochs, taken.fingerprints, taken.accuracy)
    assert found == ("pytorch-blitz", kind, 2, described["fingerprints"], {"0": 0.705})
    assert taken.measured["torch"] == run["environment"]["torch"]
    (tmp_path / "record.json").write_text(json.dumps({**content, "status": "unfinished", "test": None}))
    with pytest.raises(InputError, match="not a complete run"):
        measure_targets.take(tmp_path)


def test_the_runs_of_a_study_are_taken_one_by_one(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(measure_targets, "keep", lambda distribution: kept.append(distribution) or distribution)
    study = make_study([70.5, 71.0], recipe="pytorch-blitz")
    measure_targets.take(write_study(tmp_path / "study", study))
    assert [(taken.data, taken.accuracy) for taken in kept] == [("official", {"0": 0.705}), ("official", {"1": 0.71})]
    changed = {**study["recipe"], "learning_rate": 0.3, "overridden": ["learning_rate"]}
    with pytest.raises(InputError, match="not of a registered recipe as it is"):
        measure_targets.take(write_study(tmp_path / "changed", {**study, "recipe": changed}))


def test_the_targets_of_whole_recipes_are_of_the_kept_results():
    """Seed by seed, where the recipe has enough of them for a target."""
    for name, study in results.kept().items():
        target = targets.find(name, "official", study.recipe.epochs)
        accuracies = {str(run.seeds.init): run.test.accuracy for run in study.runs}
        assert (target.accuracy if target else {}) == (accuracies if len(accuracies) >= 5 else {})


def test_the_measured_targets_are_of_seeds_that_no_check_uses():
    for measured in targets.read():
        assert str(targets.CHECKED_SEED) not in measured.accuracy
        assert len(measured.accuracy) >= 5, f"{measured.recipe}, {measured.data}, {measured.epochs}: too few seeds"
        assert 0.1 < measured.target < measured.mean < 1, "no better than guessing"

"""Whether a published run is one that the runs of a study lead to expect; docs/comparing.md has the method.

Published results come in the forms of `published`; each gives claims: numbers of one run, known to lie within bounds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from cifar_repro import statistics
from cifar_repro.core.errors import InputError
from cifar_repro.core.training import Epoch
from cifar_repro.runs.record import data_label, steps_an_epoch
from cifar_repro.statistics import LEVEL
from cifar_repro.studies.study_file import Study, StudyRun
from cifar_repro.verdicts.published import LESSON_NAMES, STEPS, WINDOW, cut, rounded
from cifar_repro.verdicts.verdict import (
    CONSISTENT,
    INCONCLUSIVE,
    NOT_CONSISTENT,
    Check,
    Verdict,
    accuracy,
    check_results,
    left_out,
    tested,
)

# Two runs predict a third within 16 standard deviations: nearly anything would be consistent with them.
FEWEST_RUNS = 3
LOSSES = ("train_loss", "valid_loss")


@dataclass(frozen=True)
class Claim:
    """m numbers of one published run. low, high: the bounds of each; equal where it was published exactly.

    of_run: what the number of that place is in a run of a study. unit: "%", or "" for losses.
    """

    name: str
    places: list[str]
    of_run: Callable[[StudyRun], list[float]]
    low: list[float]
    high: list[float]
    unit: str = ""


def with_published(results: Study, published: dict[str, Any], name: str = "the study") -> Verdict:
    """Consistent, not consistent, or inconclusive with the published run (each of them, where there are more).

    name: what errors call the results.
    Not consistent: a claim of it is rejected at 5 % after Holm's correction for the number of claims.
    """
    check_results(results, name)
    if results.vary:
        raise InputError(f"vary: the study varies the {results.vary} seed alone, a new run all: give such a study")
    n = len(results.runs)
    claims, notes = _claims(published, results)
    comparisons = []
    for claim in claims:
        values = _values(claim, results.runs)
        if values is None:
            notes.append(f"{claim.name} is not compared: the runs have no such numbers")
        else:
            comparisons.append(_Comparison(claim, values))
    judged = [c.p for c in comparisons if not math.isnan(c.p)]
    adjusted = iter(statistics.holm(judged))
    checks = [_check(c, None if math.isnan(c.p) else next(adjusted), len(judged)) for c in comparisons]

    needed = FEWEST_RUNS if n < FEWEST_RUNS else None
    if any(check.holds is False for check in checks):
        outcome, needed = NOT_CONSISTENT, None
    elif needed or len(judged) < len(comparisons) or not comparisons:
        outcome = INCONCLUSIVE
    else:
        outcome = CONSISTENT
    if needed:
        count = f"{n} run{'s' if n > 1 else ''}"
        notes.append(f"{count} cannot tell what a new run would give: run at least {FEWEST_RUNS} seeds, better 10")
    return Verdict(outcome, checks, [*_about_the_data(results, published), *left_out(results), *notes], needed)


def _values(claim: Claim, runs: Sequence[StudyRun]) -> statistics.Floats | None:
    """(n, m): the claim's numbers in each of n runs; None where they have no such numbers."""
    try:
        values = np.array([claim.of_run(run) for run in runs], dtype=float)
    except (KeyError, TypeError, ValueError):  # a class is missing, a number is None, or there are not as many in all
        return None
    return values if values.shape == (len(runs), len(claim.places)) and np.isfinite(values).all() else None


class _Comparison:
    """A claim, the (n, m) values of n runs, and how surprising the claim is: each number's p-value, and one for all."""

    def __init__(self, claim: Claim, values: statistics.Floats):
        self.claim, self.values = claim, values
        m = len(claim.places)
        self.each = statistics.prediction_p(values, claim.low, claim.high) if len(values) > 1 else np.full(m, np.nan)
        self.p = statistics.bonferroni(self.each)


def _check(comparison: _Comparison, adjusted: float | None, claims: int) -> Check:
    """The check of one of so many claims, whose p-value after Holm's correction is `adjusted`; None: no spread."""
    claim, values, p = comparison.claim, comparison.values, comparison.each
    n, m = values.shape
    unit = f" {claim.unit}".rstrip()
    numbers: dict[str, Any] = {"places": claim.places, "published_low": claim.low, "published_high": claim.high}
    numbers["mean"] = values.mean(axis=0).tolist()
    if adjusted is None:
        why = "all runs are equal in it" if n > 1 else "one run has no spread to judge by"
        what = f"mean {numbers['mean'][0]:.4g}{unit}, published {_bounds(claim, 0)}" if m == 1 else f"{m} numbers"
        return Check(claim.name, None, f"{what}: {why}", numbers)
    low, high = statistics.prediction_interval(values, LEVEL / m)
    outside = [i for i in range(m) if p[i] < LEVEL / m]
    numbers |= {"low": low.tolist(), "high": high.tolist(), "outside": [claim.places[i] for i in outside]}
    numbers |= {"p": comparison.p, "p_adjusted": adjusted}
    # At the level at which Holm's procedure judges the first claim.
    numbers["detectable"] = (statistics.detectable(n, LEVEL / m / claims) * values.std(axis=0, ddof=1)).tolist()
    interval = [f"{low[i]:.4g} to {high[i]:.4g}{unit}" for i in range(m)]
    if m == 1:
        where = "outside" if outside else "inside"
        sentence = f"published {_bounds(claim, 0)}; a new run is expected at {interval[0]} (95 %): {where}. "
        off = f"{numbers['detectable'][0]:.2g}{' points' if unit else ''}"
        sentence += f"One that is {off} off the mean is found with a probability of 80 %"
    elif outside:
        first = outside[0]
        sentence = f"{len(outside)} of {m} outside of the 95 % band for all of them, first {claim.places[first]}: "
        sentence += f"published {_bounds(claim, first)}, band {interval[first]}"
    else:
        sentence = f"all {m} inside of the 95 % band for all of them"
    if np.isnan(p).any():
        equal = [claim.places[i] for i in range(m) if np.isnan(p[i])]
        sentence += f"; not judged, for all runs are equal in it: {', '.join(equal)}"
    if outside and adjusted >= LEVEL:
        sentence += f". As one of {claims} claims that is no surprise (Holm, p = {adjusted:.2g})"
    return Check(claim.name, bool(adjusted >= LEVEL), sentence, numbers)


def _bounds(claim: Claim, i: int) -> str:
    low, high, unit = claim.low[i], claim.high[i], f" {claim.unit}".rstrip()
    return f"{low:g}{unit}" if low == high else f"{low:g} to {high:g}{unit}"


def _about_the_data(results: Study, published: dict[str, Any]) -> list[str]:
    """Why a verdict is none on the published result, if so."""
    notes = []
    recipe = results.recipe
    if not results.data.official:
        notes.append(f"This is no verdict on the published result: the runs are on {data_label(results.data)}")
    if recipe.name != published["recipe"]:
        notes.append(f"The runs are of the recipe {recipe.name}, the published result is of {published['recipe']}")
    if changed := recipe.changes():
        changes = ", ".join(f"{name} {getattr(recipe, name)}" for name in changed)
        notes.append(f"The runs are of a changed recipe: {changes}")
    return notes


# ---- what was published ---------------------------------------------------------------------------------------------


def _claims(published: dict[str, Any], results: Study) -> tuple[list[Claim], list[str]]:
    """The claims that the runs of a study can be compared with, and notes on those that they cannot."""
    epochs = len(results.runs[0].epochs)
    claims: list[Claim] = []
    notes: list[str] = []
    if "epochs" in published:  # one run: its curve, and its test
        shown = [e for e in published["epochs"] if e["epoch"] <= epochs]
        claims.append(_loss_curve(shown))
        if epochs > 1:
            claims.append(_mean_losses(shown))
        length = published["epochs"][-1]["epoch"]
        if length == epochs:
            claims += _exact_test(published["test"])
        else:
            notes.append(f"Test results are not compared: the published run has {length} epochs, these have {epochs}")
    for number, run in enumerate(published.get("runs", ()), start=1):
        prefix = f"published run {number}: "
        if other := _other_steps(results):
            notes.append(f"{prefix}running loss is not compared: {other}")
        else:
            steps = [step for step in run["running_loss"] if step["epoch"] <= epochs]
            claims.append(_running_loss(prefix + "running loss", steps))
        length = run["running_loss"][-1]["epoch"]
        if length == epochs:
            claims += _whole_percents(prefix, run)
        else:
            notes.append(f"Test results of {prefix}not compared: it has {length} epochs, these have {epochs}")
    for claim in published.get("claims", ()):
        epoch, percent = claim["epoch"], claim["valid_accuracy_percent"]
        if epoch > epochs:
            notes.append(f"{percent} % at epoch {epoch} is not compared: these runs have {epochs} epochs")
            continue
        claims.append(_round_percent(epoch, percent))
        low, high = rounded(percent)
        notes.append(f"{percent} % at epoch {epoch} is a round number: taken as {low:g} to {high:g}")
    return claims, notes


def _losses(epochs: Sequence[Epoch]) -> list[float]:
    return [_known(loss) for epoch in epochs for loss in (epoch.train_loss, epoch.valid_loss)]


def _known(number: float | None) -> float:
    """Raises TypeError for None: what the recipe does not give; see `_values`."""
    if number is None:
        raise TypeError
    return number


def _loss_curve(epochs: list[dict[str, Any]]) -> Claim:
    values = [float(e[name]) for e in epochs for name in LOSSES]
    places = [f"{name} of epoch {e['epoch']}" for e in epochs for name in LOSSES]
    return Claim(
        "loss curve",
        places,
        lambda run: _losses(run.epochs[: len(epochs)]),
        values,
        values,
    )


def _mean_losses(epochs: list[dict[str, Any]]) -> Claim:
    """What a curve that lies a little lower or higher all along shows more surely than any one of its points."""

    def means(losses: list[float]) -> list[float]:
        return [fmean(losses[k :: len(LOSSES)]) for k in range(len(LOSSES))]

    places = [f"{name}, mean of {len(epochs)} epochs" for name in LOSSES]
    values = means([float(e[name]) for e in epochs for name in LOSSES])
    return Claim("mean losses", places, lambda run: means(_losses(run.epochs[: len(epochs)])), values, values)


def _exact_test(test: dict[str, Any]) -> list[Claim]:
    """Accuracy, loss and per-class accuracy of a test that was published with its counts."""
    percent, loss = 100 * test["correct"] / test["total"], float(test["loss"])
    classes = [c["name"] for c in test["per_class"]]
    per_class = [100 * c["correct"] / c["total"] for c in test["per_class"]]
    return [
        Claim("test accuracy", ["test accuracy"], lambda run: [accuracy(run)], [percent], [percent], "%"),
        Claim("test loss", ["test loss"], lambda run: [tested(run).loss], [loss], [loss]),
        Claim("accuracy per class", classes, lambda run: _per_class(run, classes), per_class, per_class, "%"),
    ]


def _per_class(run: StudyRun, names: list[str]) -> list[float]:
    of = {c.name: 100 * c.correct / c.total for c in tested(run).per_class if c.total}
    return [of[name] for name in names]


def _other_steps(results: Study) -> str:
    """Why the running losses of these runs are not those of the published steps, or nothing."""
    window, steps = results.recipe.loss_window, steps_an_epoch(results.recipe, results.data)
    if not window or (window, steps) == (WINDOW, STEPS):  # runs without them have no such numbers
        return ""
    return (
        f"its means are over {WINDOW:,} of {STEPS:,} steps an epoch, those of these runs over {window:,} of {steps:,}"
    )


def _running_loss(name: str, steps: list[dict[str, Any]]) -> Claim:
    values = [float(step["loss"]) for step in steps]
    places = [f"epoch {step['epoch']}, mini-batch {step['minibatch']:,}" for step in steps]
    return Claim(
        name,
        places,
        lambda run: [loss for e in run.epochs for loss in e.running_loss][: len(steps)],
        values,
        values,
    )


def _whole_percents(prefix: str, run: dict[str, Any]) -> list[Claim]:
    """Percentages cut to whole numbers."""
    claims = []
    if "test_accuracy_percent" in run:
        low, high = cut(run["test_accuracy_percent"])
        name = prefix + "test accuracy"
        claims.append(Claim(name, [name], lambda run: [accuracy(run)], [low], [high], "%"))
    if "per_class_percent" in run:
        classes = [LESSON_NAMES.get(name, name) for name in run["per_class_percent"]]
        lows, highs = ([cut(value)[end] for value in run["per_class_percent"].values()] for end in (0, 1))
        name = prefix + "accuracy per class"
        claims.append(Claim(name, classes, lambda run: _per_class(run, classes), lows, highs, "%"))
    return claims


def _round_percent(epoch: int, percent: float) -> Claim:
    low, high = rounded(percent)
    name = f"validation accuracy at epoch {epoch}"
    return Claim(
        name,
        [name],
        lambda run: [100 * _known(run.epochs[epoch - 1].valid_accuracy)],
        [low],
        [high],
        "%",
    )

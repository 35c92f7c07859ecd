"""What was published of one run, as claims that the runs of a study can be compared with: docs/comparing.md.

Published results come in the forms of `published`; each gives claims: numbers of one run, known to lie within bounds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from cifar_repro.core.training import Epoch
from cifar_repro.runs.record import steps_an_epoch
from cifar_repro.statistics import Floats
from cifar_repro.studies.study_file import Study, StudyRun
from cifar_repro.verdicts.published import LESSON_NAMES, STEPS, WINDOW, cut, rounded
from cifar_repro.verdicts.verdict import accuracy, tested

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


def claims_of(published: dict[str, Any], results: Study) -> tuple[list[Claim], list[str]]:
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
            claims += _exact_test(published["test"]) if "test" in published else []
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


def values_of(claim: Claim, runs: Sequence[StudyRun]) -> Floats | None:
    """(n, m): the claim's numbers in each of n runs; None where they have no such numbers."""
    try:
        values = np.array([claim.of_run(run) for run in runs], dtype=float)
    except (KeyError, TypeError, ValueError):  # a class is missing, a number is None, or there are not as many in all
        return None
    return values if values.shape == (len(runs), len(claim.places)) and np.isfinite(values).all() else None


def _losses(epochs: Sequence[Epoch]) -> list[float]:
    return [_known(loss) for epoch in epochs for loss in (epoch.train_loss, epoch.valid_loss)]


def _known(number: float | None) -> float:
    """Raises TypeError for None: what the recipe does not give; see `values_of`."""
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

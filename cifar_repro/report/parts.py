"""What the report says of one run or study, in the form that its template takes."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from cifar_repro.core.recipe import Seeds
from cifar_repro.report import charts as report_charts
from cifar_repro.report import lines
from cifar_repro.report import tables as report_tables
from cifar_repro.report.charts import number, percent, published_share
from cifar_repro.report.lines import Curves
from cifar_repro.report.published import Published, published_of
from cifar_repro.report.repeat import steps
from cifar_repro.runs.code import code_labels
from cifar_repro.runs.record import Data, changed, data_label
from cifar_repro.studies.study_file import Spread, Study
from cifar_repro.studies.summary import FEWEST_FOR_INTERVAL, between
from cifar_repro.verdicts.verdict import CONSISTENT, INCONCLUSIVE, NOT_CONSISTENT, Verdict

LOSS = "Loss: how little the network expects the true class (cross-entropy, in nats); lower is better."


def section(study: Study, verdict: Verdict | None = None) -> dict[str, Any]:
    """All that the template shows of a study but the pictures; a run is a study of one, `test` None if it has none."""
    recipe, test = study.recipe, study.test
    known = published_of(recipe, study.data)
    curves = report_charts.curves(study, known, verdict)
    return {
        "title": recipe.name,
        "seeds": _seeds(study),
        "line": _line(study),
        "changes": [each.replace("_", " ") for each in changed(recipe)],
        "data": _data(study.data),
        "notices": _notices(study),
        "one": len(study.runs) == 1,
        "overall": test and {"accuracy": test.accuracy.mean, "loss": test.loss.mean},
        "tiles": _tiles(study, known),
        "verdict": verdict and _verdict(verdict),
        "curves": drawn(curves),
        "curve_note": _curve_note(study, curves, verdict),
        "epochs": report_tables.epochs(study, known),
        "spreads": report_charts.spreads(study, test, known, verdict) if test else [],
        "spread_note": _spread_note(study, verdict),
        "classes": report_charts.classes(study, test, known) if test else None,
        "confusion": report_tables.confusion(study) if test else None,
        "steps": steps(study),
        "recipe": report_tables.recipe(study),
        "environment": report_tables.environment(study),
        "seed_names": report_tables.seed_names(study),
        "runs": [report_tables.run(run) for run in study.runs],
        "sources": known.sources if known else [],
    }


def drawn(curves: Sequence[Curves]) -> list[dict[str, Any]]:
    """The charts, each for a narrow place and for a wide one."""
    return [
        {"name": c.name, "unit": c.unit, "narrow": lines.curves(c), "wide": lines.curves(c, wide=True)} for c in curves
    ]


def _notices(study: Study) -> list[str]:
    """What a reader must know before the results."""
    notices = []
    if study.vary:
        notices.append(
            f"Only the {study.vary} seed varies here: the spread is what this one source of randomness gives."
        )
    for lost in study.diverged:
        where = f"in epoch {lost.stopped.epoch}"
        notices.append(f"{lost.folder} diverged {where}: it is left out of all that follows.")
    if len(code := code_labels(run.code for run in study.runs)) > 1:
        notices.append(f"The runs are not known to be of the same code: {'; '.join(code)}.")
    if study.test is None:
        epochs = len(study.runs[0].epochs)
        notices.append(f"The run is not complete: {epochs} of {study.recipe.epochs} epochs, and no test yet.")
    return notices


def _verdict(verdict: Verdict) -> dict[str, Any]:
    words = {
        CONSISTENT: "Consistent with the published numbers",
        NOT_CONSISTENT: "Not consistent with the published numbers",
    }
    return {
        "word": words.get(verdict.outcome, verdict.outcome.capitalize()),
        "notes": verdict.notes,
        # Where nothing can be said as a whole, no comparison gets a tick.
        "checks": [replace(c, holds=None) if verdict.outcome == INCONCLUSIVE else c for c in verdict.checks],
    }


def _chooses(study: Study) -> bool:
    """Whether the validation chooses the weights that are tested."""
    return study.recipe.tests_best


def _curve_note(study: Study, curves: Sequence[Curves], verdict: Verdict | None) -> str:
    """How to read the curves."""
    series = [each for chart in curves for each in chart.series]
    parts = [LOSS]
    if len(study.runs) > 1:
        parts.append("Thin lines: each seed. Thick line: their mean.")
    if any(each.band for each in series):
        parts.append(
            "Shaded: where one new run is expected, in 95 of 100 cases with all its epochs."
            if report_charts.new_run(verdict, "loss curve")
            else "Shaded: the 95 % interval of the mean, epoch by epoch."
        )
    if any(each.published for each in series):
        parts.append("Dashed: published, in the colour of what it is of.")
    if _chooses(study):
        parts.append("Circle: the lowest validation loss, whose weights are tested.")
    else:
        parts.append("The weights of the last epoch are tested.")
    return " ".join(parts)


def _spread_note(study: Study, verdict: Verdict | None) -> str:
    if len(study.runs) == 1:
        return (
            "The interval of the accuracy is what the finite number of test images leaves open (Wilson); what another "
            "seed would give is not in it."
        )
    note = "The interval of the mean says how well these seeds fix it (Student's t)."
    if len(study.runs) < FEWEST_FOR_INTERVAL:
        note = f"{len(study.runs)} seeds are too few for an interval of the mean: the lowest and the highest are given."
    if report_charts.new_run(verdict, "test accuracy"):
        note += " A new run: where the result of one more seed is expected in 95 of 100 cases."
    parts = study.variance
    if parts and parts.shares:
        share, low, high = parts.shares
        note += (
            f" Of the variance of the accuracy between seeds, {percent(share, 0)} ({percent(low, 0)} to "
            f"{percent(high, 0)}) is there because there are only {parts.images:,} test images; the networks "
            f"themselves differ by a standard deviation of {100 * parts.networks**0.5:.2f} points."
        )
    return note


def _seeds(study: Study) -> str:
    """ "seed 3", "10 seeds (0 to 9)", or which source of randomness the seeds are of."""
    seeds = [run.seeds for run in study.runs]
    if len(seeds) == 1:
        if seeds[0] == Seeds.all(seeds[0].split):
            return f"seed {seeds[0].split}"
        return ", ".join(f"{name} seed {value}" for name, value in asdict(seeds[0]).items())
    values = [getattr(s, study.vary or "init") for s in seeds]
    run_on = values == list(range(values[0], values[0] + len(values)))
    which = f"{values[0]} to {values[-1]}" if run_on else ", ".join(map(str, values))
    return f"{len(seeds)} seeds" + (f" of the {study.vary} alone" if study.vary else "") + f" ({which})"


def _line(study: Study) -> str:
    """What was run on what, in one sentence."""
    environments = [run.environment for run in study.runs]
    many, epochs = len(study.runs), study.recipe.epochs
    images = f"{study.data.images('train'):,} training images and {study.data.images('test'):,} test images"
    where = report_tables.distinct([e.gpu or e.cpu for e in environments])
    threads = report_tables.distinct([e.threads for e in environments])
    on = "" if environments[0].gpu else f", {threads} thread{'s' * (threads != '1')}"
    torch = report_tables.distinct([e.torch for e in environments])
    runs = f"{many} runs" if many > 1 else "One run"
    return f"{runs} of {epochs} epoch{'s' * (epochs != 1)} on {images}; torch {torch}, {where}{on}."


def _data(data: Data) -> dict[str, Any]:
    if data.kind == "synthetic":
        level, means = "synthetic", "drawn pictures: these results say nothing about CIFAR-10 or any published result."
    elif data.official:
        level, means = "official", "all images and labels have the official fingerprints."
    elif data.reordered:
        level = "reordered"
        means = "seeds shuffle them anyway, so results compare with published ones; the bits of a run do not."
    else:
        level = "other"
        means = "not the official bytes, so nothing here is a reproduction of a published result."
    parts = [
        {"name": "training", "images": data.images("train"), "fingerprint": data.fingerprints.train},
        {"name": "test", "images": data.images("test"), "fingerprint": data.fingerprints.test},
    ]
    return {"level": level, "label": data_label(data), "means": means, "parts": parts}


def _tiles(study: Study, known: Published | None) -> list[dict[str, str]]:
    """The results in large type."""
    tiles: list[dict[str, str]] = []
    results, one = study.runs[0].test, len(study.runs) == 1

    def add(
        name: str,
        spread: Spread,
        values: Sequence[float],
        written: Callable[[float], str],
        published: str,
        alone: str,
    ) -> None:
        detail = alone
        low, high = between(spread, values)
        if low is not None and high is not None and spread.sd is not None:
            sd, what = written(spread.sd).replace("%", "points"), "95 % interval"
            what = "from" if len(values) < FEWEST_FOR_INTERVAL else what
            detail = f"mean; {what} {written(low)} to {written(high)}; standard deviation {sd}"
        value = "N/A" if spread.mean is None else written(spread.mean)
        tiles.append({"name": name, "value": value, "detail": detail, "published": published})

    tests = [run.test for run in study.runs if run.test]
    if study.test and results:
        accuracy = published_share(known.accuracy) if known and known.accuracy else ""
        add(
            "Test accuracy",
            study.test.accuracy,
            [t.accuracy for t in tests],
            percent,
            accuracy,
            f"{results.correct:,} of {results.total:,} images",
        )
        loss = number(known.loss) if known and known.loss is not None else ""
        add("Test loss", study.test.loss, [t.loss for t in tests], number, loss, "nats per image")
    best = [run.best for run in study.runs if run.best]
    lowest = [b.valid_loss for b in best if b.valid_loss is not None]
    if lowest and _chooses(study):
        curve = known.curves.get("valid_loss") if known else None
        published = ""
        if curve:
            epoch, least = min(curve[0], key=lambda point: point[1])
            published = f"{number(least)}, epoch {epoch:g}"
        at = [b.epoch for b in best]
        epochs = f"epoch {at[0]}" if len(set(at)) == 1 else f"epochs {min(at)} to {max(at)}"
        when = epochs if one else f"mean; in {epochs}"
        value = number(float(np.mean(lowest)))
        tiles.append({"name": "Lowest validation loss", "value": value, "detail": when, "published": published})
    return tiles

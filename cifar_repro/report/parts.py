"""What the report says of one run or study, in the form that its template takes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cifar_repro.report import charts as report_charts
from cifar_repro.report import svg
from cifar_repro.report import tables as report_tables
from cifar_repro.report.charts import number, percent, published_share
from cifar_repro.report.published import Published, published_of
from cifar_repro.report.repeat import steps
from cifar_repro.runs.record import data_label, recipe_of
from cifar_repro.verdicts.verdict import CONSISTENT, INCONCLUSIVE, NOT_CONSISTENT, Verdict

Study = dict[str, Any]


def section(study: Study, verdict: Verdict | None = None) -> dict[str, Any]:
    """All that the template shows of a study but the pictures; a run is a study of one, `test` None if it has none."""
    recipe, test = study["recipe"], study["test"]
    known = published_of(recipe, study["data"])
    curves = report_charts.curves(study, known, verdict)
    return {
        "title": recipe["name"],
        "seeds": _seeds(study),
        "line": _line(study),
        "changes": [f"{name.replace('_', ' ')} {recipe[name]}" for name in recipe["overridden"]],
        "data": _data(study["data"]),
        "notices": _notices(study),
        "one": len(study["runs"]) == 1,
        "overall": test and {name: test[name]["mean"] for name in ("accuracy", "loss")},
        "tiles": _tiles(study, known),
        "verdict": verdict and _verdict(verdict),
        "curves": [{"name": c.name, "unit": c.unit, "drawn": svg.curves(c)} for c in curves],
        "curve_note": _curve_note(study, curves, verdict),
        "epochs": report_tables.epochs(study, known),
        "spreads": report_charts.spreads(study, known, verdict) if test else [],
        "spread_note": _spread_note(study, verdict),
        "classes": report_charts.classes(study, known) if test else None,
        "confusion": report_tables.confusion(study) if test else None,
        "steps": steps(study),
        "recipe": report_tables.recipe(study),
        "environment": report_tables.environment(study),
        "seed_names": report_tables.seed_names(study),
        "runs": [report_tables.run(run) for run in study["runs"]],
        "sources": known.sources if known else [],
    }


def _notices(study: Study) -> list[str]:
    """What a reader must know before the results."""
    notices = []
    if study["vary"]:
        notices.append(
            f"Only the {study['vary']} seed varies here: the spread is what this one source of randomness gives."
        )
    for lost in study["diverged"]:
        where = f"in epoch {lost['stopped']['epoch']}"
        notices.append(f"{lost['folder']} diverged {where}: it is left out of all that follows.")
    if study["test"] is None:
        epochs = len(study["runs"][0]["epochs"])
        notices.append(f"The run is not complete: {epochs} of {study['recipe']['epochs']} epochs, and no test yet.")
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
    return recipe_of(study).tests_best


def _curve_note(study: Study, curves: Sequence[svg.Curves], verdict: Verdict | None) -> str:
    """How to read the curves."""
    parts = [] if len(study["runs"]) == 1 else ["Thin lines: each seed. Thick line: their mean."]
    if any(chart.band for chart in curves):
        parts.append(
            "Shaded: where one new run is expected, in 95 of 100 cases with all its epochs."
            if report_charts.new_run(verdict, "loss curve")
            else "Shaded: the 95 % interval of the mean, epoch by epoch."
        )
    if any(chart.published for chart in curves):
        parts.append("Dashed: published.")
    if _chooses(study):
        parts.append("Circle: the lowest validation loss, whose weights are tested.")
    else:
        parts.append("The weights of the last epoch are tested.")
    return " ".join(parts)


def _spread_note(study: Study, verdict: Verdict | None) -> str:
    if len(study["runs"]) == 1:
        return (
            "The interval of the accuracy is what the finite number of test images leaves open (Wilson); what another "
            "seed would give is not in it."
        )
    note = "The interval of the mean says how well these seeds fix it (Student's t)."
    if report_charts.new_run(verdict, "test accuracy"):
        note += " A new run: where the result of one more seed is expected in 95 of 100 cases."
    parts = study["variance"]
    if parts and parts["test_set_share"] is not None:
        share, low, high = (parts[f"test_set_share{end}"] for end in ("", "_low", "_high"))
        note += (
            f" Of the variance of the accuracy between seeds, {percent(share, 0)} ({percent(low, 0)} to "
            f"{percent(high, 0)}) is there because there are only {parts['images']:,} test images; the networks "
            f"themselves differ by a standard deviation of {100 * parts['networks'] ** 0.5:.2f} points."
        )
    return note


def _seeds(study: Study) -> str:
    """ "seed 3", "10 seeds (0 to 9)", or which source of randomness the seeds are of."""
    seeds = [run["seeds"] for run in study["runs"]]
    if len(seeds) == 1:
        if len(different := set(seeds[0].values())) == 1:
            return f"seed {different.pop()}"
        return ", ".join(f"{name} seed {value}" for name, value in seeds[0].items())
    values = [s[study["vary"] or "init"] for s in seeds]
    run_on = values == list(range(values[0], values[0] + len(values)))
    which = f"{values[0]} to {values[-1]}" if run_on else ", ".join(map(str, values))
    return f"{len(seeds)} seeds" + (f" of the {study['vary']} alone" if study["vary"] else "") + f" ({which})"


def _line(study: Study) -> str:
    """What was run on what, in one sentence."""
    counts, environments = study["data"]["counts"], [run["environment"] for run in study["runs"]]
    many, epochs = len(study["runs"]), study["recipe"]["epochs"]
    images = " and ".join(
        f"{sum(counts[part].values()):,} {word} images" for part, word in (("train", "training"), ("test", "test"))
    )
    where = report_tables.distinct([e["gpu"] or e["cpu"] for e in environments])
    threads = report_tables.distinct([e["threads"] for e in environments])
    on = "" if environments[0]["gpu"] else f", {threads} thread{'s' * (threads != '1')}"
    torch = report_tables.distinct([e["torch"] for e in environments])
    runs = f"{many} runs" if many > 1 else "One run"
    return f"{runs} of {epochs} epoch{'s' * (epochs != 1)} on {images}; torch {torch}, {where}{on}."


def _data(data: dict[str, Any]) -> dict[str, Any]:
    if data["kind"] == "synthetic":
        level, means = "synthetic", "drawn pictures: these results say nothing about CIFAR-10 or any published result."
    elif data["official"]:
        level, means = "official", "the files' published md5 sums were checked."
    else:
        level = "unchecked"
        means = "no md5 sum vouches for these images, so nothing here is a reproduction of a published result."
    parts = [
        {"name": name, "images": sum(data["counts"][part].values()), "fingerprint": data["fingerprints"][part]}
        for part, name in (("train", "training"), ("test", "test"))
    ]
    return {"level": level, "label": data_label(data), "means": means, "parts": parts}


def _tiles(study: Study, known: Published | None) -> list[dict[str, str]]:
    """The results in large type."""
    tiles: list[dict[str, str]] = []
    test, one = study["test"], len(study["runs"]) == 1

    def add(name: str, summary: dict[str, Any], written: Callable[[float], str], published: str, alone: str) -> None:
        detail = alone
        if not one:
            low, high, sd = (written(summary[key]) for key in ("low", "high", "sd"))
            detail = f"mean; 95 % interval {low} to {high}; standard deviation {sd.replace('%', 'points')}"
        tiles.append({"name": name, "value": written(summary["mean"]), "detail": detail, "published": published})

    if test:
        accuracy = published_share(known.accuracy) if known and known.accuracy else ""
        results = study["runs"][0]["test"]
        add(
            "Test accuracy",
            test["accuracy"],
            percent,
            accuracy,
            f"{results['correct']:,} of {results['total']:,} images",
        )
        loss = number(known.loss) if known and known.loss is not None else ""
        add("Test loss", test["loss"], number, loss, "nats per image")
    best = [run["best"] for run in study["runs"] if run["best"]]
    if best and _chooses(study):
        lowest = [b["valid_loss"] for b in best]
        curve = known.curves.get("valid_loss") if known else None
        published = ""
        if curve:
            epoch, least = min(curve[0], key=lambda point: point[1])
            published = f"{number(least)}, epoch {epoch:g}"
        at = [b["epoch"] for b in best]
        when = f"epoch {at[0]}" if one else f"mean; in epochs {min(at)} to {max(at)}"
        value = number(float(np.mean(lowest)))
        tiles.append({"name": "Lowest validation loss", "value": value, "detail": when, "published": published})
    return tiles

"""Which charts the report draws of a run or study, and what of it is in them."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from markupsafe import Markup

from cifar_repro.report import svg
from cifar_repro.report.published import Published
from cifar_repro.runs.record import Tested, running_losses
from cifar_repro.statistics import wilson_interval
from cifar_repro.studies.study_file import Spread, Study, TestedSpread
from cifar_repro.verdicts.verdict import Verdict

NO_BREAK = "\N{NARROW NO-BREAK SPACE}"


def percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f}{NO_BREAK}%"


def published_share(share: tuple[float, float], digits: int = 2) -> str:
    """A published share, "74.51 %", or the range that it is known to lie in, "55 to 56 %"."""
    low, high = share
    return percent(low, digits) if low == high else f"{100 * low:g} to {100 * high:g}{NO_BREAK}%"


def number(value: float) -> str:
    return f"{value:.4f}"


def curves(study: Study, known: Published | None, verdict: Verdict | None) -> list[svg.Curves]:
    """Losses (and accuracy, where the recipe validates by it) over the course of training, of all runs."""
    runs, one = [run.epochs for run in study.runs], len(study.runs) == 1
    charts = []
    shown = [
        ("train_loss", "Training loss", "nats per image"),
        ("valid_loss", "Validation loss", "nats per image"),
        ("valid_accuracy", "Validation accuracy", "%"),
    ]
    for entry, name, unit in shown:
        scale = 100 if unit == "%" else 1
        lines: list[svg.Points] = [
            [(e.epoch, scale * getattr(e, entry)) for e in epochs if getattr(e, entry) is not None] for epochs in runs
        ]
        if not any(lines):
            continue
        band = _band(study, verdict, entry)
        marks = [
            (run.best.epoch, run.best.valid_loss)
            for run in study.runs
            if entry == "valid_loss" and study.recipe.tests_best and run.best and run.best.valid_loss is not None
        ]
        published = [[(x, scale * y) for x, y in line] for line in (known.curves.get(entry, []) if known else [])]
        charts.append(
            svg.Curves(
                name=name,
                unit=unit,
                x_name="epoch",
                runs=lines,
                mean=[] if one else _mean(lines),
                band=band,
                published=published,
                marks=marks,
            )
        )
    if any(epoch.running_loss for epoch in chain(*runs)):
        window = study.recipe.loss_window
        lines = [_by_thousands(running_losses(study.recipe, study.data, epochs)) for epochs in runs]
        charts = [
            svg.Curves(
                name=f"Training loss, each point the mean of {window:,} steps",
                unit="nats per image",
                x_name="thousand steps",
                runs=lines,
                mean=[] if one else _mean(lines),
                published=[_by_thousands(line) for line in (known.curves.get("running_loss", []) if known else [])],
            ),
            *charts[1:],  # the mean of a whole epoch says less
        ]
    return charts


def _by_thousands(points: svg.Points) -> list[tuple[float, float]]:
    return [(step / 1000, loss) for step, loss in points]


def _band(study: Study, verdict: Verdict | None, entry: str) -> list[tuple[float, float, float]]:
    """(epoch, low, high): where the verdict expects a new run, else the interval of the mean."""
    expected = new_run(verdict, "loss curve")
    band = [(e.epoch, *expected.get(f"{entry} of epoch {e.epoch}", (None, None))) for e in study.epochs]
    if not expected:
        spreads: list[tuple[int, Spread | None]] = [(e.epoch, getattr(e, entry, None)) for e in study.epochs]
        band = [(epoch, spread and spread.low, spread and spread.high) for epoch, spread in spreads]
    return [(epoch, low, high) for epoch, low, high in band if low is not None and high is not None]


def _mean(lines: Sequence[svg.Points]) -> list[tuple[float, float]]:
    """The mean over the runs, where all of them have a point."""
    return [(at[0][0], float(np.mean([y for _, y in at]))) for at in zip(*lines, strict=False)]


def new_run(verdict: Verdict | None, claim: str) -> dict[str, svg.Interval]:
    """By what it is of, the interval in which the verdict expects a new run; empty where it has none."""
    for check in verdict.checks if verdict else ():
        if check.name == claim and "low" in check.numbers:
            bounds = zip(check.numbers["low"], check.numbers["high"], strict=True)
            return dict(zip(check.numbers["places"], bounds, strict=True))
    return {}


def spreads(study: Study, spread: TestedSpread, known: Published | None, verdict: Verdict | None) -> list[Markup]:
    """How test accuracy and test loss spread over the seeds, and where the published values lie."""
    tests = [run.test for run in study.runs if run.test]
    shares = [100 * test.correct / test.total for test in tests]
    published_loss = (known.loss, known.loss) if known and known.loss is not None else None
    kinds = [
        ("Test accuracy", "% of the test images", shares, spread.accuracy, 100, known and known.accuracy, "{:.2f} %"),
        ("Test loss", "nats per image", [test.loss for test in tests], spread.loss, 1, published_loss, "{:.4f}"),
    ]
    charts = []
    for name, unit, values, summary, scale, published, written in kinds:
        if summary.mean is not None and summary.low is not None and summary.high is not None:
            interval = (scale * summary.low, scale * summary.high)
            lines = [
                svg.Row(name=f"{len(values)} seeds", values=values, names=[run.folder for run in study.runs]),
                svg.Row(name="mean, 95 %", centre=scale * summary.mean, interval=interval),
            ]
            if expected := new_run(verdict, name.lower()).get(name.lower()):
                lines.append(svg.Row(name="a new run, 95 %", interval=expected))
        else:
            wilson = [100 * end for end in wilson_interval(tests[0].correct, tests[0].total)] if scale == 100 else None
            lines = [svg.Row(name="this run", centre=values[0], interval=(wilson[0], wilson[1]) if wilson else None)]
        if published:
            lines.append(svg.Row(name="published", published=(scale * published[0], scale * published[1])))
        if len(lines) == 1 and not lines[0].interval:
            continue  # a single number needs no chart
        axis = f"{name.lower()} ({unit})"
        charts.append(
            svg.rows(name, lines, axis_name=axis, written=written.format, gutter=124, step=32, reference=True)
        )
    return charts


def classes(study: Study, spread: TestedSpread, known: Published | None) -> dict[str, Any]:
    """The accuracy of each class: a chart, and the rows of its table (shares; mean None where there are no images)."""
    tests: list[Tested] = [run.test for run in study.runs if run.test]
    drawn: list[svg.Row] = []
    table: list[dict[str, Any]] = []
    for index, summary in enumerate(spread.per_class):
        name, mean, counts = summary.name, summary.mean, [test.per_class[index] for test in tests]
        published = known.per_class.get(name) if known else None
        if mean is None:
            drawn.append(svg.Row(name=name, note="no images"))
            table.append({"name": name, "mean": None})
            continue
        if summary.low is not None and summary.high is not None:
            low, high = summary.low, summary.high
        else:
            low, high = wilson_interval(counts[0].correct, counts[0].total)
        values = [100 * c.correct / c.total for c in counts if c.total] if len(tests) > 1 else []
        drawn.append(
            svg.Row(
                name=name,
                values=values,
                centre=100 * mean,
                interval=(100 * low, 100 * high),
                published=published and (100 * published[0], 100 * published[1]),
                note=percent(mean, 1),
            )
        )
        apart = published and 100 * (mean - min(max(mean, published[0]), published[1]))  # from its nearest end
        table.append(
            {
                "name": name,
                "mean": mean,
                "low": low,
                "high": high,
                "published": published,
                "apart": apart,
            }
        )
    axis = "accuracy (% of the class's test images)"
    note = (
        f"Mean of {len(tests)} seeds and its interval (Student's t)."
        if len(tests) > 1
        else "This run, with what the finite number of test images leaves open (Wilson)."
    )
    return {
        "chart": svg.rows("Accuracy by class", drawn, axis_name=axis, written="{:.1f} %".format, gutter=92, step=31),
        "rows": table,
        "note": note,
        "published": bool(known and known.per_class),
    }

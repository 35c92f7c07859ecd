"""Which charts the report draws of a run or study, and what of it is in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from cifar_repro.report import svg
from cifar_repro.report.elements import Interval, Points
from cifar_repro.report.lines import Curves, Series
from cifar_repro.report.published import Published
from cifar_repro.runs.record import Tested, running_losses, steps_an_epoch
from cifar_repro.statistics import wilson_interval
from cifar_repro.studies.study_file import Spread, Study, TestedSpread
from cifar_repro.studies.summary import FEWEST_FOR_INTERVAL, between
from cifar_repro.verdicts.published import STEPS
from cifar_repro.verdicts.verdict import Verdict

VALIDATION = 3  # the index of its colour where training and validation of one result are drawn
ENTRIES = {"train_loss": "training", "valid_loss": "validation", "valid_accuracy": "validation"}  # of an epoch
NO_BREAK = "\N{NARROW NO-BREAK SPACE}"


def percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f}{NO_BREAK}%"


def published_share(share: tuple[float, float], digits: int = 2) -> str:
    """A published share, "74.51 %", or the range that it is known to lie in, "55 to 56 %"."""
    low, high = share
    return percent(low, digits) if low == high else f"{100 * low:g} to {100 * high:g}{NO_BREAK}%"


def number(value: float) -> str:
    return f"{value:.4f}"


def curves(study: Study, known: Published | None, verdict: Verdict | None) -> list[Curves]:
    """The losses in one chart (and accuracies, where the recipe validates by them, in another) of all runs."""
    losses = [_series(study, known, verdict, entry) for entry in ("train_loss", "valid_loss")]
    accuracy = _series(study, known, verdict, "valid_accuracy")
    return _charts([s for s in losses if s], [accuracy] if accuracy else [], _window(study))


def overlaid(studies: Sequence[tuple[str, Study]]) -> list[Curves]:
    """The curves of several results, each by its name: the means over its runs."""
    losses: list[Series] = []
    accuracies: list[Series] = []
    windows = {_window(study) for _, study in studies}
    for index, (name, study) in enumerate(studies):
        for entry, drawn in (("train_loss", losses), ("valid_loss", losses), ("valid_accuracy", accuracies)):
            lines, what = _lines(study, entry, running=len(windows) == 1), ENTRIES[entry]
            if any(lines):
                thin = entry == "train_loss"
                drawn.append(Series(name=what, index=index, whose=name, thin=thin, runs=[_mean(lines)]))
    return _charts(losses, accuracies, windows.pop() if len(windows) == 1 else 0)


def _charts(losses: Sequence[Series], accuracies: Sequence[Series], window: int) -> list[Curves]:
    charts = []
    if losses:
        both = any(series.name == "validation" for series in losses)
        name = "Training and validation loss" if both else "Training loss"
        if window:
            name += f", each point {'of training ' * both}the mean of {window:,} steps"
        charts.append(Curves(name=name, unit="nats per image", series=losses))
    if accuracies:
        charts.append(Curves(name="Validation accuracy", unit="%", series=accuracies))
    return charts


def _series(study: Study, known: Published | None, verdict: Verdict | None, entry: str) -> Series | None:
    """The curve of an entry of the epochs, if any run has it."""
    lines, one = _lines(study, entry), len(study.runs) == 1
    if not any(lines):
        return None
    running = entry == "train_loss" and bool(_window(study))  # the mean of a whole epoch says less
    published = known.curves.get("running_loss" if running else entry, []) if known else []
    # Published steps are counted by the published batch size, whatever that of this study is.
    an_epoch, scale = STEPS if running else 1, 100 if entry == "valid_accuracy" else 1
    return Series(
        name=ENTRIES[entry],
        index=0 if entry == "train_loss" else VALIDATION,
        runs=lines,
        mean=[] if one else _mean(lines),
        band=[] if running else _band(study, verdict, entry),
        published=[[(x / an_epoch, scale * y) for x, y in line] for line in published],
        marks=[
            (run.best.epoch, run.best.valid_loss)
            for run in study.runs
            if entry == "valid_loss" and study.recipe.tests_best and run.best and run.best.valid_loss is not None
        ],
    )


def _window(study: Study) -> int:
    """Over how many steps the running losses of a study are means; 0: it has none."""
    return study.recipe.loss_window if any(e.running_loss for run in study.runs for e in run.epochs) else 0


def _lines(study: Study, entry: str, running: bool = True) -> list[Points]:
    """By run, the (epoch, value) points of an entry; of the training loss its running means, if there are any."""
    if running and entry == "train_loss" and _window(study):
        steps = steps_an_epoch(study.recipe, study.data)
        means = [running_losses(study.recipe, study.data, run.epochs) for run in study.runs]
        return [[(step / steps, loss) for step, loss in line] for line in means]
    scale = 100 if entry == "valid_accuracy" else 1
    return [
        [(e.epoch, scale * getattr(e, entry)) for e in run.epochs if getattr(e, entry) is not None]
        for run in study.runs
    ]


def _band(study: Study, verdict: Verdict | None, entry: str) -> list[tuple[float, float, float]]:
    """(epoch, low, high): where the verdict expects a new run, else the interval of the mean."""
    expected = new_run(verdict, "loss curve")
    band = [(e.epoch, *expected.get(f"{entry} of epoch {e.epoch}", (None, None))) for e in study.epochs]
    if not expected:
        spreads: list[tuple[int, Spread | None]] = [(e.epoch, getattr(e, entry, None)) for e in study.epochs]
        band = [(epoch, spread and spread.low, spread and spread.high) for epoch, spread in spreads]
    return [(epoch, low, high) for epoch, low, high in band if low is not None and high is not None]


def _mean(lines: Sequence[Points]) -> list[tuple[float, float]]:
    """The mean over the runs, where all of them have a point."""
    return [(at[0][0], float(np.mean([y for _, y in at]))) for at in zip(*lines, strict=False)]


def new_run(verdict: Verdict | None, claim: str) -> dict[str, Interval]:
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
            few = len(values) < FEWEST_FOR_INTERVAL
            interval = None if few else (scale * summary.low, scale * summary.high)
            lines = [
                svg.Row(name=f"{len(values)} seeds", values=values, names=[run.folder for run in study.runs]),
                svg.Row(name="mean" if few else "mean, 95 %", centre=scale * summary.mean, interval=interval),
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
        low, high = between(summary, [c.correct / c.total for c in counts if c.total])
        if low is None or high is None:
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
        f"Mean of {len(tests)} seeds, and the lowest and the highest: so few have no interval."
        if 1 < len(tests) < FEWEST_FOR_INTERVAL
        else f"Mean of {len(tests)} seeds and its interval (Student's t)."
        if len(tests) > 1
        else "This run, with what the finite number of test images leaves open (Wilson)."
    )
    return {
        "chart": svg.rows("Accuracy by class", drawn, axis_name=axis, written="{:.1f} %".format, gutter=92, step=31),
        "rows": table,
        "note": note,
        "interval": "lowest to highest" if 1 < len(tests) < FEWEST_FOR_INTERVAL else "95 % interval",
        "published": bool(known and known.per_class),
    }

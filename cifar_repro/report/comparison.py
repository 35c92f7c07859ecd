"""What the report says of several results together, in the form that its template takes; each against the first."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.report import charts, svg, tables
from cifar_repro.report.charts import NO_BREAK, number, percent
from cifar_repro.report.differences import BY_IMAGES, BY_ONE_MORE, BY_SEEDS, Difference, changed, difference
from cifar_repro.report.dots import dots
from cifar_repro.report.elements import colour, shape, tag
from cifar_repro.report.parts import LOSS, drawn
from cifar_repro.report.pictures import Seen, Whole
from cifar_repro.runs.environment import DECISIVE
from cifar_repro.runs.record import changed as changed_fields
from cifar_repro.runs.record import data_label
from cifar_repro.studies.study_file import Study
from cifar_repro.verdicts.against import against
from cifar_repro.verdicts.verdict import BITWISE, CLOSE, DIFFERENT, EQUIVALENT, INCONCLUSIVE, Verdict

SHOWN = 10  # images of each kind


@dataclass(frozen=True)
class Result:
    """A run or study (a run is a study of one), what it is called, and its pictures, or why there are none."""

    name: str
    study: Study
    seen: Seen | str


def names_of(paths: Sequence[Path]) -> list[str]:
    """A name for each: the end of its path that no other has; paths that are the same are numbered."""
    parts = [path.absolute().parts for path in paths]

    def end(k: int, length: int) -> str:
        return "/".join(parts[k][-length:])

    names = []
    for k in range(len(paths)):
        others = [i for i in range(len(paths)) if parts[i] != parts[k]]
        length = next(n for n in range(1, len(parts[k]) + 1) if all(end(i, n) != end(k, n) for i in others))
        same = [i for i in range(len(paths)) if parts[i] == parts[k]]
        names.append(end(k, length) + (f" ({same.index(k) + 1})" if len(same) > 1 else ""))
    return names


def comparison(results: Sequence[Result], pictures: Callable[[Seen, Whole], list[dict[str, Any]]]) -> dict[str, Any]:
    """All that the template shows of them; `pictures` makes what it shows of some test images."""
    first, *others = results
    named = [(result.name, result.study) for result in results]
    overall = [(other.name, difference(first.study, other.study)) for other in others]
    curves = charts.overlaid(named)
    return {
        "first": first.name,
        "names": [{"name": name, "sign": _sign(index), "look": colour(index)} for index, (name, _) in enumerate(named)],
        "verdicts": [_verdict(first, other, apart) for other, (_, apart) in zip(others, overall, strict=True)],
        "curves": drawn(curves),
        "curve_note": LOSS,
        "accuracy": _accuracy(first.name, overall),
        "classes": _classes(results),
        "images": [_images(first, other, pictures) for other in others],
        "differ": _differ(results),
    }


def _sign(index: int) -> str:
    """What stands for a result in all charts."""
    return tag("svg", shape(index, 0, 0), viewBox="-7 -7 14 14", class_="sign", aria_hidden="true")


# ---- the verdict ----------------------------------------------------------------------------------------------------


def _verdict(first: Result, other: Result, apart: Difference | None) -> dict[str, Any]:
    """What two results say together, in plain words, and the checks behind it."""
    try:
        found = against(other.study, first.study, names=(other.name, first.name))
    except InputError as error:
        headline = f"{other.name} cannot be judged beside {first.name}"
        return {"outcome": "", "headline": headline, "notes": [str(error)], "checks": []}
    # The page shows in tables which entries differ.
    notes = [note for note in found.notes if not note.startswith(("The recipes differ", "The environments differ"))]
    if found.outcome == INCONCLUSIVE and found.runs_needed:
        notes.insert(0, f"About {found.runs_needed} runs of each would settle it")
    headline = _headline(first.name, other.name, found, apart)
    return {"outcome": found.outcome, "headline": headline, "notes": notes, "checks": found.checks}


def _headline(first: str, other: str, found: Verdict, apart: Difference | None) -> str:
    """The outcome in plain words."""
    points = apart.points if apart else 0.0
    by = f"{abs(points):.2f} points {'more' if points > 0 else 'less'} accurate than"
    numbers = next((check.numbers for check in found.checks if check.name == found.outcome), {})
    if found.outcome == BITWISE:
        return f"{other} is {first} once more: all losses, weights and results are equal to the last bit"
    if found.outcome == CLOSE:
        pairs, alone = numbers["pairs"], numbers["alone"]
        of = f", in the {pairs} of {pairs + alone} runs with equal seeds on both sides" if alone else ""
        return f"{other} and {first} differ by no more than rounding explains{of}"
    if found.outcome == EQUIVALENT:
        return f"{other} and {first} are equally accurate, within {numbers['margin']:g} point"
    if found.outcome == DIFFERENT:
        return f"{other} is {by} {first}, more than chance explains"
    if not points:
        return f"These runs cannot tell whether {other} and {first} are equally accurate"
    return f"{other} is {by} {first}, but these runs cannot tell whether that is chance"


# ---- accuracy -------------------------------------------------------------------------------------------------------


def points(value: float, digits: int = 2) -> str:
    """A difference in points, with its sign."""
    written = f"{value:+.{digits}f}"
    return f"{0:.{digits}f}" if float(written) == 0 else written.replace("-", "\N{MINUS SIGN}")


def _accuracy(first: str, overall: Sequence[tuple[str, Difference | None]]) -> dict[str, Any] | None:
    """The chart of the differences of test accuracy, and what their intervals are."""
    known = [(name, apart) for name, apart in overall if apart]
    if not known:
        return None
    rows = [
        svg.Row(name=_short(name), centre=apart.points, interval=apart.interval, note=points(apart.points))
        for name, apart in known
    ]
    chart = svg.rows(
        f"Difference of test accuracy from {first}",
        rows,
        axis_name="points of test accuracy",
        written=points,
        gutter=124,
        step=34,
        zero=True,
    )
    kinds = [kind for kind in (BY_SEEDS, BY_ONE_MORE, BY_IMAGES) if any(apart.of == kind for _, apart in known)]
    return {"chart": chart, "intervals": kinds}


def _short(name: str) -> str:
    """What of a name has room beside a chart."""
    return name if len(name) <= 17 else "\N{HORIZONTAL ELLIPSIS}" + name[-16:]


def _classes(results: Sequence[Result]) -> dict[str, Any] | None:
    """The accuracies of each class, side by side, and their differences from those of the first result."""
    if not all(result.study.test for result in results):
        return None
    summaries = [result.study.test.per_class for result in results if result.study.test]
    rows, table = [], []
    for index, summary in enumerate(summaries[0]):
        means = [each[index].mean for each in summaries]
        rows.append((summary.name, [None if mean is None else 100 * mean for mean in means]))
        apart = [difference(results[0].study, other.study, index) for other in results[1:]]
        table.append({"name": summary.name, "means": means, "differences": apart})
    chart = dots(
        "Accuracy by class",
        [result.name for result in results],
        rows,
        axis_name="accuracy (% of the class's test images)",
        written=f"{{:.1f}}{NO_BREAK}%".format,
    )
    return {"chart": chart, "rows": table}


# ---- image by image -------------------------------------------------------------------------------------------------


def _images(first: Result, other: Result, pictures: Callable[[Seen, Whole], list[dict[str, Any]]]) -> dict[str, Any]:
    """Which test images one of two results gets right and the other does not, and some of them."""
    seen = [result.seen for result in (first, other)]
    if first.study.data.fingerprints.test != other.study.data.fingerprints.test:
        return {"name": other.name, "missing": "The two were tested on other images: none can be compared."}
    if missing := [each for each in seen if isinstance(each, str)]:
        return {"name": other.name, "missing": missing[0]}
    a, b = (each for each in seen if isinstance(each, Seen))
    found = changed(a.answers, b.answers)
    shown = {}
    for kind, index, wrong in (("lost", found.lost, b), ("gained", found.gained, a)):
        chosen = index[:SHOWN]
        told = zip(pictures(a, chosen), *(_right_in(side, side is wrong, chosen) for side in (a, b)), strict=True)
        shown[kind] = [picture | {"note": " → ".join(filter(None, notes))} for picture, *notes in told]
    counts = {"lost": len(found.lost), "gained": len(found.gained), "right": found.right, "wrong": found.wrong}
    return {"name": other.name, "missing": "", "counts": counts, "otherwise": found.otherwise, **shown}


def _right_in(seen: Seen, wrong: bool, index: Whole) -> list[str]:
    """What is said of a result's answers to these images: what a run that is wrong predicts, in how many of its runs a
    study is right."""
    answers = seen.answers
    if answers.predicted is None:
        return [f"{count}/{len(answers.correct)}" for count in answers.correct[:, index].sum(axis=0)]
    return [f"as {CLASSES[predicted]}" if wrong else "" for predicted in answers.predicted[index]]


# ---- what is not the same -------------------------------------------------------------------------------------------


def _differ(results: Sequence[Result]) -> dict[str, Any]:
    """The entries of recipe, data and environment that are not the same in all results; and how many are."""
    entries: list[tuple[str, bool, list[str]]] = []  # a name, whether it alone can change bits, and its values
    recipes = [asdict(result.study.recipe) for result in results]
    entries += [(name.replace("_", " "), False, [str(recipe[name]) for recipe in recipes]) for name in recipes[0]]
    entries.append(("data", False, [data_label(result.study.data) for result in results]))
    for part in ("train", "test"):
        prints = [getattr(result.study.data.fingerprints, part)[:12] for result in results]
        entries.append((f"fingerprint of the {part} images", False, prints))
    for name, word in tables.ENVIRONMENT.items():
        values = [tables.distinct([getattr(run.environment, name) for run in result.study.runs]) for result in results]
        entries.append((word, name in DECISIVE, values))
    rows = [
        {"name": name, "decisive": decisive, "cells": values}
        for name, decisive, values in entries
        if len(set(values)) > 1
    ]
    return {"rows": rows, "same": len(entries) - len(rows)}


def overview(result: Result) -> dict[str, Any]:
    """A column of the table of all results."""
    study, environments = result.study, [run.environment for run in result.study.runs]
    test = study.test
    spread = f" (sd {100 * test.accuracy.sd:.2f})" if test and test.accuracy.sd is not None else ""
    return {
        "accuracy": percent(test.accuracy.mean) + spread if test and test.accuracy.mean is not None else "none yet",
        "loss": number(test.loss.mean) if test and test.loss.mean is not None else "none yet",
        "changes": [each.replace("_", " ") for each in changed_fields(study.recipe)],
        "torch": tables.distinct([e.torch for e in environments]),
        "device": tables.distinct(
            [e.gpu or f"{e.cpu}, {e.threads} thread{'s' * (e.threads != 1)}" for e in environments]
        ),
    }

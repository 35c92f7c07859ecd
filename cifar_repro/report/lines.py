"""Curves over the course of training, of one result or of several overlaid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from markupsafe import Markup

from cifar_repro.report.elements import (
    LINE,
    WIDE,
    WIDTH,
    Points,
    Scale,
    apart,
    colour,
    frame,
    from_to,
    number,
    reading,
    room,
    shape,
    tag,
    text,
)


@dataclass(frozen=True, kw_only=True)
class Series:
    """What is drawn in one colour: that of `index`, from 0.

    name: of what is measured, as "training". whose: the result that it is of, where there are several; the series of
    one result are read on one line, and a sign stands at the end of each. thin: drawn as a thin line. runs: the (x, y)
    points of each run. mean and band: over the runs, none of a single one; a band that reaches far beyond all lines is
    cut. published: the points of each published run. marks: points of `runs` to be seen.
    """

    name: str
    index: int
    runs: Sequence[Points]
    whose: str = ""
    thin: bool = False
    mean: Points = ()
    band: Sequence[tuple[float, float, float]] = ()  # (x, low, high)
    published: Sequence[Points] = ()
    marks: Points = ()

    @property
    def own(self) -> Points:
        """The one line that stands for all runs."""
        return self.mean or self.runs[0]

    @property
    def alone(self) -> bool:
        return len(self.runs) == 1


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Series on common axes: x is counted in epochs, y in `unit`."""

    name: str
    unit: str
    series: Sequence[Series]


def curves(chart: Curves, wide: bool = False) -> Markup:
    """The lines of all runs, their mean and band, and the published ones; each series is named at its right end.

    wide: for a place of the page's whole width, where the same lines take no more height.
    """
    width, height = (WIDE, 300) if wide else (WIDTH, 230)
    several = any(series.whose for series in chart.series)  # a legend names them
    left, right, top, floor = 44, 14 if several else 82, 14, height
    name_at = floor + 36
    points = [p for s in chart.series for line in (*s.runs, *s.published) for p in line]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    xs += [math.floor(min(xs)), math.ceil(max(xs))]  # points may lie within an epoch
    beyond = (max(ys) - min(ys)) / 4  # the band of a few runs is so wide that in all of it no line would be seen
    least, most = min(ys) - beyond, max(ys) + beyond
    bands = [[(x, max(low, least), min(high, most)) for x, low, high in s.band] for s in chart.series]
    ys += [y for band in bands for _, low, high in band for y in (low, high)]
    x = Scale(*room(xs, 0.02), left, width - right)
    y = Scale(*room(ys, 0.05), floor, top)
    drawn = [_grid(y, y.ticks(8), left, width - right)]
    ticks = [v for v in x.whole_ticks(15 if wide else 7) if min(xs) <= v <= max(xs)]  # none in the room around
    drawn += [text(number(v), x(v), floor + 18, "tick middle") for v in ticks]
    drawn.append(text("epoch", (left + width - right) / 2, name_at, "axis-name middle"))
    for series, band in zip(chart.series, bands, strict=True):
        if band:
            low, high = [(a, b) for a, b, _ in band], [(a, b) for a, _, b in band]
            edge = _places([*low, *reversed(high)], x, y)
            drawn.append(tag("polygon", points=edge, class_=f"band {colour(series.index)}"))
    for series in chart.series:
        drawn += _series(series, x, y)
    ends = [(y(s.own[-1][1]), s.name, f"own-name {colour(s.index)}") for s in chart.series if s.own and not s.whose]
    drawn += [text(name, width - right + 7, at + 4, look) for at, name, look in apart(ends, 15)]
    read, lines = _readings(chart, x, y, name_at, width)
    said = f"{chart.name} ({chart.unit}) by epoch. " + "; ".join(map(_said, chart.series))
    return frame(chart.name, said, name_at + 4 + LINE * (lines - 1), [*drawn, *read], width)


def _series(series: Series, x: Scale, y: Scale) -> list[Markup]:
    hue = colour(series.index)
    thick = f"mean thin {hue}" if series.thin else f"mean {hue}"
    drawn = [_line(line, x, y, thick if series.alone else f"run {hue}") for line in series.runs]
    drawn.append(_line(series.mean, x, y, thick))
    drawn += [_line(line, x, y, f"published {hue}") for line in series.published]
    r = 4.5 if series.alone else 2.6
    drawn += [tag("circle", cx=x(a), cy=y(b), r=r, class_=f"mark {hue}") for a, b in series.marks]
    if series.whose and series.own:
        a, b = series.own[-1]
        drawn.append(shape(series.index, x(a), y(b)))
    return drawn


def _said(series: Series) -> str:
    """A series in words."""
    runs = "" if series.alone else f", {len(series.runs)} runs"
    said = " ".join(filter(None, [series.whose, series.name])) + runs
    if line := series.own:
        said += f": from {line[0][1]:.4g} to {line[-1][1]:.4g}"
    for published in filter(None, series.published):
        said += f", published: from {published[0][1]:.4g} to {published[-1][1]:.4g}"
    return said


def _readings(chart: Curves, x: Scale, y: Scale, top: float, width: float) -> tuple[list[Markup], int]:
    """The numbers wherever a line has a point, over the part of the chart nearest to it; and how many lines they take.

    A result is read on one line where there are several; else each series is, the spread over its runs below it.
    """
    tables = [_table(series) for series in chart.series]
    every = sorted(set().union(*tables))
    edges = [x.start, *(x((a + b) / 2) for a, b in pairwise(every)), x.end]
    drawn, most = [], 1
    for k, at in enumerate(every):
        lines: list[tuple[str, str]] = []  # each with the class of its colour
        points: list[Markup] = []
        for whose, same in groupby(zip(chart.series, tables, strict=True), key=lambda each: each[0].whose):
            told = []
            for series, table in same:
                first, second, marked = table.get(at, ("", "", []))
                points += [tag("circle", cx=x(at), cy=y(value), r=3.5, class_=look) for value, look in marked]
                told += [(line, colour(series.index)) for line in (first, second) if line]
            if whose and told:
                told = [(f"{whose}: " + ", ".join(line for line, _ in told), told[0][1])]
            lines += told
        lines[0] = (f"epoch {at:.4g}: {lines[0][0]}", lines[0][1])
        hit = tag("rect", x=edges[k], y=y.end, width=edges[k + 1] - edges[k], height=y.start - y.end, class_="hit")
        drawn.append(reading(hit, lines=lines, top=top, points=points, width=width))
        most = max(most, len(lines))
    return drawn, most


def _table(series: Series) -> dict[float, tuple[str, str, list[tuple[float, str]]]]:
    """What of a series is read at each x: its value, the spread over its runs, and the points with their looks."""
    own, hue = dict(series.own), colour(series.index)
    published, runs = [dict(line) for line in series.published], [dict(run) for run in series.runs]
    band = {at: (low, high) for at, low, high in series.band}
    table = {}
    for at in {*own, *(at for line in published for at in line)}:
        first, second, marked = [], [], []
        if at in own:
            first.append(f"{series.name} {'' if series.alone else 'mean '}{_exactly(own[at])}")
            marked.append((own[at], f"own-point {hue}"))
        if beside := [line[at] for line in published if at in line]:
            name = "" if first else f"{series.name} "
            first.append(f"{name}published {' and '.join(map(_exactly, beside))}")
            marked += [(value, f"published-point {hue}") for value in beside]
        if not series.alone and (seeds := [run[at] for run in runs if at in run]):
            second.append(f"{len(seeds)} seeds {from_to(seeds, _exactly)}")
        if at in band:
            second.append(f"shaded {from_to(band[at], _exactly)}")
        table[at] = (", ".join(first), "; ".join(second), marked)
    return table


def _grid(y: Scale, ticks: Sequence[float], left: float, right: float) -> Markup:
    lines = [tag("line", x1=left, x2=right, y1=y(tick), y2=y(tick), class_="grid") for tick in ticks]
    return Markup("").join([*lines, *(text(number(tick), left - 8, y(tick) + 4, "tick end") for tick in ticks)])


def _line(points: Points, x: Scale, y: Scale, look: str) -> Markup:
    if len(points) == 1:  # one point makes no line to be seen
        return tag("circle", cx=x(points[0][0]), cy=y(points[0][1]), r=3.5, class_=f"{look} single")
    return tag("polyline", points=_places(points, x, y), class_=look) if points else Markup("")


def _places(points: Points, x: Scale, y: Scale) -> str:
    return " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)


def _exactly(value: float) -> str:
    return f"{value:#.4g}"

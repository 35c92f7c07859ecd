"""Small charts as inline SVG. Colours are left to the page's CSS classes, so that they follow light, dark and print.

All charts are WIDTH units wide and are scaled to their place on the page. Every text goes through markupsafe, so a
name can hold any character. What is drawn is also said: the first children of each chart are its title and description.
And it can be read: whatever shows numbers tells them while a pointer is on it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from cifar_repro.report.elements import LINE, WIDTH, Scale, frame, number, reading, room, tag, text

Points = Sequence[tuple[float, float]]
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Lines over the course of training.

    runs: the (x, y) points of each run. mean and band: over the runs, none of a single one; a band that reaches far
    beyond all lines is cut. published: the points of each published run. marks: points of `runs` to be seen.
    """

    name: str
    unit: str
    x_name: str
    runs: Sequence[Points]
    mean: Points = ()
    band: Sequence[tuple[float, float, float]] = ()  # (x, low, high)
    published: Sequence[Points] = ()
    marks: Points = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """Values on a horizontal line. values: one a run; names: whose they are; centre and interval: what they amount to;
    published: from, to (equal where it is one number); note: what stands at the right end."""

    name: str
    values: Sequence[float] = ()
    names: Sequence[str] = ()
    centre: float | None = None
    interval: Interval | None = None
    published: Interval | None = None
    note: str = ""


def curves(chart: Curves) -> Markup:
    """The lines of all runs, their mean and band, and the published ones, each labelled at its right end."""
    left, right, top, floor = 44, 90, 14, 230
    name_at = floor + 36
    points = [p for line in (*chart.runs, *chart.published) for p in line]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    beyond = (max(ys) - min(ys)) / 4  # the band of a few runs is so wide that in all of it no line would be seen
    least, most = min(ys) - beyond, max(ys) + beyond
    band = [(x, max(low, least), min(high, most)) for x, low, high in chart.band]
    ys += [y for _, low, high in band for y in (low, high)]
    x = Scale(*room(xs, 0.02), left, WIDTH - right)
    y = Scale(*room(ys, 0.05), floor, top)
    drawn = [_grid(y, y.ticks(8), left, WIDTH - right)]
    whole = all(float(value).is_integer() for value in xs)
    drawn += [text(number(v), x(v), floor + 18, "tick middle") for v in x.ticks(7, whole)]
    drawn.append(text(chart.x_name, (left + WIDTH - right) / 2, name_at, "axis-name middle"))
    if band:
        low, high = [(a, b) for a, b, _ in band], [(a, b) for a, _, b in band]
        drawn.append(tag("polygon", points=_places([*low, *reversed(high)], x, y), class_="band"))
    one = len(chart.runs) == 1
    drawn += [_line(line, x, y, "mean" if one else "run") for line in chart.runs]
    drawn.append(_line(chart.mean, x, y, "mean"))
    drawn += [_line(line, x, y, "published") for line in chart.published]
    drawn += [tag("circle", cx=x(a), cy=y(b), r=4.5 if one else 2.6, class_="mark") for a, b in chart.marks]
    ends = [(y(line[-1][1]), "published", "published-name") for line in chart.published[:1] if line]
    ends += [
        (y(line[-1][1]), "this run" if one else "mean", "own-name") for line in [chart.mean or chart.runs[0]] if line
    ]
    drawn += [text(name, WIDTH - right + 7, at + 4, look) for at, name, look in _apart(ends, 15)]
    drawn += _readings(chart, x, y, name_at)
    said = f"{chart.name} ({chart.unit}) by {chart.x_name}, {len(chart.runs)} run{'s' * (not one)}"
    if line := chart.mean or chart.runs[0]:
        said += f": from {line[0][1]:.4g} to {line[-1][1]:.4g}"
    for published in filter(None, chart.published):
        said += f"; published: from {published[0][1]:.4g} to {published[-1][1]:.4g}"
    return frame(chart.name, said, name_at + 4 + LINE * (not one), drawn)


def _readings(chart: Curves, x: Scale, y: Scale, top: float) -> list[Markup]:
    """The numbers wherever a line has a point, over the part of the chart that is nearest to it."""
    one, own = len(chart.runs) == 1, dict(chart.mean or chart.runs[0])
    runs, published = ([dict(line) for line in lines] for lines in (chart.runs, chart.published))
    band = {at: (low, high) for at, low, high in chart.band}
    every = sorted({at for line in (own, *published) for at in line})
    edges = [x.start, *(x((a + b) / 2) for a, b in pairwise(every)), x.end]
    drawn = []
    for k, at in enumerate(every):
        first, second, points = [], [], []
        if beside := [line[at] for line in published if at in line]:
            first.append("published " + " and ".join(map(_exactly, beside)))
            points += [tag("circle", cx=x(at), cy=y(v), r=3.5, class_="published-point") for v in beside]
        if at in own:
            first.insert(0, f"{'this run' if one else 'mean'} {_exactly(own[at])}")
            points.append(tag("circle", cx=x(at), cy=y(own[at]), r=3.5, class_="own-point"))
        if not one and (seeds := [run[at] for run in runs if at in run]):
            second.append(f"{len(seeds)} seeds {_from_to(seeds, _exactly)}")
        if at in band:
            second.append(f"shaded {_from_to(band[at], _exactly)}")
        width, height = edges[k + 1] - edges[k], y.start - y.end
        hit = tag("rect", x=edges[k], y=y.end, width=width, height=height, class_="hit")
        told = [f"{chart.x_name} {at:g}: {', '.join(first)}", "; ".join(second)]
        drawn.append(reading(hit, lines=told, top=top, points=points))
    return drawn


def rows(
    title: str,
    lines: Sequence[Row],
    *,
    axis_name: str,
    written: Callable[[float], str],
    gutter: int,
    step: int,
    reference: bool = False,
) -> Markup:
    """Values, their centre and interval, and the published value of each row, all on one scale.

    gutter: the width that the names take. step: the height of a row. reference: whether the published values are of all
    rows, and so a line goes through them. written: how a number is written in descriptions.
    """
    top, left, right = 8, gutter, 62 if any(line.note for line in lines) else 14
    floor = top + step * len(lines)
    name_at, read = floor + 37, [_read(line, written) for line in lines]
    height = name_at + 5 + LINE * any(second for _, second in read)
    every = [v for line in lines for v in (*line.values, *(line.interval or ()), *(line.published or ()))]
    every += [line.centre for line in lines if line.centre is not None]
    x = Scale(*room(every, 0.06), left, WIDTH - right)
    drawn = []
    for tick in x.ticks(6):
        drawn.append(tag("line", x1=x(tick), x2=x(tick), y1=top, y2=floor, class_="grid"))
        drawn.append(text(number(tick), x(tick), floor + 17, "tick middle"))
    drawn.append(text(axis_name, (left + WIDTH - right) / 2, name_at, "axis-name middle"))
    for low, high in {line.published for line in lines if line.published} if reference else ():
        place = x((low + high) / 2)
        drawn.append(tag("line", x1=place, x2=place, y1=top, y2=floor, class_="reference"))
    for index, line in enumerate(lines):
        at = top + step * index
        hit = tag("rect", x=0, y=at, width=WIDTH, height=step, class_="hit")
        drawn.append(reading(hit, *_row(line, x, at + step / 2), lines=read[index], top=name_at))
        if line.centre is None:  # each for itself, on top of their row
            for k, up in enumerate(_swarm(line.values, x)):
                value = line.values[k]
                dot = tag("circle", cx=x(value), cy=at + step / 2 + up, r=3.2, class_="dot")
                whose = f"{line.names[k]}: " if line.names else ""
                drawn.append(reading(dot, lines=[whose + written(value)], top=name_at))
    return frame(title, "; ".join(", ".join(filter(None, _said(line, written))) for line in lines), height, drawn)


def _row(line: Row, x: Scale, middle: float) -> list[Markup]:
    """All of a row but the dots of values that nothing sums up."""
    drawn = [text(line.name, x.start - 9, middle + 4, "row-name end")]
    if line.centre is not None:  # the values step back behind what they amount to
        drawn += [tag("path", d=f"M{x(v):.1f} {middle - 6:.1f}v12", class_="rug") for v in line.values]
    if line.interval:
        low, high = map(x, line.interval)
        drawn.append(tag("path", d=f"M{low:.1f} {middle:.1f}H{high:.1f}", class_="interval"))
        for end in (low, high):
            drawn.append(tag("path", d=f"M{end:.1f} {middle - 4.5:.1f}v9", class_="interval"))
    if line.centre is not None:
        drawn.append(tag("circle", cx=x(line.centre), cy=middle, r=4.6, class_="centre"))
    if line.published:
        low, high = map(x, line.published)
        if high - low > 1:
            drawn.append(tag("path", d=f"M{low:.1f} {middle:.1f}H{high:.1f}", class_="published-range"))
        diamond = f"M{(low + high) / 2:.1f} {middle - 6:.1f}l6 6l-6 6l-6-6z"
        drawn.append(tag("path", d=diamond, class_="diamond"))
    if line.note:
        drawn.append(text(line.note, WIDTH, middle + 4, "row-note end"))
    return drawn


def _grid(y: Scale, ticks: Sequence[float], left: float, right: float) -> Markup:
    lines = [tag("line", x1=left, x2=right, y1=y(tick), y2=y(tick), class_="grid") for tick in ticks]
    return Markup("").join([*lines, *(text(number(tick), left - 8, y(tick) + 4, "tick end") for tick in ticks)])


def _line(points: Points, x: Scale, y: Scale, look: str) -> Markup:
    if len(points) == 1:  # one point makes no line to be seen
        return tag("circle", cx=x(points[0][0]), cy=y(points[0][1]), r=3.5, class_=f"{look} single")
    return tag("polyline", points=_places(points, x, y), class_=look) if points else Markup("")


def _places(points: Points, x: Scale, y: Scale) -> str:
    return " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)


def _apart(labels: Sequence[tuple[float, str, str]], step: float) -> list[tuple[float, str, str]]:
    """Labels moved up and down, as little as it takes, until they are `step` apart."""
    placed: list[tuple[float, str, str]] = []
    for at, name, look in sorted(labels):
        placed.append((max(at, placed[-1][0] + step) if placed else at, name, look))
    shift = sum(at for at, *_ in placed) - sum(at for at, *_ in labels)
    return [(at - shift / len(placed), name, look) for at, name, look in placed]


def _swarm(values: Sequence[float], x: Scale) -> list[float]:
    """Their shifts: dots that would lie on one another go alternately above and below the line."""
    levels: list[float] = []  # the right end of the last dot of each level
    shifts = [0.0] * len(values)
    for k in sorted(range(len(values)), key=values.__getitem__):
        at = x(values[k])
        free = next((level for level, end in enumerate(levels) if at >= end), len(levels))
        levels[free : free + 1] = [at + 6.5]
        shifts[k] = math.ceil(free / 2) * 5.5 * (-1) ** free
    return shifts


def _said(line: Row, written: Callable[[float], str]) -> tuple[str, str]:
    """The row in words: what is its own, and what was published of it."""
    own, published = line.name, ""
    if line.centre is not None:
        own += f" {written(line.centre)}"
    if line.interval:
        own += f" ({_from_to(line.interval, written)})"
    elif line.values:
        own += f" {_from_to(line.values, written)}"
    if line.published:
        published = f"published {_from_to(line.published, written)}"
    if own == line.name == "published":  # a row of nothing else
        own, published = published, ""
    return own, published


def _read(line: Row, written: Callable[[float], str]) -> tuple[str, str]:
    """The two lines to be read off a row: its description, and from where to where its values go."""
    own, published = _said(line, written)
    seeds = f"{len(line.values)} seeds {_from_to(line.values, written)}" if line.values and line.interval else ""
    return own, ", ".join(filter(None, [published, seeds]))


def _from_to(values: Sequence[float], written: Callable[[float], str]) -> str:
    low, high = written(min(values)), written(max(values))
    return low if low == high else f"{low} to {high}"


def _exactly(value: float) -> str:
    return f"{value:#.4g}"

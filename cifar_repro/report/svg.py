"""Charts of rows on a common scale: values of runs, what they amount to with its interval, and published numbers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cifar_repro.report.elements import LINE, WIDTH, Interval, Scale, frame, from_to, number, reading, room, tag, text


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


def rows(
    title: str,
    lines: Sequence[Row],
    *,
    axis_name: str,
    written: Callable[[float], str],
    gutter: int,
    step: int,
    reference: bool = False,
    zero: bool = False,
) -> Markup:
    """Values, their centre and interval, and the published value of each row, all on one scale.

    gutter: the width that the names take. step: the height of a row. reference: whether the published values are of all
    rows, and so a line goes through them. zero: whether a line stands where there is no difference. written: how a
    number is written in descriptions.
    """
    top, left, right = 8, gutter, 62 if any(line.note for line in lines) else 14
    floor = top + step * len(lines)
    name_at, read = floor + 37, [_read(line, written) for line in lines]
    height = name_at + 5 + LINE * any(second for _, second in read)
    every = [v for line in lines for v in (*line.values, *(line.interval or ()), *(line.published or ()))]
    every += [line.centre for line in lines if line.centre is not None]
    x = Scale(*room(every + [0.0] * zero, 0.06), left, WIDTH - right)
    drawn = []
    for tick in x.ticks(6):
        drawn.append(tag("line", x1=x(tick), x2=x(tick), y1=top, y2=floor, class_="grid"))
        drawn.append(text(number(tick), x(tick), floor + 17, "tick middle"))
    drawn.append(text(axis_name, (left + WIDTH - right) / 2, name_at, "axis-name middle"))
    for low, high in {line.published for line in lines if line.published} if reference else ():
        place = x((low + high) / 2)
        drawn.append(tag("line", x1=place, x2=place, y1=top, y2=floor, class_="reference"))
    if zero:
        drawn.append(tag("line", x1=x(0), x2=x(0), y1=top, y2=floor, class_="zero"))
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
        own += f" ({from_to(line.interval, written)})"
    elif line.values:
        own += f" {from_to(line.values, written)}"
    if line.published:
        published = f"published {from_to(line.published, written)}"
    if own == line.name == "published":  # a row of nothing else
        own, published = published, ""
    return own, published


def _read(line: Row, written: Callable[[float], str]) -> tuple[str, str]:
    """The two lines to be read off a row: its description, and from where to where its values go."""
    own, published = _said(line, written)
    seeds = f"{len(line.values)} seeds {from_to(line.values, written)}" if line.values and line.interval else ""
    return own, ", ".join(filter(None, [published, seeds]))

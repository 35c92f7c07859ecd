"""A chart of dots: one value of each result in each row, side by side on a common scale."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from cifar_repro.report.elements import LINE, WIDTH, Scale, colour, frame, number, reading, room, shape, tag, text


def dots(
    title: str,
    names: Sequence[str],
    table: Sequence[tuple[str, Sequence[float | None]]],
    *,
    axis_name: str,
    written: Callable[[float], str],
) -> Markup:
    """names: of the results. table: by row, its name and the value of each result, None where there is none."""
    top, left, right, apart = 8, 92, 14, 7.0 if len(names) < 4 else 5.0
    step = max(26.0, apart * len(names) + 12)
    floor, name_at = top + step * len(table), top + step * len(table) + 37
    x = Scale(*room([v for _, values in table for v in values if v is not None], 0.06), left, WIDTH - right)
    drawn = []
    for tick in x.ticks(6):
        drawn.append(tag("line", x1=x(tick), x2=x(tick), y1=top, y2=floor, class_="grid"))
        drawn.append(text(number(tick).replace("-", "\N{MINUS SIGN}"), x(tick), floor + 17, "tick middle"))
    drawn.append(text(axis_name, (left + WIDTH - right) / 2, name_at, "axis-name middle"))
    said = []
    for k, (row, values) in enumerate(table):
        at, there = top + step * (k + 0.5), [(i, v) for i, v in enumerate(values) if v is not None]
        inside = [tag("rect", x=0, y=at - step / 2, width=WIDTH, height=step, class_="hit")]
        inside.append(text(row, left - 9, at + 4, "row-name end"))
        if there:
            low, high = (x(end([v for _, v in there])) for end in (min, max))
            inside.append(tag("path", d=f"M{low:.1f} {at:.1f}H{high:.1f}", class_="span"))
        inside += [shape(i, x(v), at + apart * (i - (len(names) - 1) / 2)) for i, v in there]
        told = [(f"{row}, {names[i]}: {written(v)}", colour(i)) for i, v in there]
        drawn.append(reading(*inside, lines=told or [f"{row}: no images"], top=name_at))
        said.append(", ".join([row, *(f"{names[i]} {written(v)}" for i, v in there)]))
    return frame(title, "; ".join(said), name_at + 4 + LINE * (len(names) - 1), drawn)

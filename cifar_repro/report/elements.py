"""What charts are made of: a scale, elements of SVG, and the frame that says in words what is drawn."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from markupsafe import Markup, escape
from matplotlib.ticker import MaxNLocator

WIDTH, WIDE = 440, 880  # of charts, in their own units: the page scales them to their place
LINE = 17  # the height of a line of text
COLOURS = 5  # c1 to c5 in the page's style; with the sixth result they begin again

Points = Sequence[tuple[float, float]]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """Maps numbers from `low` to `high` to places from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """At most about `most` round numbers on the scale."""
        places = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
        return [float(place) for place in places if self.low <= place <= self.high]

    def whole_ticks(self, most: int) -> list[int]:
        """At most about `most` round whole numbers on the scale; MaxNLocator takes fractions where there are few."""
        steps = (digit * 10**zeros for zeros in count() for digit in (1, 2, 5))
        step = next(step for step in steps if (self.high - self.low) / step <= most)
        return [step * k for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def tag(name: str, *inside: str | Markup, **attributes: str | float) -> Markup:
    """An element; all that is no Markup is escaped. In names of attributes `_` stands for `-`, a last one is cut."""
    written = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{escape(f"{value:.1f}" if isinstance(value, float) else value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{''.join(map(escape, inside))}</{name}>")


def frame(title: str, description: str, height: float, drawn: Sequence[Markup], width: float = WIDTH) -> Markup:
    """The chart of all that is drawn; its first children say what it shows."""
    said = [tag("title", title), tag("desc", description)]
    return tag(
        "svg", *said, *drawn, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=f"{title}. {description}"
    )


def colour(index: int) -> str:
    """The class of the colour of the result with that index, from 0; later ones take it `again`, drawn otherwise."""
    return f"c{index % COLOURS + 1}" + " again" * (index >= COLOURS)


# Around (0, 0), one a colour: people who do not tell the colours apart tell these.
SHAPES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",  # a disc
    "M-4-4h8v8h-8z",  # a square
    "M0-5.2l5.2 9h-10.4z",  # a triangle
    "M0-5.6l5.6 5.6l-5.6 5.6l-5.6-5.6z",  # a diamond
    "M0 5.2l5.2-9h-10.4z",  # a triangle upside down
)


def shape(index: int, x: float, y: float) -> Markup:
    """The sign of the result with that index, from 0, in its colour."""
    place = f"translate({x:.1f} {y:.1f})"
    return tag("path", d=SHAPES[index % COLOURS], transform=place, class_=f"shape {colour(index)}")


def text(content: str, x: float, y: float, look: str) -> Markup:
    return tag("text", content, x=float(x), y=float(y), class_=look)


def reading(
    *on: Markup,
    lines: Sequence[str | tuple[str, str]],
    top: float,
    points: Sequence[Markup] = (),
    width: float = WIDTH,
) -> Markup:
    """What can be pointed at, and the points and lines that show while it is, or once it has been tapped.

    The page's style shows them, not a script; the lines in the place of the axis' name, which is at `top`, one with a
    second text in the colour of that class. A phone lets people tap what can have the focus; no key gives it, since the
    numbers stand in tables, too.
    """
    told = []
    for k, line in enumerate(filter(None, lines)):
        words, look = line if isinstance(line, tuple) else (line, "")
        told.append(text(words, width / 2, top + LINE * k, f"middle {look}".strip()))
    return tag("g", *on, tag("g", *points, *told, class_="reading"), class_="at", tabindex=-1)


def apart(labels: Sequence[tuple[float, str, str]], step: float) -> list[tuple[float, str, str]]:
    """Labels (place, name, look) moved up and down, as little as it takes, until they are `step` apart."""
    placed: list[tuple[float, str, str]] = []
    for at, name, look in sorted(labels):
        placed.append((max(at, placed[-1][0] + step) if placed else at, name, look))
    shift = sum(at for at, *_ in placed) - sum(at for at, *_ in labels)
    return [(at - shift / len(placed), name, look) for at, name, look in placed]


def from_to(values: Sequence[float], written: Callable[[float], str]) -> str:
    low, high = written(min(values)), written(max(values))
    return low if low == high else f"{low} to {high}"


def room(values: Sequence[float], share: float) -> tuple[float, float]:
    """The range of the values with some room around it, never empty."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    around = (high - low) * share or max(abs(high) * 0.01, 1e-9)
    return low - around, high + around


def number(value: float) -> str:
    return f"{value:.6g}"

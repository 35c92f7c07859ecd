"""What charts are made of: a scale, elements of SVG, and the frame that says in words what is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape
from matplotlib.ticker import MaxNLocator

WIDTH = 440  # of every chart, in its own units: the page scales it to its place
LINE = 17  # the height of a line of text


@dataclass(frozen=True)
class Scale:
    """Maps numbers from `low` to `high` to places from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int, whole: bool = False) -> list[float]:
        """At most about `most` round numbers on the scale."""
        places = MaxNLocator(most, steps=[1, 2, 5, 10], integer=whole).tick_values(self.low, self.high)
        return [float(place) for place in places if self.low <= place <= self.high]


def tag(name: str, *inside: str | Markup, **attributes: str | float) -> Markup:
    """An element; all that is no Markup is escaped. In names of attributes `_` stands for `-`, a last one is cut."""
    written = Markup("").join(
        Markup(' {}="{}"').format(
            key.removesuffix("_").replace("_", "-"), f"{value:.1f}" if isinstance(value, float) else value
        )
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, Markup("").join(map(escape, inside)))


def frame(title: str, description: str, height: float, drawn: Sequence[Markup]) -> Markup:
    """The chart of all that is drawn; its first children say what it shows."""
    said = [tag("title", title), tag("desc", description)]
    return tag(
        "svg", *said, *drawn, viewBox=f"0 0 {WIDTH} {height:g}", role="img", aria_label=f"{title}. {description}"
    )


def text(content: str, x: float, y: float, look: str) -> Markup:
    return tag("text", content, x=float(x), y=float(y), class_=look)


def reading(*on: Markup, lines: Sequence[str], top: float, points: Sequence[Markup] = ()) -> Markup:
    """What can be pointed at, and the points and lines that show while it is, or once it has been tapped.

    The page's style shows them, not a script; the lines in the place of the axis' name, which is at `top`. A phone lets
    people tap what can have the focus; no key gives it, since the numbers stand in tables, too.
    """
    told = [text(line, WIDTH / 2, top + LINE * k, "middle") for k, line in enumerate(filter(None, lines))]
    return tag("g", *on, tag("g", *points, *told, class_="reading"), class_="at", tabindex=-1)


def room(values: Sequence[float], share: float) -> tuple[float, float]:
    """The range of the values with some room around it, never empty."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    around = (high - low) * share or max(abs(high) * 0.01, 1e-9)
    return low - around, high + around


def number(value: float) -> str:
    return f"{value:.6g}"

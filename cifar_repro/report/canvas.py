"""What the figures of a run are drawn on: a white canvas with title and caption, grids of images, notes, legends."""

import math
import textwrap
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path

Images = npt.NDArray[np.uint8]
MUTED, GRID = "#595959", "#E3E3E3"


def canvas(
    width: float, height: float, title: str, caption: str, *, scale: float = 1, constrained: bool = False
) -> Figure:
    """A white figure (inches), title at the top left, caption at the bottom; `scale` enlarges the two.

    The caption is the figure's `supxlabel`: a constrained layout keeps everything clear of it. Without one
    the caller places its axes from the top, and the caption's lines are added to `height` here.
    """
    lines = textwrap.wrap(caption, width=int(72 * width / (0.6 * 8.5 * scale)))
    height += 0.17 * scale * (len(lines) + 1)
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08) if constrained else None
    figure = Figure((width, height), dpi=150 if scale == 1 else 100, facecolor="white", layout=layout)
    common: dict[str, Any] = {"x": 0.1 * scale / width, "ha": "left", "parse_math": False}
    # A constrained layout makes room for a title or a caption only where it may also place it.
    top = {} if constrained else {"y": 1 - 0.1 * scale / height}
    bottom = {} if constrained else {"y": 0.08 * scale / height}
    heading, size = fitted(title, 0.85 * 72 * width, 13 * scale)  # bold is about a tenth wider than measured
    figure.suptitle(heading, fontsize=size, fontweight="bold", **common, **top)
    figure.supxlabel("\n".join(lines), fontsize=8.5 * scale, color=MUTED, **common, **bottom)
    return figure


def image_grid(images: Images, title: str, caption: str, *, title_lines: int) -> tuple[Figure, list[Axes]]:
    """Axes with the images in rows of ten, with room for `title_lines` lines above each; sizes in inches."""
    side = 128 / 150  # at 150 dpi every pixel of an image becomes 4 x 4
    pitch, row_height, top = 0.98, side + 0.12 + 0.16 * title_lines, 0.32
    figure = canvas(10, top + max(1, math.ceil(len(images) / 10)) * row_height, title, caption)
    height = figure.get_figheight()
    panels = []
    for index, image in enumerate(images):
        row, column = divmod(index, 10)
        left, bottom = 0.1 + column * pitch + (pitch - side) / 2, height - top - (row + 1) * row_height
        ax = figure.add_axes((left / 10, bottom / height, side / 10, side / height), xticks=[], yticks=[])
        ax.imshow(image.transpose(1, 2, 0), interpolation="nearest")  # (32, 32, 3)
        panels.append(ax)
    return figure, panels


def tidy(ax: Axes, grid: Literal["both", "x"]) -> None:
    """A faint grid behind the data and no box around it."""
    ax.grid(axis=grid, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=10, length=0)


def note(ax: Axes, x: float, text: str, colour: str, side: Literal["left", "center", "right"], **place: Any) -> None:
    """A line of text at the top of the axes, on white so that the grid does not cross it."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    where = {"transform": ax.transAxes, **place}
    ax.text(x, 0.975, text, color=colour, fontsize=10, ha=side, va="top", bbox=box, **where)


def legend(ax: Axes, columns: int) -> None:
    """A legend above the axes, where it hides nothing; overall values last, published ones after ours."""
    entries = sorted(
        zip(*ax.get_legend_handles_labels(), strict=True),
        key=lambda entry: (entry[1].startswith("overall"), "published" in entry[1]),
    )
    if entries:
        handles, labels = zip(*entries, strict=True)
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
        ax.legend(handles, labels, ncols=columns, frameon=False, fontsize=10, **place)


def fitted(text: str, width: float, size: float) -> tuple[str, float]:
    """`text` and a font size at which it is at most `width` points wide.

    Down to 80 % of `size` the letters get smaller; what is still too long is cut and ends in "…".
    """
    text, font = " ".join(text.split()), FontProperties(size=size)
    shown = text
    while True:
        points = text_to_path.get_text_width_height_descent(shown, font, ismath=False)[0]
        if points * 0.8 <= width or shown == "…":
            return shown, size * min(1.0, width / max(points, 1e-9))
        text = text[:-1]
        shown = text + "…"

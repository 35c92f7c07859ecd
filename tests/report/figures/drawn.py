"""What the figures are drawn from in these tests, and what can be read off a figure."""

import functools
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from cifar_repro.report import figures

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CAPTION = "udacity, seed 0, synthetic data: not CIFAR-10"
LONG = ["great horned owl of the northern woods", "price_in_$_or_$", "W" * 30, *CLASSES[3:]]


def some_images(count: int) -> npt.NDArray[np.uint8]:
    """Random pixels, (count, 3, 32, 32), the same in every test."""
    return np.random.default_rng(0).integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)


def some_epochs(count: int, saved: set[int] | None = None) -> list[dict[str, Any]]:
    """Falling losses; all epochs saved unless told which."""
    return [
        {
            "epoch": epoch,
            "train_loss": 2.2 / epoch**0.5,
            "valid_loss": 1.9 / epoch**0.3,
            "saved": saved is None or epoch in saved,
        }
        for epoch in range(1, count + 1)
    ]


def some_counts() -> list[list[int]]:
    """A confusion matrix with 100 different counts, so that a swap or a shift of cells shows."""
    return [[37 * true + 3 * predicted + 1 for predicted in range(10)] for true in range(10)]


def some_classes(correct: list[int], total: int = 100) -> list[dict[str, Any]]:
    """Rows of per-class results, named as in CIFAR-10."""
    return [{"name": name, "correct": c, "total": total} for name, c in zip(CLASSES, correct, strict=False)]


def all_figures(caption: str = CAPTION, classes: list[str] = CLASSES) -> dict[str, Callable[[], Figure]]:
    """Every figure, and the troublesome ones: few images, empty rows, 0 % and 100 %, nothing published."""
    images, labels = some_images(20), list(range(10)) * 2
    rows = [{"name": name, "correct": 20 * i, "total": 180} for i, name in enumerate(classes)]
    counts = some_counts()
    counts[4] = [0] * 10
    return {
        "training_batch": lambda: figures.training_batch(images, labels, classes, caption=caption),
        "training_batch_7": lambda: figures.training_batch(images[:7], labels[:7], classes, caption=caption),
        "channel_values": lambda: figures.channel_values(images[0], classes[0], caption=caption),
        "loss_curves": lambda: figures.loss_curves(some_epochs(9), some_epochs(30), caption=caption),
        "loss_curves_1": lambda: figures.loss_curves(some_epochs(1), caption=caption),
        "loss_curves_0": lambda: figures.loss_curves([], caption=caption),
        "confusion_matrix": lambda: figures.confusion_matrix(counts, classes, caption=caption),
        "per_class": lambda: figures.per_class_accuracy(rows, rows, caption=caption),
        "per_class_alone": lambda: figures.per_class_accuracy(rows, caption=caption),
        "predictions": lambda: figures.predictions(images, labels, [3] * 20, classes, caption=caption),
        "predictions_7": lambda: figures.predictions(images[:7], labels[:7], labels[1:8], classes, caption=caption),
    }


@functools.cache
def figure_of(name: str) -> Figure:
    """The figure of that name with usual captions and classes, drawn once for all tests that only read it."""
    return all_figures()[name]()


def visible_texts(figure: Figure) -> list[Text]:
    """All that is written in a figure that has been drawn; ticks outside the limits of their axis are not."""
    hidden = set()
    for ax in [*figure.axes, *(child for parent in figure.axes for child in parent.child_axes)]:
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            hidden |= {label for place, label in ticks if not min(limits) <= place <= max(limits)}
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in found if isinstance(text, Text) and text.get_text().strip() and text not in hidden]


def texts(ax: Axes) -> list[str]:
    """What is written inside the axes."""
    return [text.get_text() for text in ax.texts]


def cells(ax: Axes) -> dict[tuple[int, int], Text]:
    """The texts of a grid of cells by (row, column)."""
    return {(round(text.get_position()[1]), round(text.get_position()[0])): text for text in ax.texts}


def legend_labels(ax: Axes) -> list[str]:
    """The entries of the legend, in the order drawn."""
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def luminance(colour: Any) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Any, other: Any) -> float:
    """Contrast ratio, WCAG 2.2: 1 (none) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def pixels(figure: Figure) -> bytes:
    """The figure as it is saved."""
    file = io.BytesIO()
    figure.savefig(file, format="rgba")
    return file.getvalue()


def lines(ax: Axes) -> dict[str, Any]:
    """The curves by their names in the legend, and the mark of the best epoch as "_best"."""
    return {str(line.get_label()): line for line in ax.lines}

"""The figures of a run: what the tutorial shows (sections 3, 4, 8, 10 and 11), and more.

Each function takes plain data and returns a `matplotlib.figure.Figure` that carries its own size and dpi:
`figure.savefig(file, format="png")` is all there is to do. No pyplot, so nothing stays open, and a user's
matplotlibrc does not change a figure. Images are uint8 arrays of shape (n, 3, 32, 32). Class names are drawn
letter for letter (no mathtext) and shortened only where they would run into a neighbour. Figures are 10
inches wide: their text can be read when the PNG is seen 1000 pixels wide.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from cifar_repro.statistics import wilson_interval

Images = npt.NDArray[np.uint8]
Labels = Sequence[int] | npt.NDArray[np.integer[Any]]
Rows = Sequence[Mapping[str, Any]]
Points = Sequence[tuple[float, float]]

# Blue and vermilion of Okabe and Ito (2008), which colour-blind readers tell apart. Colours that text is
# written in are darker: their contrast on white is at least 4.5 to 1 (WCAG 2.2).
TRAIN, VALID, VALID_TEXT = "#0072B2", "#D55E00", "#B34F00"
RIGHT, WRONG = "#007A5A", "#C1272D"
MUTED, GRID = "#595959", "#E3E3E3"
# Never darker than black text on it allows, and steepest at the small shares, where the confusions are.
SHARES = [(0.0, "#F4F8FC"), (0.15, "#BFDAEF"), (0.4, "#8FC2E3"), (1.0, "#4A9ACB")]

_own_style = style.context("default")  # as a decorator: the caller's settings are back when the function ends


@_own_style
def training_batch(images: Images, labels: Labels, classes: Sequence[str], *, caption: str) -> Figure:
    """Training images in rows of ten, each under its class name (tutorial, section 3).

    `images`: (n, 3, 32, 32) uint8; `labels`: n indices into `classes`.
    """
    names = _names("labels", labels, classes, images)
    figure, panels = _image_grid(images, "Training images", caption, title_lines=1)
    for ax, name in zip(panels, names, strict=True):
        text, size = _fitted(name, 66, 9)
        ax.set_title(text, fontsize=size, pad=3, parse_math=False)
    return figure


@_own_style
def channel_values(image: Images, class_name: str, *, caption: str) -> Figure:
    """The red, green and blue channel of one image, every value written in its cell (tutorial, section 4).

    `image`: (3, 32, 32) uint8. The values are what the network gets, `(x / 255 - 0.5) / 0.5`; shades run from
    black for -1 to white for 1 in all three panels, so that channels compare. The figure is 3.3 times as wide
    as the others: at full size a cell has 32 x 32 pixels and its value is readable.
    """
    _names("image", [0], [class_name], image[np.newaxis])
    # Rounded before 0 is added: x = 127 becomes 0.00, not -0.00.
    written = [f"{round((x / 255 - 0.5) / 0.5, 2) + 0.0:.2f}" for x in range(256)]
    title = f"{class_name}: what the network sees, from -1 (black) to 1 (white)"
    figure = _canvas(33.2, 12.5, title, caption, scale=3.3)
    font, height = FontProperties(size=7.9), figure.get_figheight()
    for index, channel in enumerate(("red", "green", "blue")):
        left = 0.9 + index * 10.9  # inches; a panel is 32 cells of 0.32
        ax = figure.add_axes((left / 33.2, 1 - 12 / height, 10.24 / 33.2, 10.24 / height))
        ax.imshow(image[index], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        ax.set_title(f"{channel} channel", fontsize=30, pad=12)
        ax.set_xticks([0, 8, 16, 24, 31])
        ax.set_yticks([0, 8, 16, 24, 31])
        ax.tick_params(labelsize=24, length=0)
        for row, line in enumerate(image[index].tolist()):
            for column, x in enumerate(line):
                # From 118 on black has the higher contrast: there the relative luminance L is 0.18, where
                # 1.05 / (L + 0.05) and (L + 0.05) / 0.05 meet (WCAG 2.2, "contrast ratio").
                ink = "black" if x >= 118 else "white"
                ax.text(column, row, written[x], color=ink, fontproperties=font, ha="center", va="center")
    return figure


@_own_style
def loss_curves(epochs: Rows, published: Rows | None = None, *, caption: str, tests_best: bool = True) -> Figure:
    """Training and validation loss by epoch; the last saved epoch, whose weights are tested, is marked.

    `epochs`: mappings with `epoch`, `train_loss`, `valid_loss` (nats per image; None without a validation) and `saved`;
    `published`: the same without `saved`, drawn thin and dashed. A loss that is not finite leaves a gap, and a note
    says so. tests_best: whether the last saved epoch is the one with the best validation loss, or just the last one.
    """
    figure = _canvas(10, 5.6, "Loss by epoch", caption, constrained=True)
    ax = figure.add_subplot()
    _tidy(ax, "both")
    ax.set_xlabel("epoch", fontsize=10)
    ax.set_ylabel("cross-entropy loss (nats per image)", fontsize=10)

    published = published or []
    drawn: list[float] = []  # every finite loss
    for rows, whose, width, dashes in ((epochs, "this run", 2.0, "-"), (published, "published", 1.1, "--")):
        for key, name, colour in (("train_loss", "training", TRAIN), ("valid_loss", "validation", VALID)):
            rows_with = [row for row in rows if row[key] is not None]
            losses = [float(row[key]) for row in rows_with]
            drawn += [loss for loss in losses if math.isfinite(loss)]
            if losses:
                x = [int(row["epoch"]) for row in rows_with]
                marker = "o" if rows is epochs or len(x) == 1 else ""  # one epoch makes no line to be seen
                look: dict[str, Any] = {"linewidth": width, "linestyle": dashes, "marker": marker}
                ax.plot(x, losses, color=colour, markersize=4, label=f"{name}, {whose}", **look)

    # The room above the curves belongs to the notes: whatever the curves do, no text lies on them.
    low, high = min(drawn, default=0.0), max(drawn, default=1.0)
    span = max(high - low, 0.1 * abs(high), 1e-6)
    ax.set_ylim(low - 0.06 * span, high + 0.17 * span)
    last = max((int(row["epoch"]) for row in (*epochs, *published)), default=1)
    ax.set_xlim(1 - max(0.25, 0.02 * last), last + max(0.25, 0.02 * last))
    ax.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))

    saved = [row for row in epochs if row["saved"]]
    early = not saved or saved[-1]["epoch"] <= (1 + last) / 2  # then its label goes to the right of it
    if saved and not tests_best:
        _note(ax, 0.015, f"tested: the weights of the last epoch, {saved[-1]['epoch']}", MUTED, "left")
    elif saved:
        best, loss = int(saved[-1]["epoch"]), float(saved[-1]["valid_loss"])
        ax.axvline(best, color=VALID, linewidth=0.9, linestyle=":", zorder=4)  # over the note's white
        ax.plot([best], [loss], "o", color=VALID, mfc="none", markersize=11, mew=2, label="_best")
        text = f"  best: epoch {best}, validation loss {loss:.4f}  "
        _note(ax, best, text, VALID_TEXT, "left" if early else "right", transform=ax.get_xaxis_transform())
    elif epochs:
        _note(ax, 0.015, "no epoch was saved", MUTED, "left")
    else:
        _note(ax, 0.5, "no epoch finished", MUTED, "center")
    lost = [str(row["epoch"]) for row in epochs if not math.isfinite(row["train_loss"] + (row["valid_loss"] or 0))]
    if lost:
        text = f"loss not finite in epoch {lost[0]}" + (f" and {len(lost) - 1} more" if lost[1:] else "")
        left = tests_best and not early
        _note(ax, 0.015 if left else 0.985, text, MUTED, "left" if left else "right")
    _legend(ax, columns=4)
    return figure


@_own_style
def running_loss(own: Points, published: Sequence[Points], *, window: int, caption: str) -> Figure:
    """The mean training loss of each `window` steps by step, as PyTorch's tutorial prints it; points are (step, loss).

    `published`: the same of any number of published runs, drawn thin and dashed.
    """
    figure = _canvas(10, 5.6, f"Training loss, mean over each {window:,} steps", caption, constrained=True)
    ax = figure.add_subplot()
    _tidy(ax, "both")
    ax.set_xlabel("training step (mini-batch)", fontsize=10)
    ax.set_ylabel("cross-entropy loss (nats per image)", fontsize=10)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if own:
        ax.plot(*zip(*own, strict=True), "o-", color=TRAIN, linewidth=2.0, markersize=4, label="training, this run")
    for number, points in enumerate(published):
        label = "_more" if number else "training, published"  # one entry for all of them in the legend
        ax.plot(*zip(*points, strict=True), "--", color=TRAIN, linewidth=1.1, label=label)
    _legend(ax, columns=2)
    return figure


@_own_style
def confusion_matrix(confusion: Sequence[Sequence[int]], classes: Sequence[str], *, caption: str) -> Figure:
    """How often each class was taken for each: counts in the cells, colour by share of the true class.

    `confusion[t][p]`: images of class `t` predicted as `p`. The row of a class without images is grey.
    """
    counts = np.array(confusion, dtype=np.int64)
    if counts.shape != (len(classes), len(classes)):
        raise ValueError(f"confusion: expected {len(classes)} x {len(classes)} counts, got {counts.shape}")
    totals = counts.sum(axis=1, keepdims=True)  # (classes, 1)
    shares = np.ma.masked_where(np.broadcast_to(totals == 0, counts.shape), counts / np.maximum(totals, 1))

    title = f"Confusion matrix: {int(np.trace(counts))} of {int(counts.sum())} right"
    figure = _canvas(10, 8.8, title, caption, constrained=True)
    ax = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("shares", SHARES).with_extremes(bad="#EEEEEE")
    mesh = ax.imshow(shares, cmap=colours, vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    for (true, predicted), count in np.ndenumerate(counts):
        ink = "black" if count else "#6B6B6B"  # zeros step back, so that the eye goes to the confusions
        look: dict[str, Any] = {"fontsize": min(11, 520 / len(classes) / len(str(count))), "color": ink}
        weight = "bold" if true == predicted else "normal"
        ax.text(predicted, true, str(count), ha="center", va="center", fontweight=weight, **look)
    for line in range(1, len(classes)):  # white gaps: each cell stands alone, also beside its equal
        ax.axhline(line - 0.5, color="white", linewidth=1.5)
        ax.axvline(line - 0.5, color="white", linewidth=1.5)
    names = [_fitted(name, 110, 10)[0] for name in classes]
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor", parse_math=False)
    names = [name if n else f"{name}\n(no images)" for name, n in zip(names, totals[:, 0], strict=True)]
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.set_xlabel("predicted class", fontsize=11)
    ax.set_ylabel("true class", fontsize=11)
    ax.tick_params(labelsize=10, length=0)
    ax.spines[:].set_visible(False)
    beside = ax.inset_axes((1.03, 0, 0.035, 1))
    bar = figure.colorbar(mesh, cax=beside, format=PercentFormatter(1, symbol=" %"))
    bar.set_label("share of the true class (%)", fontsize=10)
    return figure


@_own_style
def per_class_accuracy(per_class: Rows, published: Rows | None = None, *, caption: str) -> Figure:
    """Accuracy of each class with its 95 % Wilson interval, and the overall accuracy as a line.

    `per_class`: mappings with `name`, `correct`, `total`; `published`: the same, matched by name.
    """
    figure = _canvas(10, 1.9 + 0.4 * len(per_class), "Test accuracy by class", caption, constrained=True)
    ax = figure.add_subplot()
    _tidy(ax, "x")
    dots, diamonds = [], []  # (accuracy, height, interval) and (accuracy, height), in %
    before = {row["name"]: row for row in published or () if row["total"]}
    for y, row in enumerate(per_class):
        correct, total = int(row["correct"]), int(row["total"])
        text = f"{100 * correct / total:.1f} %  ({correct}/{total})" if total else "no images"
        ink = "black" if total else MUTED
        ax.text(1.02, y, text, transform=ax.get_yaxis_transform(), va="center", fontsize=10, color=ink)
        if total:
            low, high = wilson_interval(correct, total)
            dots.append((100 * correct / total, y, 100 * low, 100 * high))
        if earlier := before.get(row["name"]):  # a little lower, so that equal values do not hide each other
            diamonds.append((100 * earlier["correct"] / earlier["total"], y + 0.27))
    if dots:
        shares, heights, lows, highs = np.array(dots).T
        reach = np.maximum(0, [shares - lows, highs - shares])  # rounding can leave -1e-15 at 0 % and 100 %
        label = "this run, with 95 % Wilson interval"
        ax.errorbar(shares, heights, xerr=reach, fmt="o", color=TRAIN, markersize=7, capsize=3.5, label=label)
    if diamonds:
        ax.plot(*zip(*diamonds, strict=True), "D", color=VALID, mfc="white", markersize=5, label="published")
    runs = ((per_class, "this run", TRAIN, "-"), (published or (), "published", VALID, "--"))
    for rows, whose, colour, dashes in runs:
        correct, total = (sum(int(row[key]) for row in rows) for key in ("correct", "total"))
        if total:
            x = 100 * correct / total
            label = f"overall, {whose}: {x:.2f} %"
            ax.axvline(x, color=colour, linewidth=1.2, linestyle=dashes, zorder=1, label=label)
    ax.set_xlim(-2, 102)
    ax.set_ylim(len(per_class) - 0.4, -0.6)
    names = [_fitted(row["name"], 130, 10)[0] for row in per_class]
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.set_xlabel("accuracy (% of the class's test images)", fontsize=10)
    _legend(ax, columns=2)
    return figure


@_own_style
def predictions(images: Images, labels: Labels, predicted: Labels, classes: Sequence[str], *, caption: str) -> Figure:
    """Test images titled "predicted (true)" (tutorial, section 11).

    Right is a tick, green and a thin solid frame; wrong is a cross, red and a thick dashed one.
    `images`: (n, 3, 32, 32) uint8; `labels` and `predicted`: n indices into `classes`.
    """
    true_names, guesses = (
        _names(argument, indices, classes, images)
        for argument, indices in (("labels", labels), ("predicted", predicted))
    )
    hits = [int(guess) == int(label) for guess, label in zip(predicted, labels, strict=True)]
    title = f"Test images, predicted (true): {sum(hits)} of {len(hits)} right"
    figure, panels = _image_grid(images, title, caption, title_lines=2)
    for ax, guess, truth, hit in zip(panels, guesses, true_names, hits, strict=True):
        (first, size1), (second, size2) = _fitted(guess, 54, 9), _fitted(truth, 59, 9)
        text, colour = f"{'✓' if hit else '✗'} {first}\n({second})", RIGHT if hit else WRONG
        look: dict[str, Any] = {"fontsize": min(size1, size2), "color": colour, "linespacing": 1.1}
        ax.set_title(text, pad=4, parse_math=False, **look)
        # Butt ends: the default ones reach over the gaps and would close the dashes.
        frame = {"linewidth": 1.2, "linestyle": "-"} if hit else {"linewidth": 3, "linestyle": (0, (2.5, 1))}
        ax.spines[:].set(color=colour, capstyle="butt", **frame)
    return figure


def _canvas(
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
    heading, size = _fitted(title, 0.85 * 72 * width, 13 * scale)  # bold is about a tenth wider than measured
    figure.suptitle(heading, fontsize=size, fontweight="bold", **common, **top)
    figure.supxlabel("\n".join(lines), fontsize=8.5 * scale, color=MUTED, **common, **bottom)
    return figure


def _image_grid(images: Images, title: str, caption: str, *, title_lines: int) -> tuple[Figure, list[Axes]]:
    """Axes with the images in rows of ten, with room for `title_lines` lines above each; sizes in inches."""
    side = 128 / 150  # at 150 dpi every pixel of an image becomes 4 x 4
    pitch, row_height, top = 0.98, side + 0.12 + 0.16 * title_lines, 0.32
    figure = _canvas(10, top + max(1, math.ceil(len(images) / 10)) * row_height, title, caption)
    height = figure.get_figheight()
    panels = []
    for index, image in enumerate(images):
        row, column = divmod(index, 10)
        left, bottom = 0.1 + column * pitch + (pitch - side) / 2, height - top - (row + 1) * row_height
        ax = figure.add_axes((left / 10, bottom / height, side / 10, side / height), xticks=[], yticks=[])
        ax.imshow(image.transpose(1, 2, 0), interpolation="nearest")  # (32, 32, 3)
        panels.append(ax)
    return figure, panels


def _tidy(ax: Axes, grid: Literal["both", "x"]) -> None:
    """A faint grid behind the data and no box around it."""
    ax.grid(axis=grid, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=10, length=0)


def _note(ax: Axes, x: float, text: str, colour: str, side: Literal["left", "center", "right"], **place: Any) -> None:
    """A line of text at the top of the axes, on white so that the grid does not cross it."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    where = {"transform": ax.transAxes, **place}
    ax.text(x, 0.975, text, color=colour, fontsize=10, ha=side, va="top", bbox=box, **where)


def _legend(ax: Axes, columns: int) -> None:
    """A legend above the axes, where it hides nothing; overall values last, published ones after ours."""
    entries = sorted(
        zip(*ax.get_legend_handles_labels(), strict=True),
        key=lambda entry: (entry[1].startswith("overall"), "published" in entry[1]),
    )
    if entries:
        handles, labels = zip(*entries, strict=True)
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
        ax.legend(handles, labels, ncols=columns, frameon=False, fontsize=10, **place)


def _fitted(text: str, width: float, size: float) -> tuple[str, float]:
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


def _names(argument: str, labels: Labels, classes: Sequence[str], images: Images) -> list[str]:
    """The class name of each image, or a `ValueError` if images and labels are not what they should be."""
    if images.dtype != np.uint8 or images.shape[1:] != (3, 32, 32):
        got = f"{images.dtype} of shape {images.shape}"
        raise ValueError(f"images: expected uint8, (n, 3, 32, 32), got {got}; pass the pixels as read")
    if len(labels) != len(images):
        raise ValueError(f"{argument}: expected one for each of {len(images)} images, got {len(labels)}")
    wrong = [int(label) for label in labels if not 0 <= label < len(classes)]
    if wrong:
        raise ValueError(f"{argument}: {wrong[0]} is no index into the {len(classes)} classes")
    return [classes[int(label)] for label in labels]

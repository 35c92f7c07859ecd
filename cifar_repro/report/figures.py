"""The figures of a run: what the tutorial shows (sections 3, 4, 8, 10 and 11), and more.

Each function takes plain data and returns a `matplotlib.figure.Figure` that carries its own size and dpi:
`figure.savefig(file, format="png")` is all there is to do. No pyplot, so nothing stays open, and a user's
matplotlibrc does not change a figure. Images are uint8 arrays of shape (n, 3, 32, 32). Class names are drawn
letter for letter (no mathtext) and shortened only where they would run into a neighbour. Figures are 10
inches wide: their text can be read when the PNG is seen 1000 pixels wide.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.collections import PathCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from matplotlib.transforms import Affine2D

from cifar_repro.report.canvas import MUTED, Images, canvas, fitted, image_grid, legend, note, tidy
from cifar_repro.statistics import wilson_interval

Labels = Sequence[int] | npt.NDArray[np.integer[Any]]
Rows = Sequence[Mapping[str, Any]]
Points = Sequence[tuple[float, float]]

# Blue and vermilion of Okabe and Ito (2008), which colour-blind readers tell apart. Colours that text is
# written in are darker: their contrast on white is at least 4.5 to 1 (WCAG 2.2).
TRAIN, VALID, VALID_TEXT = "#0072B2", "#D55E00", "#B34F00"
RIGHT, WRONG = "#007A5A", "#C1272D"
# Never darker than black text on it allows, and steepest at the small shares, where the confusions are.
SHARES = [(0.0, "#F4F8FC"), (0.15, "#BFDAEF"), (0.4, "#8FC2E3"), (1.0, "#4A9ACB")]

_own_style = style.context("default")  # as a decorator: the caller's settings are back when the function ends


@_own_style
def training_batch(images: Images, labels: Labels, classes: Sequence[str], *, caption: str) -> Figure:
    """Training images in rows of ten, each under its class name (tutorial, section 3).

    `images`: (n, 3, 32, 32) uint8; `labels`: n indices into `classes`.
    """
    names = _names("labels", labels, classes, images)
    figure, panels = image_grid(images, "Training images", caption, title_lines=1)
    for ax, name in zip(panels, names, strict=True):
        text, size = fitted(name, 66, 9)
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
    figure = canvas(33.2, 12.5, title, caption, scale=3.3)
    height = figure.get_figheight()
    # Outlines in one collection a panel: 3,072 texts of their own take four times as long, which each run waits for.
    outlines = {text: _centred(TextPath((0, 0), text, size=7.9)) for text in set(written)}
    rows, columns = np.divmod(np.arange(32 * 32), 32)
    for index, channel in enumerate(("red", "green", "blue")):
        left = 0.9 + index * 10.9  # inches; a panel is 32 cells of 0.32
        ax = figure.add_axes((left / 33.2, 1 - 12 / height, 10.24 / 33.2, 10.24 / height))
        ax.imshow(image[index], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        ax.set_title(f"{channel} channel", fontsize=30, pad=12)
        ax.set_xticks([0, 8, 16, 24, 31])
        ax.set_yticks([0, 8, 16, 24, 31])
        ax.tick_params(labelsize=24, length=0)
        values = image[index].ravel().tolist()
        texts = PathCollection(
            [outlines[written[x]] for x in values],
            offsets=np.column_stack([columns, rows]),
            offset_transform=ax.transData,
            # From 118 on black has the higher contrast: there the relative luminance L is 0.18, where
            # 1.05 / (L + 0.05) and (L + 0.05) / 0.05 meet (WCAG 2.2, "contrast ratio").
            facecolors=["black" if x >= 118 else "white" for x in values],
            linewidths=0,
        )
        texts.set_transform(figure.dpi_scale_trans.frozen().scale(1 / 72))  # points, 72 to an inch
        ax.add_collection(texts, autolim=False)
    return figure


def _centred(path: Path) -> Path:
    """The path with the middle of its box at the origin."""
    points = np.asarray(path.vertices)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return path.transformed(Affine2D().translate(*-middle))


@_own_style
def loss_curves(epochs: Rows, published: Rows | None = None, *, caption: str, tests_best: bool = True) -> Figure:
    """Training and validation loss by epoch; the last saved epoch, whose weights are tested, is marked.

    `epochs`: mappings with `epoch`, `train_loss`, `valid_loss` (nats per image; None without a validation) and `saved`;
    `published`: the same without `saved`, drawn thin and dashed. A loss that is not finite leaves a gap, and a note
    says so. tests_best: whether the last saved epoch is the one with the best validation loss, or just the last one.
    """
    figure = canvas(10, 5.6, "Loss by epoch", caption, constrained=True)
    ax = figure.add_subplot()
    tidy(ax, "both")
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
        note(ax, 0.015, f"tested: the weights of the last epoch, {saved[-1]['epoch']}", MUTED, "left")
    elif saved:
        best, loss = int(saved[-1]["epoch"]), float(saved[-1]["valid_loss"])
        ax.axvline(best, color=VALID, linewidth=0.9, linestyle=":", zorder=4)  # over the note's white
        ax.plot([best], [loss], "o", color=VALID, mfc="none", markersize=11, mew=2, label="_best")
        text = f"  best: epoch {best}, validation loss {loss:.4f}  "
        note(ax, best, text, VALID_TEXT, "left" if early else "right", transform=ax.get_xaxis_transform())
    elif epochs:
        note(ax, 0.015, "no epoch was saved", MUTED, "left")
    else:
        note(ax, 0.5, "no epoch finished", MUTED, "center")
    lost = [str(row["epoch"]) for row in epochs if not math.isfinite(row["train_loss"] + (row["valid_loss"] or 0))]
    if lost:
        text = f"loss not finite in epoch {lost[0]}" + (f" and {len(lost) - 1} more" if lost[1:] else "")
        left = tests_best and not early
        note(ax, 0.015 if left else 0.985, text, MUTED, "left" if left else "right")
    legend(ax, columns=4)
    return figure


@_own_style
def running_loss(own: Points, published: Sequence[Points], *, window: int, caption: str) -> Figure:
    """The mean training loss of each `window` steps by step, as PyTorch's tutorial prints it; points are (step, loss).

    `published`: the same of any number of published runs, drawn thin and dashed.
    """
    figure = canvas(10, 5.6, f"Training loss, mean over each {window:,} steps", caption, constrained=True)
    ax = figure.add_subplot()
    tidy(ax, "both")
    ax.set_xlabel("training step (mini-batch)", fontsize=10)
    ax.set_ylabel("cross-entropy loss (nats per image)", fontsize=10)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if own:
        ax.plot(*zip(*own, strict=True), "o-", color=TRAIN, linewidth=2.0, markersize=4, label="training, this run")
    for number, points in enumerate(published):
        label = "_more" if number else "training, published"  # one entry for all of them in the legend
        ax.plot(*zip(*points, strict=True), "--", color=TRAIN, linewidth=1.1, label=label)
    legend(ax, columns=2)
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
    figure = canvas(10, 8.8, title, caption, constrained=True)
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
    names = [fitted(name, 110, 10)[0] for name in classes]
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
    figure = canvas(10, 1.9 + 0.4 * len(per_class), "Test accuracy by class", caption, constrained=True)
    ax = figure.add_subplot()
    tidy(ax, "x")
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
    names = [fitted(row["name"], 130, 10)[0] for row in per_class]
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.set_xlabel("accuracy (% of the class's test images)", fontsize=10)
    legend(ax, columns=2)
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
    figure, panels = image_grid(images, title, caption, title_lines=2)
    for ax, guess, truth, hit in zip(panels, guesses, true_names, hits, strict=True):
        (first, size1), (second, size2) = fitted(guess, 54, 9), fitted(truth, 59, 9)
        text, colour = f"{'✓' if hit else '✗'} {first}\n({second})", RIGHT if hit else WRONG
        look: dict[str, Any] = {"fontsize": min(size1, size2), "color": colour, "linespacing": 1.1}
        ax.set_title(text, pad=4, parse_math=False, **look)
        # Butt ends: the default ones reach over the gaps and would close the dashes.
        frame = {"linewidth": 1.2, "linestyle": "-"} if hit else {"linewidth": 3, "linestyle": (0, (2.5, 1))}
        ax.spines[:].set(color=colour, capstyle="butt", **frame)
    return figure


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

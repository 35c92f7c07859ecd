"""The figures show what they claim: texts, colours and marks are checked against the data behind them."""

import functools
import io
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from cifar_repro.report import figures
from cifar_repro.statistics import wilson_interval

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


EVERY = pytest.mark.parametrize("name", all_figures())


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


# What holds for all


@EVERY
def test_caption_is_at_the_bottom(name: str) -> None:
    """Every figure says, word for word, on what it was made."""
    assert figure_of(name).get_supxlabel() == CAPTION


@pytest.mark.parametrize(
    ("caption", "classes"), [(CAPTION, CLASSES), ("seed 0, some folder, " * 12, LONG)], ids=["short", "long"]
)
@pytest.mark.parametrize("name", [name for name in all_figures() if name != "channel_values"])
def test_no_text_overlaps_another_or_leaves_the_figure(name: str, caption: str, classes: list[str]) -> None:
    """Captions, titles, labels, ticks and legends keep clear of each other, also when they are long."""
    figure = figure_of(name) if classes is CLASSES else all_figures(caption, classes)[name]()
    figure.draw_without_rendering()
    # Names at 40 degrees pass close to each other: upright boxes overlap where the letters do not.
    upright = [text for text in visible_texts(figure) if text.get_rotation() in (0, 90)]
    boxes = [(text.get_text(), text.get_window_extent()) for text in upright]
    width, height = figure.bbox.size
    for index, (text_, box) in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= width, text_
        assert 0 <= box.y0 < box.y1 <= height, text_
        for other, other_box in boxes[index + 1 :]:
            shared = Bbox.intersection(box, other_box)
            # Boxes include the empty space above and below letters: they may touch by 2 pixels.
            assert shared is None or min(shared.width, shared.height) < 2, f"{text_!r} on {other!r}"


@EVERY
def test_every_text_has_contrast_on_white(name: str) -> None:
    """Text outside the cells has a contrast of at least 4.5 to 1 (WCAG 2.2, level AA)."""
    figure = figure_of(name)
    inside = {text for ax in figure.axes if ax.images for text in ax.texts}
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        assert text in inside or contrast(text.get_color(), "white") >= 4.5, text.get_text()


def pixels(figure: Figure) -> bytes:
    """The figure as it is saved."""
    file = io.BytesIO()
    figure.savefig(file, format="rgba")
    return file.getvalue()


@pytest.mark.parametrize("name", ["training_batch_7", "predictions_7", "loss_curves_1", "per_class_alone"])
def test_settings_of_matplotlib_do_not_matter_and_stay(name: str) -> None:
    """A figure made under a user's own settings is the same to the pixel, and leaves them as they were."""
    unusual: dict[Any, Any] = {
        "text.color": "red",
        "figure.facecolor": "black",
        "font.size": 30,
        "axes.edgecolor": "lime",
    }
    with matplotlib.rc_context(unusual):
        before = dict(matplotlib.rcParams)
        figure = all_figures()[name]()
        assert dict(matplotlib.rcParams) == before
    assert pixels(figure) == pixels(all_figures()[name]())


def test_neither_pyplot_nor_torch_is_imported() -> None:
    """Drawing needs no pyplot, which keeps figures open, and no torch."""
    code = """if True:
        import io, sys
        from cifar_repro.report import figures
        figures.loss_curves([], caption="none").savefig(io.BytesIO(), format="png")
        sys.exit(", ".join({"matplotlib.pyplot", "torch"} & set(sys.modules)) or 0)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Images


@pytest.mark.parametrize("count", [0, 1, 7, 10, 20])
def test_each_training_image_is_under_its_class_name(count: int) -> None:
    """As many panels as images; panel i shows the pixels of image i and the name of label i."""
    images, labels = some_images(count), np.arange(count)[::-1] % 10
    figure = figures.training_batch(images, labels, CLASSES, caption=CAPTION)
    assert [ax.get_title() for ax in figure.axes] == [CLASSES[label] for label in labels]
    for ax, image in zip(figure.axes, images, strict=True):
        shown = np.asarray(ax.images[0].get_array())
        assert np.array_equal(shown, np.stack([image[0], image[1], image[2]], axis=-1))


def test_training_images_stand_in_rows_of_ten() -> None:
    """20 images make 2 rows of 10, read from left to right and from the top."""
    figure = figures.training_batch(some_images(20), [0] * 20, CLASSES, caption=CAPTION)
    corners = [(round(ax.get_position().y0, 6), ax.get_position().x0) for ax in figure.axes]
    assert len({y for y, _ in corners}) == 2
    assert corners == sorted(corners, key=lambda corner: (-corner[0], corner[1]))


def test_pixels_stay_sharp() -> None:
    """A drawn image has only the colours of its pixels, and every pixel is a block of 4 x 4."""
    image = some_images(1)
    figure = figures.training_batch(image, [0], CLASSES, caption=CAPTION)
    width, height = (round(size) for size in figure.bbox.size)
    page = np.frombuffer(pixels(figure), np.uint8).reshape(height, width, 4)[..., :3]
    box = figure.axes[0].get_window_extent()
    x, y = round(box.x0), height - round(box.y1)
    drawn = page[y + 8 : y + 120, x + 8 : x + 120]  # without the frame
    expected = image[0].transpose(1, 2, 0).repeat(4, axis=0).repeat(4, axis=1)
    # Where the axes begin between two pixels, the raster may round them one pixel up or down.
    starts = [(dy, dx) for dy in range(6, 11) for dx in range(6, 11)]
    assert any(np.array_equal(drawn, expected[dy : dy + 112, dx : dx + 112]) for dy, dx in starts)


def test_right_and_wrong_predictions_differ_in_colour_mark_and_frame() -> None:
    """Right: tick, green, solid frame. Wrong: cross, red, dashed frame. The title is "predicted (true)"."""
    labels, predicted = [3, 8, 8, 0], [3, 8, 1, 6]
    figure = figures.predictions(some_images(4), labels, predicted, CLASSES, caption=CAPTION)
    titles = [ax.get_title().split() for ax in figure.axes]
    assert titles == [
        ["✓", "cat", "(cat)"],
        ["✓", "ship", "(ship)"],
        ["✗", "automobile", "(ship)"],
        ["✗", "frog", "(airplane)"],
    ]
    for ax, hit in zip(figure.axes, [True, True, False, False], strict=True):
        red, green, _ = to_rgb(ax.title.get_color())
        assert (green > red) is hit
        for spine in ax.spines.values():
            assert to_rgb(spine.get_edgecolor()) == (to_rgb(ax.title.get_color()))
            assert (spine.get_linestyle() == "-") is hit


def test_predictions_count_the_right_ones() -> None:
    """The heading says how many of the images drawn were right."""
    figure = figures.predictions(some_images(3), [1, 2, 3], [1, 2, 4], CLASSES, caption=CAPTION)
    assert figure.get_suptitle().endswith("2 of 3 right")


def test_the_font_has_the_marks() -> None:
    """The tick and the cross are letters of matplotlib's own font, not empty boxes."""
    path = matplotlib.font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    letters = matplotlib.font_manager.get_font(path).get_charmap()
    assert {ord("✓"), ord("✗"), ord("…")} <= set(letters)


def test_each_cell_has_the_normalised_value_of_its_own_pixel() -> None:
    """Row y, column x of panel c holds (image[c, y, x] / 255 - 0.5) / 0.5 to two decimals, never "-0.00"."""
    figure, image = figure_of("channel_values"), some_images(20)[0]
    assert [ax.get_title() for ax in figure.axes] == ["red channel", "green channel", "blue channel"]
    for channel, ax in enumerate(figure.axes):
        written = cells(ax)
        assert len(written) == len(ax.texts) == 32 * 32
        assert np.array_equal(np.asarray(ax.images[0].get_array()), image[channel])
        for (y, x), text in written.items():
            assert float(text.get_text()) == round((int(image[channel, y, x]) / 255 - 0.5) / 0.5, 2)
            assert len(text.get_text().lstrip("-")) == 4
            assert text.get_text() != "-0.00"
    assert 127 in image  # -0.004, which is "-0.00" if nobody takes care


def test_every_value_is_legible_on_its_shade() -> None:
    """Black on light and white on dark, with a contrast of at least 4.5 to 1 on each of the 256 shades."""
    figure, image = figure_of("channel_values"), some_images(20)[0]
    pairs = set()
    for channel, ax in enumerate(figure.axes):
        pairs |= {(text.get_color(), int(image[channel, y, x])) for (y, x), text in cells(ax).items()}
        assert ax.images[0].get_clim() == (0, 255)
    assert len(pairs) == 256  # every shade, and one colour of text for each
    shades = figure.axes[0].images[0].to_rgba(np.arange(256))[:, :3]
    assert min(contrast(ink, shades[value]) for ink, value in pairs) >= 4.5


def test_values_fit_into_their_cells() -> None:
    """The widest value, -1.00, is narrower than a cell, and the caption lies below the panels."""
    figure = figure_of("channel_values")
    ax = figure.axes[0]
    cell = ax.get_window_extent().width / 32
    lowest_value = next(text for text in ax.texts if text.get_text() == "-1.00")
    assert 0.8 * cell < lowest_value.get_window_extent().width < 0.97 * cell
    (caption,) = (text for text in figure.texts if text.get_text() == CAPTION)
    lowest = min(label.get_window_extent().y0 for label in ax.get_xticklabels())
    assert 0 < caption.get_window_extent().y0 < caption.get_window_extent().y1 < lowest


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 3, 32, 32), np.float32),
        np.zeros((2, 32, 32, 3), np.uint8),
        np.zeros((2, 32, 32), np.uint8),
    ],
    ids=["normalised", "channels_last", "gray"],
)
def test_wrong_images_are_refused(images: Any) -> None:
    """Images that are not (n, 3, 32, 32) uint8 are refused with what was expected and what came."""
    with pytest.raises(ValueError, match=r"images: expected uint8, \(n, 3, 32, 32\), got .*"):
        figures.training_batch(images, [0, 0], CLASSES, caption=CAPTION)


@pytest.mark.parametrize(("labels", "said"), [([0], "got 1"), ([0, 10], "10"), ([-1, 0], "-1")])
def test_wrong_labels_are_refused(labels: list[int], said: str) -> None:
    """A label too few or outside the classes is refused; -1 is not taken for the last class."""
    with pytest.raises(ValueError, match=f"labels: .*{said}"):
        figures.training_batch(some_images(2), labels, CLASSES, caption=CAPTION)
    with pytest.raises(ValueError, match=f"predicted: .*{said}"):
        figures.predictions(some_images(2), [0, 0], labels, CLASSES, caption=CAPTION)


# Losses


def lines(ax: Axes) -> dict[str, Any]:
    """The curves by their names in the legend, and the mark of the best epoch as "_best"."""
    return {str(line.get_label()): line for line in ax.lines}


def test_curves_are_the_losses() -> None:
    """Both curves of a run have its numbers at its epochs."""
    epochs = some_epochs(5)
    curves = lines(figures.loss_curves(epochs, caption=CAPTION).axes[0])
    for name, key in (("training, this run", "train_loss"), ("validation, this run", "valid_loss")):
        assert curves[name].get_xdata().tolist() == [1, 2, 3, 4, 5]
        assert curves[name].get_ydata().tolist() == [row[key] for row in epochs]


def test_best_epoch_is_the_last_saved_one() -> None:
    """The mark and its label are those of the last saved epoch, though a later one was not saved."""
    epochs = some_epochs(6, saved={1, 2, 4})
    ax = figures.loss_curves(epochs, caption=CAPTION).axes[0]
    mark = lines(ax)["_best"]
    assert (mark.get_xdata().tolist(), mark.get_ydata().tolist()) == ([4], [epochs[3]["valid_loss"]])
    assert [text.strip() for text in texts(ax)] == [f"best: epoch 4, validation loss {epochs[3]['valid_loss']:.4f}"]


def test_without_a_validation_there_is_no_curve_of_it() -> None:
    """A run whose validation losses are None has its training curve, and a note says which weights are tested."""
    epochs = [{**row, "valid_loss": None} for row in some_epochs(3)]
    ax = figures.loss_curves(epochs, caption=CAPTION, tests_best=False).axes[0]
    assert legend_labels(ax) == ["training, this run"]
    assert [text.strip() for text in texts(ax)] == ["tested: the weights of the last epoch, 3"]


def test_running_losses_are_drawn_with_those_of_every_published_run() -> None:
    """Our points, and those of each published run, which share one entry of the legend."""
    own, published = [(10, 2.0), (20, 1.5)], [[(10, 2.1), (20, 1.6)], [(10, 2.2), (20, 1.7)]]
    ax = figures.running_loss(own, published, window=10, caption=CAPTION).axes[0]
    drawn = [list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in ax.lines]
    assert drawn == [own, *published]
    assert legend_labels(ax) == ["training, this run", "training, published"]


def test_published_curves_are_drawn_only_when_given() -> None:
    """Published losses are dashed, thinner and of the same hue, and absent when there are none."""
    alone = figures.loss_curves(some_epochs(3), caption=CAPTION).axes[0]
    assert legend_labels(alone) == ["training, this run", "validation, this run"]
    published = some_epochs(30)
    ax = figures.loss_curves(some_epochs(3), published, caption=CAPTION).axes[0]
    curves = lines(ax)
    assert legend_labels(ax) == [
        "training, this run",
        "validation, this run",
        "training, published",
        "validation, published",
    ]
    for quantity, key in (("training", "train_loss"), ("validation", "valid_loss")):
        ours, theirs = curves[f"{quantity}, this run"], curves[f"{quantity}, published"]
        assert theirs.get_ydata().tolist() == [row[key] for row in published]
        assert (ours.get_linestyle(), theirs.get_linestyle()) == ("-", "--")
        assert ours.get_color() == theirs.get_color()
        assert theirs.get_linewidth() < ours.get_linewidth()
    assert curves["training, this run"].get_color() != curves["validation, this run"].get_color()
    assert ax.get_xlim()[1] > 30


@pytest.mark.parametrize("count", [0, 1, 2, 3, 12, 30, 100])
def test_epoch_ticks_are_whole_numbers(count: int) -> None:
    """No epoch 1.25, and no crowd of ticks, whatever the number of epochs."""
    ax = figures.loss_curves(some_epochs(count), caption=CAPTION).axes[0]
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert 1 <= len(ticks) <= 13
    assert all(tick == round(tick) for tick in ticks)
    if 0 < count <= 12:
        assert ticks == list(range(1, count + 1))


def test_a_single_epoch_can_be_seen() -> None:
    """One epoch makes no line: each of its losses has a marker, ours and the published."""
    ax = figures.loss_curves(some_epochs(1), some_epochs(1), caption=CAPTION).axes[0]
    curves = [line for name, line in lines(ax).items() if name.startswith(("training", "validation"))]
    assert len(curves) == 4
    assert all(line.get_marker() == "o" for line in curves)


def test_no_epoch_is_said() -> None:
    """An empty run has no curve and says "no epoch finished"; with published losses these are still drawn."""
    empty = figures.loss_curves([], caption=CAPTION).axes[0]
    assert (list(empty.lines), texts(empty)) == ([], ["no epoch finished"])
    beside = figures.loss_curves([], some_epochs(4), caption=CAPTION).axes[0]
    assert texts(beside) == ["no epoch finished"]
    assert legend_labels(beside) == ["training, published", "validation, published"]


def test_no_saved_epoch_has_no_mark() -> None:
    """Without a saved epoch none is called the best."""
    ax = figures.loss_curves(some_epochs(3, saved=set()), caption=CAPTION).axes[0]
    assert "_best" not in lines(ax)
    assert texts(ax) == ["no epoch was saved"]


def test_losses_that_are_not_finite_are_said() -> None:
    """NaN and infinite losses leave the axes usable and are named in a note."""
    epochs = some_epochs(5, saved={1, 2})
    epochs[0]["train_loss"], epochs[3]["valid_loss"] = math.nan, math.inf
    ax = figures.loss_curves(epochs, caption=CAPTION).axes[0]
    assert "loss not finite in epoch 1 and 1 more" in texts(ax)
    assert 1.9 < ax.get_ylim()[1] < 2.5


# Confusion matrix


def test_each_cell_has_its_count() -> None:
    """The text in row t, column p is confusion[t][p]; rows are the true class, columns the predicted one."""
    counts = some_counts()
    ax = figures.confusion_matrix(counts, CLASSES, caption=CAPTION).axes[0]
    written = cells(ax)
    assert len(ax.texts) == 100
    assert [[int(written[t, p].get_text()) for p in range(10)] for t in range(10)] == counts
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true class", "predicted class")
    assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES
    assert [label.get_text() for label in ax.get_xticklabels()] == CLASSES
    assert ax.yaxis_inverted()  # row 0 is at the top


def test_colour_is_the_share_of_the_true_class() -> None:
    """Colours are counts over the sum of their row, on a scale from 0 to 1 that is labelled in %."""
    counts = np.array(some_counts())
    figure = figures.confusion_matrix(counts.tolist(), CLASSES, caption=CAPTION)
    ax = figure.axes[0]
    assert np.allclose(np.asarray(ax.images[0].get_array()), counts / counts.sum(axis=1, keepdims=True))
    assert ax.images[0].get_clim() == (0, 1)
    figure.draw_without_rendering()
    (bar,) = (child for child in ax.child_axes)
    assert "true class" in bar.get_ylabel()
    assert [label.get_text() for label in bar.get_yticklabels()][::5] == ["0 %", "100 %"]


@pytest.mark.parametrize("share", [0, 1, 5, 10, 25, 50, 75, 90, 100])
def test_counts_are_legible_on_every_colour(share: int) -> None:
    """On the diagonal and off it, a count has a contrast of at least 4.5 to 1."""
    counts = [[share, 100 - share], [0, 0]]
    ax = figures.confusion_matrix(counts, ["cat", "dog"], caption=CAPTION).axes[0]
    shades = ax.images[0].to_rgba(np.array([[share / 100, 1 - share / 100]]))
    assert np.allclose(np.ma.asarray(ax.images[0].get_array())[0], [share / 100, 1 - share / 100])
    for predicted in (0, 1):
        assert contrast(cells(ax)[0, predicted].get_color(), shades[0, predicted, :3]) >= 4.5


def test_a_class_without_images_is_grey_and_says_so() -> None:
    """A row of zeros has no shares, no colour of the scale, and a label that tells why."""
    counts = some_counts()
    counts[2] = [0] * 10
    ax = figures.confusion_matrix(counts, CLASSES, caption=CAPTION).axes[0]
    hidden = np.ma.getmaskarray(np.ma.asarray(ax.images[0].get_array()))
    assert hidden[2].all()
    assert hidden.sum() == 10
    red, green, blue = ax.images[0].to_rgba(np.ma.masked_equal([[0.0]], 0.0))[0, 0, :3]
    assert red == green == blue < 1
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert [label for label in labels if "no images" in label] == ["bird\n(no images)"]


def test_a_confusion_matrix_of_another_size_is_refused() -> None:
    """Counts that do not match the classes are refused."""
    with pytest.raises(ValueError, match=r"confusion: expected 10 x 10 counts, got \(2, 2\)"):
        figures.confusion_matrix([[1, 2], [3, 4]], CLASSES, caption=CAPTION)


# Accuracy by class


def test_points_and_bars_are_accuracy_and_interval() -> None:
    """A class has a point at its accuracy in %, a bar over its Wilson interval, and its numbers beside it."""
    rows = some_classes([0, 50, 100, 81], total=100)
    ax = figures.per_class_accuracy(rows, caption=CAPTION).axes[0]
    (bars,) = (each for each in ax.containers if isinstance(each, ErrorbarContainer))
    points, _, (segments,) = bars.lines
    assert points is not None
    assert np.asarray(points.get_xdata()).tolist() == [0, 50, 100, 81]
    assert np.asarray(points.get_ydata()).tolist() == [0, 1, 2, 3]
    for row, segment in zip(rows, segments.get_segments(), strict=True):
        low, high = wilson_interval(row["correct"], row["total"])
        assert np.asarray(segment)[:, 0] == pytest.approx([100 * low, 100 * high], abs=1e-9)
    assert texts(ax) == ["0.0 %  (0/100)", "50.0 %  (50/100)", "100.0 %  (100/100)", "81.0 %  (81/100)"]
    assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES[:4]
    assert ax.yaxis_inverted()  # the first class is at the top


def test_overall_accuracy_is_all_correct_over_all_images() -> None:
    """The line is at the pooled accuracy, not at the mean of the classes' accuracies."""
    rows = [{"name": "cat", "correct": 90, "total": 100}, {"name": "dog", "correct": 0, "total": 20}]
    ax = figures.per_class_accuracy(rows, caption=CAPTION).axes[0]
    assert legend_labels(ax) == ["this run, with 95 % Wilson interval", "overall, this run: 75.00 %"]
    assert lines(ax)["overall, this run: 75.00 %"].get_xdata() == [75, 75]


def test_published_accuracies_are_matched_by_name() -> None:
    """Published values are other marks, at the height of their class whatever their order."""
    rows = some_classes([50, 60, 70])
    published = [
        {"name": "bird", "correct": 7, "total": 10},
        {"name": "airplane", "correct": 5, "total": 10},
        {"name": "zebra", "correct": 9, "total": 10},
    ]
    assert "published" not in " ".join(legend_labels(figures.per_class_accuracy(rows, caption=CAPTION).axes[0]))
    ax = figures.per_class_accuracy(rows, published, caption=CAPTION).axes[0]
    marks = lines(ax)["published"]
    assert marks.get_xdata().tolist() == [50, 70]
    assert [math.floor(y) for y in marks.get_ydata()] == [0, 2]
    (bars,) = (each for each in ax.containers if isinstance(each, ErrorbarContainer))
    assert bars.lines[0] is not None
    assert marks.get_marker() != bars.lines[0].get_marker()
    assert marks.get_color() != bars.lines[0].get_color()
    assert "overall, published: 70.00 %" in legend_labels(ax)


def test_a_class_without_images_has_no_accuracy() -> None:
    """It says "no images" and has no point; with no images at all there is no overall line either."""
    rows = some_classes([50, 60])
    rows[0].update(correct=0, total=0)
    ax = figures.per_class_accuracy(rows, caption=CAPTION).axes[0]
    (bars,) = (each for each in ax.containers if isinstance(each, ErrorbarContainer))
    assert bars.lines[0] is not None
    assert np.asarray(bars.lines[0].get_ydata()).tolist() == [1]
    assert texts(ax) == ["no images", "60.0 %  (60/100)"]
    none = figures.per_class_accuracy(some_classes([0, 0], total=0), caption=CAPTION).axes[0]
    assert (texts(none), list(none.lines)) == (["no images", "no images"], [])


@pytest.mark.parametrize(("name", "shown"), [("cost_$x_i$", "cost_$x_i$"), ("two\nlines", "two lines")])
def test_class_names_are_drawn_letter_for_letter(name: str, shown: str) -> None:
    """Dollar signs are no mathtext, and a line break does not push a title into its neighbour."""
    figure = figures.training_batch(some_images(1), [0], [name], caption=CAPTION)
    title = figure.axes[0].title
    assert title.get_text() == shown
    assert not title.get_parse_math()


def test_a_name_too_long_for_its_place_is_cut() -> None:
    """It keeps its beginning, ends in "…" and is no wider than its image and the gaps beside it."""
    figure = figures.training_batch(some_images(2), [0, 0], LONG, caption=CAPTION)
    title = figure.axes[0].title
    assert title.get_text().endswith("…")
    assert LONG[0].startswith(title.get_text()[:-1])
    pitch = figure.axes[1].get_window_extent().x0 - figure.axes[0].get_window_extent().x0
    assert title.get_window_extent().width < pitch


@pytest.mark.parametrize("name", ["per_class_alone", "confusion_matrix"])
def test_long_names_leave_room_for_the_data(name: str) -> None:
    """However long the names, the axes keep more than half of the figure's width."""
    figure = all_figures(classes=["long " * 12, *CLASSES[1:]])[name]()
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().width > 0.5

"""The figures by class, confusion matrix and accuracies, have each count and interval at its class."""

import math

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from cifar_repro.report import figures
from cifar_repro.statistics import wilson_interval
from tests.report.figures.drawn import (
    CAPTION,
    CLASSES,
    LONG,
    all_figures,
    cells,
    contrast,
    legend_labels,
    lines,
    some_classes,
    some_counts,
    some_images,
    texts,
)

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

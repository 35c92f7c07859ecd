"""The figures of losses have every curve and point of the data, at its place, and nothing more."""

import math

import pytest

from cifar_repro.report import figures
from tests.report.figures.drawn import CAPTION, legend_labels, lines, some_epochs, texts


def test_curves_are_the_losses() -> None:
    """Both curves of a run have its numbers at its epochs, a loss of 0 as any other."""
    epochs = some_epochs(5)
    epochs[4] |= {"train_loss": 0.0, "valid_loss": 0.0}
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

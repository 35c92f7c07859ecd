"""What of a study is in the charts of its report."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from cifar_repro.report import charts
from cifar_repro.report.parts import section
from cifar_repro.report.published import Published, published_of
from cifar_repro.verdicts.verdict import INCONCLUSIVE, Check, Verdict
from tests.make_studies import make_study, summed_up
from tests.report.pages import a_study, whole


def test_each_seed_of_a_spread_is_read_with_its_own_result() -> None:
    """The dots of test accuracy and test loss carry the names of the runs that they are of."""
    study = whole(a_study())
    assert study.test is not None
    accuracy, loss = charts.spreads(study, study.test, None, None)
    for run in study.runs:
        assert run.test is not None
        assert f">{run.folder}: {100 * run.test.accuracy:.2f} %<" in accuracy
        assert f">{run.folder}: {run.test.loss:.4f}<" in loss


def test_a_published_range_is_drawn_from_end_to_end() -> None:
    """Of an accuracy that was published in whole per cent, beside the spread of the runs."""
    study = whole(a_study())
    assert study.test is not None
    accuracy, loss = charts.spreads(study, study.test, Published(["source"], accuracy=(0.55, 0.56)), None)
    assert "published 55.00 % to 56.00 %" in accuracy
    assert "published" not in loss


def test_a_class_is_apart_from_the_nearest_end_of_what_was_published_of_it() -> None:
    """By no points where it lies within, or where nothing was published; in points, with a sign."""
    study = summed_up(make_study([60.0], per_class=np.array([[50.0, 55.0, 55.5, 56.0, 60.0, 70, 70, 70, 70, 0]])))
    names = ["airplane", "automobile", "bird", "cat", "deer"]
    assert study.test is not None
    shown = charts.classes(study, study.test, Published(["source"], per_class=dict.fromkeys(names, (0.55, 0.56))))
    assert [row["apart"] for row in shown["rows"][:5]] == pytest.approx([-5, 0, 0, 0, 4])
    assert [row["apart"] for row in shown["rows"][5:]] == [None] * 5
    assert shown["rows"][9]["mean"] == 0, "a class that is never right is not one without images"


@pytest.mark.parametrize(("recipe", "marks"), [("udacity", [(2, 1.05), (1, 2.11)]), ("keras-cnn", [])])
def test_epochs_are_marked_where_the_validation_chooses_them(recipe: str, marks: list[tuple[int, float]]) -> None:
    """Of each run the tested one, on its validation loss; none where the last epoch is tested, whatever its loss.

    Nor does a loss then stand among the results, in large type, as the lowest that was looked for.
    """
    content = a_study(2, recipe=recipe)
    content["runs"][0]["best"] = {"epoch": 2, "valid_loss": 1.05}
    content["runs"][1]["best"] = {"epoch": 1, "valid_loss": 2.11}
    study = whole(content)
    drawn = {series.name: series.marks for chart in charts.curves(study, None, None)[:1] for series in chart.series}
    assert drawn == {"training": [], "validation": marks}
    shown = section(study)
    assert ("Circle: " in shown["curve_note"]) == bool(marks)
    lowest = ["Lowest validation loss"] * bool(marks)
    assert [tile["name"] for tile in shown["tiles"]] == ["Test accuracy", "Test loss", *lowest]


def test_where_a_new_run_is_expected_is_drawn_as_the_verdict_says() -> None:
    """A row beside the spread of the tests, a band around the losses, each epoch with its own; and nothing else."""
    study = whole(a_study(5, epochs=2))
    assert study.test is not None
    places = [f"{entry} of epoch {epoch}" for entry in ("train_loss", "valid_loss") for epoch in (1, 2)]
    tested = {"places": ["test accuracy"], "low": [59.0], "high": [64.0]}
    curves = {"places": places, "low": [0.0, 2.0, 3.0, 4.0], "high": [1.5, 2.5, 3.5, 4.5]}
    checks = [Check("test accuracy", None, "", tested), Check("loss curve", None, "", curves)]
    verdict = Verdict(INCONCLUSIVE, checks, [])
    accuracy, loss = charts.spreads(study, study.test, None, verdict)
    assert "a new run, 95 % (59.00 % to 64.00 %)" in accuracy
    assert "a new run" not in loss
    (chart,) = charts.curves(study, None, verdict)
    assert [series.band for series in chart.series] == [[(1, 0.0, 1.5), (2, 2.0, 2.5)], [(1, 3.0, 3.5), (2, 4.0, 4.5)]]


@pytest.mark.parametrize(
    ("epochs", "claimed", "accuracy"),
    [(20, [], None), (25, [(25, 75)], (0.745, 0.755)), (50, [(25, 75), (50, 79)], (0.785, 0.795))],
)
def test_accuracies_are_drawn_in_per_cent_beside_what_is_claimed_of_their_epochs(
    epochs: int, claimed: list[tuple[int, float]], accuracy: tuple[float, float] | None
) -> None:
    """The Keras example claims 75 % after 25 epochs and 79 % after 50: of later epochs than ours nothing is shown.

    An accuracy of 0 % is drawn as any other.
    """
    content = a_study(1, recipe="keras-cnn", epochs=epochs)
    content["runs"][0]["epochs"][0]["valid_accuracy"] = 0.0
    study = whole(content)
    known = published_of(study.recipe, study.data)
    assert known is not None
    assert known.accuracy == (accuracy and pytest.approx(accuracy))
    _, chart = charts.curves(study, known, None)
    (series,) = chart.series
    assert [y for _, y in series.runs[0][:3]] == pytest.approx([0, 40, 60])
    assert [tuple(point) for line in series.published for point in line] == claimed


def test_the_class_of_a_single_run_has_the_interval_of_its_own_images() -> None:
    """Wilson's, as statsmodels has it, and it is called an interval: there are no seeds to go from one to another."""
    study = whole(a_study(1))
    (run,) = study.runs
    assert study.test is not None
    assert run.test is not None
    shown = charts.classes(study, study.test, None)
    assert shown["interval"] == "95 % interval"
    for row, counted in zip(shown["rows"], run.test.per_class, strict=True):
        wilson = proportion_confint(counted.correct, counted.total, method="wilson")
        assert (row["low"], row["high"]) == pytest.approx(wilson, abs=1e-12)


def test_a_single_run_is_drawn_with_the_interval_of_its_images_where_nothing_is_published() -> None:
    """Its accuracy with Wilson's; its test loss, which has no interval, would be one dot, and needs no chart."""
    study = whole(a_study(1))
    (run,) = study.runs
    assert study.test is not None
    assert run.test is not None
    (accuracy,) = charts.spreads(study, study.test, None, None)
    low, high = proportion_confint(run.test.correct, run.test.total, method="wilson")
    assert f"this run {100 * run.test.accuracy:.2f} % ({100 * low:.2f} % to {100 * high:.2f} %)" in accuracy


@pytest.mark.parametrize(
    ("recipe", "window", "steps", "title"),
    [
        ("pytorch-blitz", 2_000, [2_000, 4_000], "Training loss, each point the mean of 2,000 steps"),
        ("pytorch-blitz", 1_000, [12_500, 25_000], "Training loss"),
        ("udacity", 0, [12_500, 25_000], "Training and validation loss"),
    ],
)
def test_means_of_steps_are_overlaid_where_all_are_of_as_many(
    recipe: str, window: int, steps: list[int], title: str
) -> None:
    """Else a point is the mean of an epoch, of which the published recipe has 12,500 steps, and no title says more."""
    first, other = a_study(1, recipe="pytorch-blitz", epochs=2), a_study(1, recipe=recipe, epochs=2)
    other["recipe"]["loss_window"] = window
    made = [(name, whole(study)) for name, study in (("A", first), ("B", other))]
    (chart,) = charts.overlaid(made)
    assert chart.name == title
    training = next(series for series in chart.series if series.whose == "A" and series.name == "training")
    assert [x for x, _ in training.runs[0][:2]] == pytest.approx([step / 12_500 for step in steps])

"""What was published of pytorch-blitz and keras-cnn: two runs, cut percentages, single epochs."""

from typing import Any

import numpy as np
import pytest

from cifar_repro.core.layouts import CLASSES
from cifar_repro.verdicts.published import known
from cifar_repro.verdicts.verdict import CONSISTENT, INCONCLUSIVE, NOT_CONSISTENT
from tests.make_studies import make_study
from tests.verdicts.published_run import checks, compared


def blitz_study(n: int = 10) -> dict[str, Any]:
    """Runs about the second published one: its running losses, and accuracies above the whole numbers by 0.5."""
    published = known("pytorch-blitz")["runs"][1]
    rng = np.random.default_rng(0)
    classes = np.array(list(published["per_class_percent"].values())) + 0.5
    percents = published["test_accuracy_percent"] + 0.5 + 0.8 * rng.normal(size=n)
    study = make_study(percents.tolist(), per_class=classes + 5 * rng.normal(size=(n, 10)), recipe="pytorch-blitz")
    losses = np.array([step["loss"] for step in published["running_loss"]]).reshape(2, 6)
    for run in study["runs"]:
        for epoch, window in zip(run["epochs"], losses, strict=True):
            epoch |= {"valid_loss": None, "running_loss": (window + 0.02 * rng.normal(size=6)).tolist()}
    return study


def test_the_blitz_claims_are_each_of_two_published_runs() -> None:
    """Both running losses are compared, and the whole percentages of the second, its class names understood."""
    study = blitz_study()
    found = checks(compared(study, known("pytorch-blitz")))
    assert list(found) == [
        "published run 1: running loss",
        "published run 2: running loss",
        "published run 2: test accuracy",
        "published run 2: accuracy per class",
    ]
    assert all(check.holds for check in found.values())
    assert set(found["published run 2: accuracy per class"].numbers["places"]) == set(CLASSES)


def test_longer_runs_than_the_tutorial_s_are_compared_up_to_its_length() -> None:
    """The running losses of their first two epochs of three are; their tests, which are of other weights, are not."""
    study = blitz_study()
    study["recipe"]["epochs"] = 3
    for run in study["runs"]:
        run["epochs"].append({**run["epochs"][-1], "epoch": 3, "running_loss": [0.1] * 6})
    verdict = compared(study, known("pytorch-blitz"))
    assert {name: (check.holds, len(check.numbers["mean"])) for name, check in checks(verdict).items()} == {
        f"published run {number}: running loss": (True, 12) for number in (1, 2)
    }
    assert sum("it has 2 epochs, these have 3" in note for note in verdict.notes) == 2
    assert any(note.startswith("The runs are of a changed recipe (epochs 3)") for note in verdict.notes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"loss_window": 1_000}, "1,000 of 12,500"), ({"batch_size": 8}, "2,000 of 6,250")],
    ids=["window", "batch size"],
)
def test_running_losses_at_other_steps_than_the_published_are_not_compared(changes: dict[str, int], said: str) -> None:
    """As many means from other steps are none of the same: that is said, and the test results are still compared."""
    study = blitz_study()
    study["recipe"] |= changes
    verdict = compared(study, known("pytorch-blitz"))
    assert list(checks(verdict)) == ["published run 2: test accuracy", "published run 2: accuracy per class"]
    for number in (1, 2):
        (note,) = (note for note in verdict.notes if note.startswith(f"published run {number}: running loss is not"))
        assert said in note


@pytest.mark.parametrize(("shift", "fits"), [(0.0, True), (0.49, True), (-0.49, True), (0.6, False), (-0.6, False)])
def test_a_cut_percentage_stands_for_all_that_is_cut_to_it(shift: float, fits: bool) -> None:
    """55 is anything from 55 up to 56: runs that spread very little about 55.5 +- 0.49 are consistent with it."""
    study = blitz_study()
    for i, run in enumerate(study["runs"]):
        run["test"]["correct"] = round(100 * (55.5 + shift)) + i % 2
    assert checks(compared(study, known("pytorch-blitz")))["published run 2: test accuracy"].holds is fits


@pytest.mark.parametrize(
    ("epochs", "percent", "outcome"),
    [(25, 75.0, CONSISTENT), (25, 72.0, NOT_CONSISTENT), (50, 75.0, NOT_CONSISTENT), (24, 75.0, INCONCLUSIVE)],
)
def test_the_keras_claims_are_of_the_epochs_they_name(epochs: int, percent: float, outcome: str) -> None:
    """75 % at epoch 25, and 79 % at 50 where there are as many; round numbers, and that is said."""
    study = make_study([75.0] * 5, curves=np.ones((5, epochs, 2)), recipe="keras-cnn")
    for i, run in enumerate(study["runs"]):
        for epoch in run["epochs"]:
            epoch["valid_accuracy"] = (percent + 0.3 * i - 0.6) / 100
        if epochs == 50:
            run["epochs"][23]["valid_accuracy"] = run["epochs"][25]["valid_accuracy"] = (
                0.1  # nothing is claimed of these
            )
    verdict = compared(study, known("keras-cnn"))
    assert verdict.outcome == outcome
    for at in [at for at in (25, 50) if at <= epochs]:
        (mean,) = checks(verdict)[f"validation accuracy at epoch {at}"].numbers["mean"]
        assert mean == pytest.approx(percent)
    if outcome == CONSISTENT:
        assert any("74.5 to 75.5" in note for note in verdict.notes)
        assert any("79 % at epoch 50 is not compared" in note for note in verdict.notes)

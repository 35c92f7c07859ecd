"""In the tables of a page each number stands in its own place: of its result, its epoch and its kind."""

import numpy as np
import pytest

from cifar_repro.report.comparison import Result
from cifar_repro.report.differences import BY_IMAGES, BY_ONE_MORE, BY_SEEDS
from cifar_repro.report.page import render
from cifar_repro.verdicts.verdict import CONSISTENT, NOT_CONSISTENT, Verdict
from tests.make_studies import make_study, summed_up
from tests.report.pages import ENVIRONMENT, Page, a_study, page


def text(*studies: dict[str, object]) -> str:
    """Of the page on these studies, which are called A, B, C, ..."""
    results = [Result(chr(ord("A") + k), summed_up(study), "No pictures.") for k, study in enumerate(studies)]
    return Page(render(results)).text


def test_an_epoch_has_the_means_of_its_losses_their_deviations_and_what_was_published() -> None:
    """Of training and of validation, each of its own; worked out by hand, and as the published notebook prints it."""
    curves = np.array([[[1.5, 1.75], [1.2, 1.3]], [[1.7, 2.35], [1.2, 1.4]]])
    shown = text(make_study([60.0, 61.0], curves=curves))
    assert "1 1.6000 ± 0.1414 2.0668 2.0500 ± 0.4243 1.7617 2 1.2000 ± 0.0000 1.6474 1.3500 ± 0.0707" in shown
    alone = text(make_study([60.0], curves=curves[:1]))
    assert "1 1.5000 2.0668 1.7500 1.7617 2 1.2000 1.6474 1.3000" in alone


def test_side_by_side_every_result_has_its_own_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accuracy with its deviation, loss, recipe, seeds, torch, processor and verdict; and what intervals allow for."""
    a = make_study([61.0, 61.0], test_losses=[0.7, 0.8])
    b = make_study([70.0], test_losses=[0.9], first_seed=7, official=False)
    c = make_study([55.0, 55.0, 56.0, 57.0, 57.0], test_losses=[1.0] * 5, first_seed=3)
    b["data"]["kind"] = "synthetic"
    c["recipe"] |= {"dropout": 0.5, "overridden": ["epochs", "dropout"]}
    b["runs"][0]["environment"] |= {"torch": "2.6.0", "device": "cuda:0", "gpu": "a GPU"}
    for run in c["runs"]:
        run["environment"] |= {"torch": "2.9.1", "threads": 4}
    outcomes = {2: CONSISTENT, 5: NOT_CONSISTENT}  # by the number of runs
    judged = "cifar_repro.report.page.with_published"
    monkeypatch.setattr(judged, lambda study, known: Verdict(outcomes[len(study.runs)], [], []))
    shown = text(a, b, c)
    for row in (
        "test accuracy 61.00 % (sd 0.00) 70.00 % 56.00 % (sd 1.00)",
        "61.00 % mean; from 61.00 % to 61.00 %; standard deviation 0.00 points",
        "test loss 0.7500 0.9000 1.0000",
        "recipe udacity epochs 2 udacity epochs 2 udacity epochs 2 dropout 0.5",
        "data official CIFAR-10 synthetic data, not CIFAR-10 official CIFAR-10",
        "seeds 2 seeds (0 to 1) seed 7 5 seeds (3 to 7)",
        "torch 2.14.1 2.6.0 2.9.1",
        "device a CPU, 1 thread a GPU a CPU, 4 threads",
        "published result Consistent with the published numbers none Not consistent with the published numbers",
    ):
        assert row in shown
    assert "class A B C B − first 95 % interval C − first 95 % interval airplane" in shown  # noqa: RUF001 - as it is set
    assert [kind in shown for kind in (BY_SEEDS, BY_ONE_MORE, BY_IMAGES)] == [True, True, False]


def test_what_differs_between_runs_is_told_of_all_of_them() -> None:
    """In the table of the environment both values, in that of the runs all four seeds, though the first has but one."""
    study = a_study(2)
    study["runs"][1] |= {"seeds": {"split": 1, "init": 1, "order": 1, "dropout": 9}}
    study["runs"][1]["environment"] = ENVIRONMENT | {"threads": 4, "deterministic": False, "torch": "2.6.0", "cpu": "B"}
    shown = page(study).text
    assert "threads 1 / 4 memory format contiguous deterministic algorithms yes / no" in shown
    assert "torch 2.14.1+cpu / 2.6.0, a CPU / B, 1 / 4 threads." in shown
    assert "split/init/order/dropout seed accuracy test loss" in shown
    assert "0/0/0/0" not in shown
    assert "1/1/1/9" in shown

"""The figures of a run folder are drawn from what the run holds, beside what was published of its recipe."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cifar_repro.core import training
from cifar_repro.core.data import Cifar10, synthetic
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import Batches
from cifar_repro.report import figures, run_figures
from cifar_repro.runs.record import LATER_OF_RUN, describe_data
from cifar_repro.runs.run import Run
from cifar_repro.verdicts.published import published_beside
from tests.make_studies import as_record, make_study


def drawn_running_losses(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], kind: str = "binary") -> list[Any]:
    """The points of our own running losses and of the published ones, as `draw_results` has them drawn."""
    study = make_study([55.0], curves=np.ones((1, 2, 2)), recipe="pytorch-blitz")
    recipe = RECIPES["pytorch-blitz"].with_changes(changes)
    study["recipe"] |= changes
    study["data"]["kind"] = kind
    content = {
        "schema": 1,
        "status": "complete",
        "recipe": study["recipe"],
        "data": study["data"],
        "stopped": None,
        **LATER_OF_RUN,
    }
    content |= {name: study["runs"][0][name] for name in ("seeds", "environment", "epochs", "best", "test")}
    content["epochs"] = [epoch | {"running_loss": [2.0, 1.5, 1.0]} for epoch in content["epochs"]]
    record = as_record(content)
    seen: list[Any] = []
    for name in ("loss_curves", "confusion_matrix", "per_class_accuracy", "predictions"):
        monkeypatch.setattr(figures, name, lambda *arguments, **options: None)
    monkeypatch.setattr(figures, "running_loss", lambda own, published, **options: seen.extend((own, published)))
    monkeypatch.setattr(run_figures, "save_figure", lambda figure, path: None)
    images = SimpleNamespace(images=torch.zeros(0, 3, 32, 32), labels=torch.zeros(0))
    given: Any = SimpleNamespace(
        record=record, recipe=recipe, seeds=record.seeds, folder=Path(), data=SimpleNamespace(test=images, kind=kind)
    )
    result: Any = SimpleNamespace(predicted=torch.zeros(0), as_record=lambda: content["test"])
    run_figures.draw_results(given, result)
    return seen


class Seen(Exception):
    """What the network got first."""


def test_the_images_that_are_shown_are_those_that_the_network_sees_first(
    tmp_path: Path, small_data: Cifar10, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the four seeds are: with their labels, in the order of the first batch; in detail, its fourth."""
    seeds = Seeds(split=1, init=2, order=3, dropout=4)
    run = Run.start(tmp_path / "run", RECIPES["udacity"], seeds, small_data, torch.device("cpu"), "contiguous")
    drawn: dict[str, Any] = {}
    for name in ("training_batch", "channel_values"):
        monkeypatch.setattr(figures, name, lambda *given, name=name, caption: drawn.update({name: given}))
    monkeypatch.setattr(run_figures, "save_figure", lambda figure, path: None)
    run_figures.draw_data(run)

    def first_batch(network: object, batches: Batches, optimizer: object) -> None:
        raise Seen(*next(iter(batches)))

    monkeypatch.setattr(training, "train_epoch", first_batch)
    with pytest.raises(Seen) as caught:
        run.train()
    images, labels = caught.value.args
    shown, of, _ = drawn["training_batch"]
    np.testing.assert_allclose((shown / 255 - 0.5) / 0.5, images, atol=1e-6)
    assert of.tolist() == labels.tolist()
    image, name = drawn["channel_values"]
    assert (image == shown[3]).all()
    assert name == CLASSES[labels[3]]


PUBLISHED = [*range(2_000, 14_000, 2_000), *range(14_500, 26_500, 2_000)]  # an epoch has 12,500 steps


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        ({}, [2_000, 4_000, 6_000, 14_500, 16_500, 18_500]),
        ({"batch_size": 8}, [2_000, 4_000, 6_000, 8_250, 10_250, 12_250]),
        ({"loss_window": 500}, [500, 1_000, 1_500, 13_000, 13_500, 14_000]),
        ({"validation": "split", "valid_fraction": 0.2}, [2_000, 4_000, 6_000, 12_000, 14_000, 16_000]),
    ],
)
def test_running_losses_stand_at_the_steps_they_are_of(
    changes: dict[str, Any], own: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours by our batch size, window and training images; the published ones, whatever ours are, by their own."""
    ours, published = drawn_running_losses(monkeypatch, changes)
    assert [step for step, _ in ours] == own
    assert [[step for step, _ in line] for line in published] == [PUBLISHED, PUBLISHED]


def test_nothing_published_is_drawn_beside_synthetic_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """A published curve beside one on drawn pictures would compare nothing."""
    assert published_beside("pytorch-blitz", describe_data(synthetic(train=1, test=1))) is None
    _, published = drawn_running_losses(monkeypatch, {}, kind="synthetic")
    assert published == []

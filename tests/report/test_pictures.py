"""The pictures of a report: which test images are chosen, and that they are seen by the network that was tested."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from cifar_repro.core.checkpoint import save
from cifar_repro.core.data import Cifar10, ImageSet
from cifar_repro.core.errors import InputError
from cifar_repro.core.model import build_network
from cifar_repro.core.progress import no_progress
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.report.pictures import look, look_again
from cifar_repro.runs.run import BEST, Run
from cifar_repro.studies.results import of_run

RECIPE = RECIPES["udacity"].with_changes({"epochs": 1})


class Told(nn.Module):
    """Reads the class to predict off an image's first pixel, and how sure to be of it off the second."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = ((x[:, 0, 0, :2] + 1) * 127.5).round()  # (B, 2), 0 to 255
        return nn.functional.one_hot(values[:, 0].long(), 10) * values[:, 1:] / 20


def told(predicted: list[int], sure: list[int], true: list[int]) -> ImageSet:
    images = torch.zeros(len(true), 3, 32, 32, dtype=torch.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = torch.tensor(predicted), torch.tensor(sure)
    return ImageSet(images, torch.tensor(true))


def bits(*runs: list[int]) -> npt.NDArray[np.bool_]:
    return np.array(runs, dtype=bool)


def test_most_confused_are_those_that_most_runs_get_wrong_the_surest_first() -> None:
    """Wrong in both runs comes before wrong in one, however sure; right ones are never shown."""
    test = told(predicted=[1, 1, 1, 1, 0], sure=[50, 200, 100, 255, 255], true=[0, 0, 0, 0, 0])
    correct = bits([0, 0, 0, 0, 1], [0, 0, 0, 1, 1])
    first, confused = look(Told(), test, correct, RECIPE, count=4)
    assert confused.index.tolist() == [1, 2, 0, 3]
    assert confused.wrong_in.tolist() == [2, 2, 2, 1]
    assert confused.predicted.tolist() == [1, 1, 1, 1]
    assert confused.confidence[0] == pytest.approx(np.exp(10) / (np.exp(10) + 9))
    assert first.index.tolist() == [0, 1, 2, 3]
    assert (first.images == test.images[:4].numpy()).all()


def test_an_image_that_this_network_gets_right_is_not_shown_as_its_confusion() -> None:
    """The other runs may get wrong what the network that is looked at gets right."""
    test = told(predicted=[0, 1], sure=[200, 200], true=[0, 0])
    _, confused = look(Told(), test, bits([1, 0], [0, 0], [0, 1]), RECIPE, count=2)
    assert confused.index.tolist() == [1]


def test_without_confusions_there_is_nothing_to_show() -> None:
    """All images right in all runs: none is shown as confused."""
    _, confused = look(Told(), told([3, 4], [200, 200], [3, 4]), bits([1, 1]), RECIPE)
    assert len(confused.index) == 0


class Kept(nn.Module):
    """Keeps what it is shown."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shown = x
        return torch.zeros(len(x), 10)


@pytest.mark.parametrize(("recipe", "black"), [("udacity", -1.0), ("keras-cnn", 0.0)])
def test_the_network_sees_pixels_in_the_range_of_its_recipe(recipe: str, black: float) -> None:
    """Those that it was trained on: from -1 to 1, or from 0 to 1."""
    network = Kept()
    look(network, told(predicted=[255], sure=[0], true=[0]), bits([0]), RECIPES[recipe])
    assert (network.shown.min().item(), network.shown.max().item()) == (black, 1.0)


@pytest.fixture(scope="module")
def data(small_data: Cifar10) -> Cifar10:
    def first(part: ImageSet, n: int) -> ImageSet:
        return ImageSet(part.images[:n], part.labels[:n])

    return Cifar10(first(small_data.train, 80), first(small_data.test, 30), "synthetic")


def test_a_run_is_looked_at_with_the_weights_that_were_tested(tmp_path: Path, data: Cifar10) -> None:
    """What the pictures say is what the record says; other weights, and other data, are refused."""
    run = Run.start(tmp_path / "run", RECIPE, Seeds(), data, torch.device("cpu"), "contiguous")
    run.train()
    result = run.test()
    study = of_run(run.record)
    seen = look_again(run.folder, study, data, no_progress)
    first, confused = seen.first, seen.confused
    assert seen.answers.predicted is not None
    assert seen.answers.predicted.tolist() == result.predicted.tolist()
    assert seen.answers.correct.sum() == result.correct
    assert first.predicted.tolist() == result.predicted[:20].tolist()
    assert len(confused.index) == min(20, result.total - result.correct)

    other = Cifar10(data.train, ImageSet(255 - data.test.images, data.test.labels), "synthetic")
    with pytest.raises(InputError, match="test images of the run have fingerprint"):
        look_again(run.folder, study, other, no_progress)
    save(run.folder / BEST, build_network(RECIPE).state_dict())
    whole = "not the weights of the best epoch in .* as the run left it, or have them written again by run --resume$"
    with pytest.raises(InputError, match=whole):
        look_again(run.folder, study, data, no_progress)

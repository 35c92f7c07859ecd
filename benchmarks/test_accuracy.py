"""A right build reaches the accuracy that others reached (see `targets`): after a short run, with --full a whole one.

A target is known for the recipes and the kinds of data that somebody has measured.
"""

import pytest
import torch

from benchmarks import measures, targets
from benchmarks.work import Work
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import NonFiniteLoss
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import fit
from cifar_repro.formats import plain
from cifar_repro.runs.record import describe_data
from tests.subject import variant

pytestmark = [pytest.mark.benchmark(timer=measures.device_timer), pytest.mark.timeout(0)]
SHORT = 1  # epochs
SEEDS = Seeds.all(targets.CHECKED_SEED)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "length" in metafunc.fixturenames:
        metafunc.parametrize("length", ["short", "full"] if metafunc.config.getoption("full") else ["short"])


def images(request: pytest.FixtureRequest, kind: str) -> Cifar10:
    """Images of that kind; skips where there are none."""
    if kind == "synthetic":
        return request.getfixturevalue("synthetic_data")
    real = request.getfixturevalue("real_data")
    if (found := targets.kind_of(describe_data(real))) != kind:
        pytest.skip(f"the real images here are {found}, not {kind}")
    return real


@pytest.mark.parametrize(("device", "threads"), measures.ALL_CORES)
@pytest.mark.parametrize("kind", ["official", "synthetic"])
@pytest.mark.parametrize("recipe_name", RECIPES)
def test_accuracy(request, benchmark, timed, recipe_name, kind, length, device, threads):
    recipe = RECIPES[recipe_name]
    recipe = recipe.with_changes({"epochs": SHORT}) if length == "short" else recipe
    what = f"{recipe.name} on {kind} data after {recipe.epochs} epochs"
    measured = targets.find(recipe.name, kind, recipe.epochs)
    if measured is None:
        pytest.skip(f"no accuracies measured for {what}: python -m benchmarks.measure_targets --help")
    data = images(request, kind)
    if plain(describe_data(data).fingerprints) != measured.fingerprints:
        pytest.skip(f"the accuracies for {what} were measured on other images")
    place = torch.device(device)

    def run() -> float:
        seconds, to_target = 0.0, None

        def after_epoch(epoch, state):
            nonlocal seconds, to_target
            seconds += epoch.train_seconds + epoch.valid_seconds
            if to_target is None and targets.accuracy(state["network"], recipe, data, place) >= measured.target:
                to_target = seconds

        train, test = data.train.to(place), data.test.to(place)
        training = fit(recipe, SEEDS, train, test=test, after_epoch=after_epoch)
        accuracy = targets.accuracy(training.best_weights, recipe, data, place)
        benchmark.extra_info |= {"accuracy": accuracy, "target": measured.target, "seconds_to_target": to_target}
        return accuracy

    def check(accuracy: float) -> None:
        assert accuracy is not None, "no accuracy came out"
        assert accuracy >= measured.target, f"{what}: {accuracy:.2%} is below the target of {measured.target:.2%}"

    timed("accuracy", Work(tuple, run, check, recipe.epochs * len(data.train)), rounds=1)


FAULTS = {
    "gradients add up": ("training", "            optimizer.zero_grad()\n", ""),
    "labels shifted": ("data", "data.labels[chosen]", "(data.labels[chosen] + 1) % 10"),
    "learning rate a tenth": ("training", '"lr": recipe.learning_rate,', '"lr": recipe.learning_rate / 10,'),
}


@pytest.mark.parametrize(("device", "threads"), measures.ALL_CORES[:1])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_loop_misses_the_target(timed, synthetic_data, fault, device, threads):
    """The short run on synthetic images tells a broken loop from a right one."""
    module, old, new = FAULTS[fault]
    recipe, data = RECIPES["udacity"].with_changes({"epochs": SHORT}), synthetic_data
    measured = targets.find("udacity", "synthetic", SHORT)

    def run() -> float:
        with variant({module: [(old, new)]}) as broken:
            try:
                weights = broken.fit(recipe, SEEDS, data.train).best_weights
            except NonFiniteLoss:
                return 0.0  # it diverged: there is nothing to test
        return targets.accuracy(weights, recipe, data, torch.device("cpu"))

    def check(accuracy: float) -> None:
        assert accuracy < measured.target, f"{fault}: {accuracy:.2%} reaches the target of {measured.target:.2%}"

    timed("accuracy of a broken loop", Work(tuple, run, check, len(data.train)), rounds=1)

"""On real CIFAR-10 images, where $CIFAR_REPRO_DATA or ./data has them."""

from itertools import islice

import torch

from benchmarks import tutorial
from cifar_repro.core.data import Cifar10, batches
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.seeding import order_generator, seed_global
from cifar_repro.core.training import split, train_epoch


def test_the_set_is_cifar10s(real_data: Cifar10) -> None:
    """50,000 training and 10,000 test images, 5,000 and 1,000 of each class."""
    assert real_data.train.counts() == [5_000] * 10
    assert real_data.test.counts() == [1_000] * 10


def test_a_hundred_steps_equal_the_tutorial(real_data: Cifar10) -> None:
    """The losses of the first hundred steps and the weights after them equal those of the lesson's own pipeline."""
    recipe, seeds = RECIPES["udacity"], Seeds.all(0)
    *_, theirs = islice(tutorial.train(real_data.train, recipe, seeds), 100)
    train_idx, _ = split(recipe, seeds, len(real_data.train))
    cpu = torch.device("cpu")
    seed_global(seeds.init, cpu)
    network = Net(recipe.dropout)
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.learning_rate)
    order = train_idx[torch.randperm(len(train_idx), generator=order_generator(seeds.order))]
    seed_global(seeds.dropout, cpu)
    made = batches(real_data.train, order[: 100 * recipe.batch_size], recipe.batch_size)
    assert train_epoch(network, made, optimizer).losses == theirs.step_losses
    for name, weights in network.state_dict().items():
        assert torch.equal(weights, theirs.weights[name]), f"{name} differs after 100 steps"

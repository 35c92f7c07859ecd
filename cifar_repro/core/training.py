"""Training: an epoch, and a whole run of epochs with the best weights kept."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cifar_repro.core import seeding
from cifar_repro.core.checkpoint import plain_weights, weights_digest
from cifar_repro.core.data import ImageSet, batches, split_indices
from cifar_repro.core.errors import InputError
from cifar_repro.core.evaluation import StepLosses, evaluate, mode
from cifar_repro.core.model import build_network
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.core.recipe import Recipe, Seeds

MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]


def train_epoch(network: nn.Module, batches: Batches, optimizer: torch.optim.Optimizer) -> StepLosses:
    """One optimizer step a batch, dropout on; returns the loss of every step, each from before its update.

    Batches are (images, labels) as the network takes them. Raises NonFiniteLoss, after the pass, if a loss was NaN or
    infinite.
    """
    losses: list[torch.Tensor] = []
    sizes: list[int] = []
    with mode(network, training=True):
        for images, labels in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())  # no .item(): it would make a GPU wait for each step
            sizes.append(len(labels))
    return StepLosses.collect(losses, sizes, "training")


def torch_memory_format(name: str) -> torch.memory_format:
    """The memory format of that name. Raises InputError for an unknown one."""
    if name not in MEMORY_FORMATS:
        raise InputError(f"memory_format: {name!r} is not known: give one of {', '.join(MEMORY_FORMATS)}")
    return MEMORY_FORMATS[name]


def make_optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimizer; its `state_dict` holds all that it goes on from, the step of a decay included.

    RMSprop is that of Keras 2 (keras-team/keras, keras/optimizers.py): a = rho * a + (1 - rho) * g**2, then
    w -= rate * g / (sqrt(a) + epsilon), the epsilon outside of the root, as in torch. A decay is Keras 2's, too: the
    rate of step n, from 0, is learning_rate / (1 + decay * n).
    """
    common: dict[str, Any] = {"lr": recipe.learning_rate, "momentum": recipe.momentum}
    if recipe.optimizer == "rmsprop":
        optimizer: torch.optim.Optimizer = torch.optim.RMSprop(network.parameters(), alpha=0.9, eps=1e-7, **common)
    else:
        optimizer = torch.optim.SGD(network.parameters(), **common)
    if recipe.learning_rate_decay:
        for group in optimizer.param_groups:
            group["steps"] = 0

        def decay(optimizer: torch.optim.Optimizer, *_: Any) -> None:
            for group in optimizer.param_groups:
                group["steps"] += 1
                group["lr"] = recipe.learning_rate / (1 + recipe.learning_rate_decay * group["steps"])

        optimizer.register_step_post_hook(decay)
    return optimizer


def split(recipe: Recipe, seeds: Seeds, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(training, validation) indices of `n` training images, int64.

    Without a validation split all are for training, in their order, and none for validation. Raises InputError where a
    split leaves one of the two empty.
    """
    if recipe.validation != "split":
        return torch.arange(n), torch.arange(0)
    train_idx, valid_idx = split_indices(n, recipe.valid_fraction, seeds.split)
    if not len(train_idx) or not len(valid_idx):
        raise InputError(
            f"valid_fraction: {recipe.valid_fraction} of {n} images leaves {len(train_idx)} for training and "
            f"{len(valid_idx)} for validation: give more images or another fraction"
        )
    return train_idx, valid_idx


def _validation_images(
    recipe: Recipe, data: ImageSet, valid_idx: torch.Tensor, test: ImageSet | None
) -> tuple[ImageSet, torch.Tensor, str] | None:
    """What the recipe validates on, if anything: images, the indices of those to take, and their augmentation."""
    if recipe.validation == "split":  # images of the same data set, so augmented like the others, as in the lesson
        return data, valid_idx, recipe.augmentation
    if recipe.validation == "test":
        if test is None:
            raise InputError("test: this recipe is validated on the test images: give them to fit")
        return test, torch.arange(len(test)), "none"
    return None


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave. saved: its weights became the checkpoint. weights_sha256: `weights_digest` after it.

    valid_loss, valid_accuracy (0 to 1): None where the recipe has no validation. running_loss: the means over each
    `loss_window` steps, none where that is 0.
    """

    epoch: int
    train_loss: float
    valid_loss: float | None
    saved: bool
    weights_sha256: str
    train_seconds: float
    valid_seconds: float
    valid_accuracy: float | None = None
    running_loss: list[float] = field(default_factory=list)


@dataclass
class Training:
    """A training and all that is needed to go on with it exactly."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    order: torch.Generator
    epochs: list[Epoch] = field(default_factory=list)
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights are kept: the last one saved."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.saved), None)

    @property
    def lowest(self) -> float:
        """The validation loss of the epoch whose weights are kept; infinite where there is none."""
        best = self.best
        return math.inf if best is None or best.valid_loss is None else best.valid_loss

    def state(self, device: torch.device) -> dict[str, Any]:
        """Tensors and plain values, for a checkpoint; only meaningful between two epochs of `fit`."""
        return {
            "network": plain_weights(self.network),
            "optimizer": self.optimizer.state_dict(),
            "order": self.order.get_state(),
            "global": seeding.global_state(device),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best_weights": self.best_weights,
        }

    def load_state(self, state: dict[str, Any], device: torch.device) -> None:
        """Goes back to where `state` was taken; sets the global generators."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.order.set_state(state["order"])
        seeding.set_global_state(state["global"], device)
        self.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
        self.best_weights = state["best_weights"]


def begin(recipe: Recipe, seeds: Seeds, device: torch.device, layout: torch.memory_format) -> Training:
    """A training before its first step. Leaves the global generators seeded for dropout, which alone may draw next."""
    # Weights are drawn on the CPU, so that every device starts from the same ones.
    seeding.seed_global(seeds.init, device)
    network = build_network(recipe).to(device).to(memory_format=layout)
    training = Training(network, make_optimizer(recipe, network), seeding.order_generator(seeds.order))
    seeding.seed_global(seeds.dropout, device)
    return training


def fit(
    recipe: Recipe,
    seeds: Seeds,
    data: ImageSet,
    *,
    test: ImageSet | None = None,
    memory_format: str = "contiguous",
    resume: dict[str, Any] | None = None,
    after_epoch: Callable[[Epoch, dict[str, Any]], None] = lambda epoch, state: None,
    progress: Progress = no_progress,
) -> Training:
    """Trains the recipe's network on `data` (all training images, on the device to use).

    Keeps the best weights or the last ones, as the recipe says. test: the test images, on the same device, for a recipe
    that is validated on them.

    After each epoch `after_epoch(epoch, state)` gets its figures and the state from which `resume=state` goes on as if
    nothing had happened. Global random state is as before when this returns. Raises NonFiniteLoss at the end of an
    epoch with a loss that is NaN or infinite; InputError if the split leaves a part empty, a name is unknown or the
    test images are missing.
    """
    layout, device = torch_memory_format(memory_format), data.images.device
    train_idx, valid_idx = split(recipe, seeds, len(data))
    held_out = _validation_images(recipe, data, valid_idx, test)

    def passes(name: str, images: ImageSet, indices: torch.Tensor, augmentation: str) -> Batches:
        """The batches of one pass over the images of `indices`."""
        total = math.ceil(len(indices) / recipe.batch_size)
        options: dict[str, Any] = {"pixels": recipe.pixels, "memory_format": layout}
        made = batches(images, indices, recipe.batch_size, augmentation=augmentation, **options)
        return progress(made, total=total, desc=f"epoch {epoch}/{recipe.epochs} {name}")

    with seeding.isolated(device):
        training = begin(recipe, seeds, device, layout)
        network, optimizer = training.network, training.optimizer
        if resume is not None:
            training.load_state(resume, device)

        for epoch in range(len(training.epochs) + 1, recipe.epochs + 1):
            # As SubsetRandomSampler does: one permutation an epoch.
            order = train_idx[torch.randperm(len(train_idx), generator=training.order)]
            start = time.perf_counter()
            train_losses = train_epoch(network, passes("training", data, order, recipe.augmentation), optimizer)
            middle = time.perf_counter()
            valid = None if held_out is None else evaluate(network, passes("validation", *held_out))
            end = time.perf_counter()

            # A tie saves: the lesson compares with <=.
            saved = not recipe.tests_best or valid is None or valid.loss <= training.lowest
            weights = plain_weights(network)
            if saved:
                training.best_weights = weights
            result = Epoch(
                epoch=epoch,
                train_loss=train_losses.mean,
                valid_loss=None if valid is None else valid.loss,
                saved=saved,
                weights_sha256=weights_digest(weights),
                train_seconds=middle - start,
                valid_seconds=end - middle,
                valid_accuracy=None if valid is None else valid.accuracy,
                running_loss=train_losses.running(recipe.loss_window),
            )
            training.epochs.append(result)
            with seeding.isolated(device):  # whatever it draws, the next epoch's dropout does not notice
                after_epoch(result, training.state(device))
    return training

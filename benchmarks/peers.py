"""One epoch of the `udacity` recipe as users of PyTorch Lightning and of Keras 3 (torch backend) would write it.

Both get the same images as normalised float32 arrays in memory, and shuffle and initialise with their own generators,
so their numbers are not the lesson's, but the work is. `pip install 'cifar-repro[peers]'` has both.
"""

import logging
import os
import time
import warnings
from importlib.util import find_spec

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras reads it when it is imported

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.epochs import EpochResult
from cifar_repro.audits.lesson import TutorialNet
from cifar_repro.core.data import ImageSet
from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.core.training import split
from cifar_repro.core.transforms import normalize


def _parts(data: ImageSet, recipe: Recipe, seeds: Seeds) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Normalised images and their labels, for training and for validation."""
    return [(normalize(data.images[indices]), data.labels[indices]) for indices in split(recipe, seeds, len(data))]


def lightning_epoch(data: ImageSet, recipe: Recipe, seeds: Seeds, device: str) -> EpochResult:
    """Trains and validates one epoch with Lightning's Trainer."""
    import lightning

    class LightningNet(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = TutorialNet(recipe.dropout)

        def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
            images, labels = batch
            loss = F.cross_entropy(self.net(images), labels)
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
            images, labels = batch
            self.log("valid_loss", F.cross_entropy(self.net(images), labels))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=recipe.learning_rate)

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # says which hardware there is, each time
    torch.manual_seed(seeds.init)
    train, valid = (TensorDataset(*part) for part in _parts(data, recipe, seeds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on workers of loaders, and deprecations inside
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="gpu" if device == "cuda" else "cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        start = time.perf_counter()
        trainer.fit(
            LightningNet(),
            DataLoader(train, batch_size=recipe.batch_size, shuffle=True),
            DataLoader(valid, batch_size=recipe.batch_size),
        )
        seconds = time.perf_counter() - start
    train_loss, valid_loss = (float(trainer.callback_metrics[name]) for name in ("train_loss", "valid_loss"))
    return EpochResult(train_loss, valid_loss, seconds, trainer.global_step)


def keras_epoch(data: ImageSet, recipe: Recipe, seeds: Seeds, device: str) -> EpochResult:
    """Trains and validates one epoch with Keras' `fit`, its arrays and layers in its own order: channels last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside
        import keras
        from keras import layers

        keras.utils.set_random_seed(seeds.init)
        (x, y), (x_valid, y_valid) = (
            (np.ascontiguousarray(images.numpy().transpose(0, 2, 3, 1)), labels.numpy())
            for images, labels in _parts(data, recipe, seeds)
        )
        with keras.device(device):
            model = keras.Sequential(
                [
                    keras.Input((32, 32, 3)),
                    *(
                        layer
                        for filters in (16, 32, 64)
                        for layer in (
                            layers.Conv2D(filters, 3, padding="same", activation="relu"),
                            layers.MaxPooling2D(),
                        )
                    ),
                    layers.Flatten(),
                    layers.Dropout(recipe.dropout),
                    layers.Dense(500, activation="relu"),
                    layers.Dropout(recipe.dropout),
                    layers.Dense(10),
                ]
            )
            model.compile(
                optimizer=keras.optimizers.SGD(recipe.learning_rate),
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            )
            start = time.perf_counter()
            history = model.fit(x, y, batch_size=recipe.batch_size, validation_data=(x_valid, y_valid), verbose=0)
            seconds = time.perf_counter() - start
    (train_loss,), (valid_loss,) = history.history["loss"], history.history["val_loss"]
    return EpochResult(train_loss, valid_loss, seconds, int(model.optimizer.iterations))


PEERS = {"lightning": lightning_epoch, "keras": keras_epoch}


def missing(name: str) -> str:
    """Why a candidate cannot run here; empty where it can."""
    absent = name in PEERS and find_spec(name) is None
    return f"{name} is not installed: pip install 'cifar-repro[peers]'" if absent else ""

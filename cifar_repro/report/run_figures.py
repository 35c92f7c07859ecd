"""The figures of a run folder: from what a run holds to `figures/*.png`."""

import io
from dataclasses import asdict
from pathlib import Path

import torch
from matplotlib.figure import Figure

from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.evaluation import Evaluation
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.seeding import order_generator
from cifar_repro.core.training import split
from cifar_repro.report import figures
from cifar_repro.report.published import published_of
from cifar_repro.runs.record import caption, running_losses
from cifar_repro.runs.run import Run
from cifar_repro.verdicts.published import published_beside

SHOWN = 20  # images, as in the lesson


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a PNG, whole or not at all."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as file:
        file.write(buffer.getbuffer())


def draw_data(run: Run) -> None:
    """What the network is about to see: the first images of the first epoch, and one of them in detail."""
    line, folder = caption(run.recipe, run.seeds, run.record.data), run.folder / "figures"
    train_idx, _ = split(run.recipe, run.seeds, len(run.data.train))
    order = torch.randperm(len(train_idx), generator=order_generator(run.seeds.order))
    chosen = train_idx[order[:SHOWN]]
    images, labels = run.data.train.images[chosen].numpy(), run.data.train.labels[chosen].numpy()
    save_figure(figures.training_batch(images, labels, CLASSES, caption=line), folder / "training_batch.png")
    detail = min(3, len(labels) - 1)  # the lesson takes the batch's fourth image
    figure = figures.channel_values(images[detail], CLASSES[labels[detail]], caption=line)
    save_figure(figure, folder / "channel_values.png")


def draw_results(run: Run, result: Evaluation) -> None:
    """How the training went and what the weights that were kept make of the test images."""
    line, folder = caption(run.recipe, run.seeds, run.record.data), run.folder / "figures"
    recipe, data = run.recipe, run.record.data
    known = published_beside(recipe.name, data) or {}
    epochs = [asdict(epoch) for epoch in run.record.epochs]
    test = result.as_record()
    images, labels = run.data.test.images[:SHOWN].numpy(), run.data.test.labels[:SHOWN].numpy()
    drawn = {
        "loss_curves": figures.loss_curves(epochs, known.get("epochs"), caption=line, tests_best=run.recipe.tests_best),
        "confusion_matrix": figures.confusion_matrix(test["confusion"], CLASSES, caption=line),
        "per_class_accuracy": figures.per_class_accuracy(
            test["per_class"], known.get("test", {}).get("per_class"), caption=line
        ),
        "predictions": figures.predictions(images, labels, result.predicted[:SHOWN].numpy(), CLASSES, caption=line),
    }
    if run.recipe.loss_window:
        own, beside = running_losses(recipe, data, run.record.epochs), published_of(recipe, data)
        drawn["running_loss"] = figures.running_loss(
            own, beside.curves.get("running_loss", []) if beside else [], window=run.recipe.loss_window, caption=line
        )
    for name, figure in drawn.items():
        save_figure(figure, folder / f"{name}.png")

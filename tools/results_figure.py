"""The figure of the README: the runs of `udacity`, those of other people, and the published one."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cifar_repro.core.checkpoint import replacing
from cifar_repro.report.published import published_of
from cifar_repro.studies.study_file import Study
from cifar_repro.verdicts.published import known
from cifar_repro.verdicts.verdict import accuracy

HERE, OTHERS, PUBLISHED = "#0072B2", "#8A8A8A", "#D55E00"  # Okabe and Ito (2008), and a grey


def draw(studies: Mapping[str, Study], path: Path) -> None:
    """Left: losses of each epoch, in per cent of the mean of the runs here. Right: accuracies of all recipes."""
    with style.context("default"):
        figure = Figure(figsize=(10, 5.6), dpi=150, layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1))
        if "udacity" in studies:
            top, bottom = (figure.add_subplot(grid[row, 0]) for row in (0, 1))
            for axes, name, title in ((top, "train_loss", "Training loss"), (bottom, "valid_loss", "Validation loss")):
                _losses(axes, studies["udacity"], name)
                axes.set_title(f"udacity: {title.lower()}, % off the mean of the runs here", fontsize=10, loc="left")
            bottom.set_xlabel("epoch")
        _accuracies(figure.add_subplot(grid[:, 1]), studies)
        names = {HERE: "runs here, one a seed", OTHERS: "other people's runs", PUBLISHED: "published run"}
        handles = [Line2D([], [], marker="o", linestyle="", color=color, label=name) for color, name in names.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
        with replacing(path) as file:
            figure.savefig(file, format="png", metadata={"Software": None})


def _losses(axes, study: Study, name: str) -> None:
    ours = np.array([[getattr(epoch, name) for epoch in run.epochs] for run in study.runs])
    mean, published = ours.mean(axis=0), known(study.recipe.name)

    def line(losses, **how) -> None:
        losses = np.array(losses[: len(mean)])
        axes.plot(np.arange(1, len(losses) + 1), 100 * (losses / mean[: len(losses)] - 1), **how)

    for run in published.get("others", ()):
        line([e[name] for e in run["epochs"]], color=OTHERS, linewidth=0.9, alpha=0.7)
    for row in ours:
        line(row, color=HERE, linewidth=0.7, alpha=0.55)
    line([e[name] for e in published["epochs"]], color=PUBLISHED, linewidth=1.8)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlim(1, len(mean))
    axes.set_xticks([1, *range(5, len(mean) + 1, 5)])
    _tidy(axes)


def _accuracies(axes, studies: Mapping[str, Study]) -> None:
    """A row a recipe: the runs here, the others beneath them, the published one as a bar across both."""
    for row, (name, study) in enumerate(studies.items()):
        published, epochs = known(name), study.recipe.epochs
        ours = [accuracy(run) for run in study.runs]
        others = [
            100 * run["test"]["correct"] / run["test"]["total"]
            for run in published.get("others", ())
            if "test" in run and len(run["epochs"]) == epochs
        ]
        for values, at, color in ((ours, row - 0.13, HERE), (others, row + 0.13, OTHERS)):
            axes.plot(values, np.full(len(values), at), "o", color=color, markersize=5, alpha=0.6, markeredgewidth=0)
        shown = published_of(study.recipe, study.data)
        if shown and shown.accuracy:
            low, high = (100 * end for end in shown.accuracy)
            axes.fill_betweenx([row - 0.28, row + 0.28], low, high, color=PUBLISHED, alpha=0.35, linewidth=1.8)
    axes.set_yticks(
        range(len(studies)), [f"{n}\n{s.recipe.epochs} epochs, {len(s.runs)} seeds" for n, s in studies.items()]
    )
    axes.set_ylim(len(studies) - 0.5, -0.5)
    axes.set_title("Accuracy on the test images, %", fontsize=10, loc="left")
    _tidy(axes)


def _tidy(axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x" if axes.get_yticks().size < 5 else "both", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)

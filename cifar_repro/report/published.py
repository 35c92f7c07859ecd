"""What was published of a recipe, in the one form in which the report draws it beside its own results."""

from dataclasses import dataclass, field
from typing import Any

from cifar_repro.core.recipe import Recipe
from cifar_repro.runs.record import Data
from cifar_repro.verdicts.published import LESSON_NAMES, STEPS, cut, published_beside, rounded

Interval = tuple[float, float]
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Published:
    """Published numbers; accuracies are fractions, from and to: a percentage that is cut (55) is from 0.55 to 0.56.

    curves: by the name of a record's entry, the (epoch, value) points of each published run; those of `running_loss`
    are (step, value), with steps counted from the start of the training.
    """

    sources: list[str]
    curves: dict[str, list[Points]] = field(default_factory=dict)
    loss: float | None = None
    accuracy: Interval | None = None
    per_class: dict[str, Interval] = field(default_factory=dict)


def published_of(recipe: Recipe, data: Data) -> Published | None:
    """What was published for the recipe of a record, if it may stand beside results on its data."""
    known = published_beside(recipe.name, data)
    if known is None:
        return None
    if "test" in known:
        epochs, test = known["epochs"], known["test"]
        lines = {name: [[(e["epoch"], e[name]) for e in epochs]] for name in ("train_loss", "valid_loss")}
        per_class = {c["name"]: _share(c) for c in test["per_class"]}
        return Published([known["source"]], lines, test["loss"], _share(test), per_class)
    if "claims" in known:
        claims = {c["epoch"]: c["valid_accuracy_percent"] for c in known["claims"]}
        points = [(epoch, percent / 100) for epoch, percent in claims.items() if epoch <= recipe.epochs]
        percent = claims.get(recipe.epochs)
        accuracy = None if percent is None else _fractions(rounded(percent))
        return Published([known["source"]], {"valid_accuracy": [points]}, accuracy=accuracy)
    runs = known["runs"]
    lines = {
        "running_loss": [
            [(STEPS * (p["epoch"] - 1) + p["minibatch"], p["loss"]) for p in run["running_loss"]] for run in runs
        ]
    }
    (tested,) = (run for run in runs if "test_accuracy_percent" in run)
    per_class = {LESSON_NAMES.get(name, name): _fractions(cut(p)) for name, p in tested["per_class_percent"].items()}
    accuracy = _fractions(cut(tested["test_accuracy_percent"]))
    return Published([run["source"] for run in runs], lines, None, accuracy, per_class)


def _share(counts: dict[str, Any]) -> Interval:
    share = counts["correct"] / counts["total"]
    return share, share


def _fractions(percent: Interval) -> Interval:
    return percent[0] / 100, percent[1] / 100

"""Published results of the recipes, as data with their sources: one JSON file a recipe."""

import json
from importlib.resources import files
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.runs.record import Data

LESSON_NAMES = {"plane": "airplane", "car": "automobile"}  # what PyTorch's tutorial calls two of the classes
# That tutorial's losses are means over so many steps; an epoch has 50,000 images in batches of 4.
WINDOW, STEPS = 2_000, 12_500


def published(recipe: str) -> dict[str, Any] | None:
    """What was published for the recipe of that name, or None.

    Always `recipe`; the rest is what its source tells, as it tells it. The lesson's recipes: source, epochs (a list of
    {epoch, train_loss, valid_loss}), test ({loss, correct, total, per_class}). pytorch-blitz: note, runs (a list of
    {source, running_loss: [{epoch, minibatch, loss}]}, one also with test_accuracy_percent and per_class_percent).
    keras-cnn: source, note, claims (a list of {epoch, valid_accuracy_percent}).
    """
    file = files(__name__) / f"{recipe}.json"
    if not file.is_file():
        return None
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def published_beside(recipe: str, data: Data) -> dict[str, Any] | None:
    """As `published`, for results on the data of a record: None where it is synthetic.

    Beside results on drawn pictures published ones would compare nothing.
    """
    return None if data.kind == "synthetic" else published(recipe)


def cut(percent: float) -> tuple[float, float]:
    """From and to what a percentage reaches that was cut to a whole one: 55 stands for 55 up to 56."""
    return float(percent), float(percent) + 1


def rounded(percent: float) -> tuple[float, float]:
    """From and to what a percentage reaches that was rounded: 75 stands for 74.5 up to 75.5."""
    return percent - 0.5, percent + 0.5


def known(recipe: str) -> dict[str, Any]:
    """As `published`. Raises InputError where nothing is published for a recipe of that name."""
    names = sorted(file.name.removesuffix(".json") for file in files(__name__).iterdir() if file.name.endswith(".json"))
    content = published(recipe) if recipe in names else None
    if content is None:
        raise InputError(f"published: there is nothing for {recipe!r}: give one of {', '.join(names)}")
    return content

"""Recipes and seeds: the lesson's numbers, their limits, and what they say of themselves."""

from dataclasses import fields, replace
from typing import Any

import pytest

from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.model import NETWORKS
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds, get_recipe
from cifar_repro.core.transforms import AUGMENTATIONS, PIXELS


def test_the_recipes_are_the_lessons() -> None:
    """The lesson's two recipes have every number of it, and differ in the augmentation alone."""
    numbers = {
        "batch_size": 20,
        "epochs": 30,
        "learning_rate": 0.01,
        "valid_fraction": 0.2,
        "dropout": 0.25,
        "network": "net",
        "optimizer": "sgd",
        "momentum": 0.0,
        "learning_rate_decay": 0.0,
        "pixels": "minus-one-to-one",
        "validation": "split",
        "loss_window": 0,
    }
    augmentations = {"udacity": "none", "udacity-augmented": "flip-rotate"}
    assert {name: vars(RECIPES[name]) for name in augmentations} == {
        name: {"name": name, **numbers, "augmentation": augmentation} for name, augmentation in augmentations.items()
    }
    assert all(get_recipe(name) is recipe for name, recipe in RECIPES.items())


def test_the_other_recipes_are_those_of_their_tutorials() -> None:
    """`pytorch-blitz` and `keras-cnn` have every number of PyTorch's tutorial and of Keras' example."""
    assert vars(RECIPES["pytorch-blitz"]) == {
        "name": "pytorch-blitz",
        "batch_size": 4,
        "epochs": 2,
        "learning_rate": 0.001,
        "valid_fraction": 0.0,
        "dropout": 0.0,
        "augmentation": "none",
        "network": "blitz",
        "optimizer": "sgd",
        "momentum": 0.9,
        "learning_rate_decay": 0.0,
        "pixels": "minus-one-to-one",
        "validation": "none",
        "loss_window": 2000,
    }
    assert vars(RECIPES["keras-cnn"]) == {
        "name": "keras-cnn",
        "batch_size": 32,
        "epochs": 25,
        "learning_rate": 0.0001,
        "valid_fraction": 0.0,
        "dropout": 0.25,
        "augmentation": "shift-flip",
        "network": "keras",
        "optimizer": "rmsprop",
        "momentum": 0.0,
        "learning_rate_decay": 0.000001,
        "pixels": "unit",
        "validation": "test",
        "loss_window": 0,
    }
    assert [name for name, recipe in RECIPES.items() if recipe.tests_best] == ["udacity", "udacity-augmented"]


def test_every_choice_is_implemented() -> None:
    """The names that a recipe can give are those that the core has something for."""
    choices = {f.name: set(f.metadata["choices"]) for f in fields(Recipe) if f.name != "name"}
    implemented = {"augmentation": AUGMENTATIONS, "pixels": PIXELS, "network": NETWORKS}
    assert {name: choices[name] for name in implemented} == {name: set(known) for name, known in implemented.items()}


def test_every_number_has_a_help_text() -> None:
    """The command line shows a text of its own beside the flag of every field."""
    texts = [f.metadata["help"] for f in fields(Recipe) if f.name != "name"]
    assert all(texts)
    assert len(set(texts)) == len(texts) == 13


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    """The error names the value and all recipes."""
    with pytest.raises(InputError, match=rf"^recipe: 'lesson' is not known: give one of {', '.join(RECIPES)}$"):
        get_recipe("lesson")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 1),
        ("batch_size", 1_000_000),
        ("epochs", 1),
        ("epochs", 1_000_000),
        ("learning_rate", 5e-324),
        ("learning_rate", 1),
        ("learning_rate", 3.4028234663852886e38),
        ("valid_fraction", 5e-324),
        ("valid_fraction", 0.9999999999999999),
        ("dropout", 0),
        ("dropout", 0.9999999999999999),
        ("augmentation", "none"),
        ("augmentation", "flip-rotate"),
        ("augmentation", "shift-flip"),
        ("network", "keras"),
        ("optimizer", "rmsprop"),
        ("pixels", "unit"),
        ("momentum", 0),
        ("momentum", 0.9999999999999999),
        ("learning_rate_decay", 0),
        ("learning_rate_decay", 3.4028234663852886e38),
        ("loss_window", 0),
        ("loss_window", 1_000_000),
    ],
)
def test_the_ends_of_each_range_belong_to_it(name: str, value: Any) -> None:
    """The smallest and the largest value of each field is taken, and nothing else changes."""
    recipe = RECIPES["udacity"].with_changes({name: value})
    assert vars(recipe) == {**vars(RECIPES["udacity"]), name: value}
    assert recipe.changes() == ([name] if value != getattr(RECIPES["udacity"], name) else [])


WHOLE = "a whole number from 1 to 1,000,000"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        *[(name, value, WHOLE) for name in ("batch_size", "epochs") for value in (0, 1_000_001, 2.0, True, "2", None)],
        *[("learning_rate", v, "a finite number above 0") for v in (0, -0.1, 3.5e38, float("nan"), True, "1", None)],
        *[("valid_fraction", v, "a number between 0 and 1") for v in (0, 1, 0.0, 1.0, -0.1, float("nan"), True, "0.2")],
        *[
            (name, v, "a number from 0 to below 1")
            for name in ("dropout", "momentum")
            for v in (1, 1.0, -1e-9, float("nan"), False, "0.2")
        ],
        *[("learning_rate_decay", v, "a finite number from 0 on") for v in (-1e-9, 3.5e38, float("nan"), True, "1")],
        *[("loss_window", v, "a whole number from 0 to 1,000,000") for v in (-1, 1_000_001, 2.0, True, None)],
        *[("augmentation", v, "one of none, flip-rotate, shift-flip") for v in ("flip", "", None)],
        *[("network", v, "one of net, blitz, keras") for v in ("Net", "", None)],
        ("optimizer", "adam", "one of sgd, rmsprop"),
        ("pixels", "uint8", "one of minus-one-to-one, unit"),
        ("validation", "", "one of split, test, none"),
    ],
)
def test_a_value_outside_its_range_is_refused(name: str, value: Any, wanted: str) -> None:
    """The error names the field, the value and what to give."""
    with pytest.raises(InputError) as error:
        RECIPES["udacity"].with_changes({name: value})
    wrong = "is not known" if wanted.startswith("one of") else "is out of range"
    assert str(error.value) == f"{name}: {value!r} {wrong}: give {wanted}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"validation": "none"},
            "valid_fraction: 0.2 is not used: give 0, for validation 'none' holds no images out",
        ),
        (
            {"validation": "test"},
            "valid_fraction: 0.2 is not used: give 0, for validation 'test' holds no images out",
        ),
        ({"network": "blitz"}, "dropout: 0.25 is not used: give 0, for the network 'blitz' has no dropout"),
    ],
)
def test_a_number_that_would_not_be_used_is_refused(changes: dict[str, Any], said: str) -> None:
    """A fraction that nothing is held out by, or a dropout rate without a dropout, would make the record untrue."""
    with pytest.raises(InputError) as error:
        RECIPES["udacity"].with_changes(changes)
    assert str(error.value) == said


def test_changes_are_named() -> None:
    """`changes()` names what differs from the registered recipe of that name, in the fields' order."""
    recipe = RECIPES["udacity-augmented"]
    assert recipe.changes() == []
    with pytest.raises(InputError, match=r"^recipe: 'mine' is not known"):
        replace(recipe, name="mine").changes()
    assert recipe.with_changes({"augmentation": "none", "epochs": 31}).changes() == ["epochs", "augmentation"]


def test_seeds_can_be_one_or_four() -> None:
    """`Seeds.all` gives one seed to all four sources; without any, all are 0."""
    assert vars(Seeds.all(7)) == {"split": 7, "init": 7, "order": 7, "dropout": 7}
    assert Seeds() == Seeds.all(0)
    assert vars(Seeds(1, 2, 3, 4)) == {"split": 1, "init": 2, "order": 3, "dropout": 4}


@pytest.mark.parametrize("name", ["split", "init", "order", "dropout"])
def test_a_seed_is_a_whole_number_of_32_bits(name: str) -> None:
    """0 and 2**32 - 1 are seeds; what is outside, or no whole number, is an error that names source and value."""
    for value in (0, 2**32 - 1):
        assert vars(Seeds(**{name: value}))[name] == value
    wrong: tuple[Any, ...] = (-1, 2**32, 1.0, True, "1", None)
    for value in wrong:
        with pytest.raises(InputError) as error:
            Seeds(**{name: value})
        wanted = "is out of range: give a whole number from 0 to 4294967295"
        assert str(error.value) == f"{name} seed: {value!r} {wanted}"


def test_a_loss_that_is_no_number_is_told_in_one_line() -> None:
    """The error's text and attributes say the phase, the step and the value."""
    error = NonFiniteLoss("training", 3, float("inf"))
    assert str(error) == "the loss of training step 3 is inf"
    assert (error.phase, error.step, error.loss) == ("training", 3, float("inf"))

"""Every number of an experiment, in one frozen object, and the recipes by name. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from cifar_repro.core.errors import InputError

AUGMENTATIONS = ("none", "flip-rotate")
LARGEST = 1_000_000  # batch size and epochs: more is a slip of the keyboard
FLOAT32_MAX = 3.4028234663852886e38
WHOLE = f"a whole number from 1 to {LARGEST:,}"


def _field(default: Any, help: str) -> Any:
    """A dataclass field whose help text the command line shows beside the flag of the same name."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One experiment. The defaults are the lesson's own values; each is checked, and InputError names what is wrong."""

    name: str
    batch_size: int = _field(20, "images in a training, validation or test batch")
    epochs: int = _field(30, "passes over the training images")
    learning_rate: float = _field(0.01, "step size of plain SGD (no momentum, no weight decay)")
    valid_fraction: float = _field(0.2, "share of the 50,000 training images held out for validation")
    dropout: float = _field(0.25, "probability that an input of fc1 or fc2 is dropped in training")
    augmentation: str = _field(
        "none",
        "flip-rotate: RandomHorizontalFlip, then RandomRotation(10), on training and validation images",
    )

    def __post_init__(self) -> None:
        self._check("batch_size", _is_int(self.batch_size) and 1 <= self.batch_size <= LARGEST, WHOLE)
        self._check("epochs", _is_int(self.epochs) and 1 <= self.epochs <= LARGEST, WHOLE)
        self._check(
            "learning_rate",
            _is_number(self.learning_rate) and 0 < self.learning_rate <= FLOAT32_MAX,
            "a finite number above 0",
        )
        fraction, dropout = self.valid_fraction, self.dropout
        self._check("valid_fraction", _is_number(fraction) and 0 < fraction < 1, "a number between 0 and 1")
        self._check("dropout", _is_number(dropout) and 0 <= dropout < 1, "a number from 0 to below 1")
        self._check("augmentation", self.augmentation in AUGMENTATIONS, "one of " + ", ".join(AUGMENTATIONS))

    def _check(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InputError(f"{name}: {getattr(self, name)!r} makes no sense: give {wanted}")

    def with_changes(self, changes: Mapping[str, Any]) -> "Recipe":
        """This recipe with some fields changed. Raises InputError for a value that makes no sense."""
        return replace(self, **changes)

    def changes(self) -> list[str]:
        """The names of the fields that differ from the registered recipe of the same name."""
        registered = RECIPES[self.name]
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(registered, f.name)]


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(name="udacity"),
            Recipe(name="udacity-augmented", augmentation="flip-rotate"),
        )
    }
)


def get_recipe(name: str) -> Recipe:
    """The registered recipe of that name. Raises InputError for any other name."""
    if name not in RECIPES:
        raise InputError(f"recipe: {name!r} is not known: give one of {', '.join(RECIPES)}")
    return RECIPES[name]


@dataclass(frozen=True)
class Seeds:
    """The four sources of randomness of a run, each with a seed of its own (0 to 2**32 - 1).

    split: which training images are held out for validation (numpy's legacy RandomState).
    init: the initial weights.
    order: the order of the training images in each epoch.
    dropout: torch's global generator during training: the dropout masks and, where the recipe has an
    augmentation, its draws, which the lesson takes from the same generator.
    """

    split: int = 0
    init: int = 0
    order: int = 0
    dropout: int = 0

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if not (_is_int(value) and 0 <= value < 2**32):
                raise InputError(f"{f.name} seed: {value!r} makes no sense: give a whole number from 0 to {2**32 - 1}")

    @classmethod
    def all(cls, seed: int) -> "Seeds":
        """The same seed for all four."""
        return cls(seed, seed, seed, seed)

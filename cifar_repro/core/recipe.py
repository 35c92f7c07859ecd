"""Every number of an experiment, in one frozen object, and the recipes by name. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from cifar_repro.core.errors import InputError, meant

LARGEST = 1_000_000  # batch size, epochs and window: more is a slip of the keyboard
FLOAT32_MAX = 3.4028234663852886e38
WHOLE, WINDOW = (f"a whole number from {least} to {LARGEST:,}" for least in (1, 0))


def _field(default: Any, help: str, choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field whose help text and choices the command line shows beside the flag of the same name."""
    return field(default=default, metadata={"help": help, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One experiment. The defaults are the lesson's own values; each is checked, and InputError names what is wrong."""

    name: str
    batch_size: int = _field(20, "images in a training, validation or test batch")
    epochs: int = _field(30, "passes over the training images")
    learning_rate: float = _field(0.01, "step size of the optimizer (no weight decay)")
    valid_fraction: float = _field(0.2, "share of the 50,000 training images held out for validation")
    dropout: float = _field(
        0.25, "probability that an input of fc1 or fc2 (keras: an output of a pooling) is dropped in training"
    )
    augmentation: str = _field(
        "none",
        "flip-rotate: RandomHorizontalFlip, then RandomRotation(10); shift-flip: shifts of up to a tenth of the size, "
        "then a flip, as Keras makes them; of all images but the test images",
        ("none", "flip-rotate", "shift-flip"),
    )
    network: str = _field(
        "net",
        "net: the lesson's; blitz: that of PyTorch's tutorial; keras: that of Keras' cifar10_cnn.py",
        ("net", "blitz", "keras"),
    )
    optimizer: str = _field("sgd", "sgd, or rmsprop with rho 0.9 and epsilon 1e-7, Keras' defaults", ("sgd", "rmsprop"))
    momentum: float = _field(0.0, "momentum of the optimizer")
    learning_rate_decay: float = _field(0.0, "step n, from 0, has the learning rate divided by 1 + n times this")
    pixels: str = _field(
        "minus-one-to-one",
        "what the network sees of a pixel: from -1 to 1, or from 0 to 1",
        ("minus-one-to-one", "unit"),
    )
    validation: str = _field(
        "split",
        "split: on held-out training images, which choose the weights to test; test: on the test images; none. With "
        "the last two the last weights are tested",
        ("split", "test", "none"),
    )
    loss_window: int = _field(0, "training steps in each mean of an epoch's running_loss; 0: no running loss")

    def __post_init__(self) -> None:
        self._check("batch_size", _is_int(self.batch_size) and 1 <= self.batch_size <= LARGEST, WHOLE)
        self._check("epochs", _is_int(self.epochs) and 1 <= self.epochs <= LARGEST, WHOLE)
        self._check("loss_window", _is_int(self.loss_window) and 0 <= self.loss_window <= LARGEST, WINDOW)
        rate, decay = self.learning_rate, self.learning_rate_decay
        self._check("learning_rate", _is_number(rate) and 0 < rate <= FLOAT32_MAX, "a finite number above 0")
        self._check("learning_rate_decay", _is_number(decay) and 0 <= decay <= FLOAT32_MAX, "a finite number from 0 on")
        for name in ("dropout", "momentum"):
            value = getattr(self, name)
            self._check(name, _is_number(value) and 0 <= value < 1, "a number from 0 to below 1")
        for f in fields(self):
            choices = f.metadata.get("choices")
            known = not choices or getattr(self, f.name) in choices
            self._check(f.name, known, f"one of {', '.join(choices or ())}", "is not known")
        # A number that is not used would make the record say what was not done.
        fraction = self.valid_fraction
        if self.validation == "split":
            self._check("valid_fraction", _is_number(fraction) and 0 < fraction < 1, "a number between 0 and 1")
        else:
            wanted = f"0, for validation {self.validation!r} holds no images out"
            self._check("valid_fraction", fraction == 0, wanted, "is not used")
        if self.network == "blitz":
            self._check("dropout", self.dropout == 0, "0, for the network 'blitz' has no dropout", "is not used")

    def _check(self, name: str, holds: bool, wanted: str, wrong: str = "is out of range") -> None:
        if not holds:
            raise InputError(f"{name}: {getattr(self, name)!r} {wrong}: give {wanted}")

    def with_changes(self, changes: Mapping[str, Any]) -> "Recipe":
        """This recipe with some fields changed. Raises InputError for a value that does not fit."""
        return replace(self, **changes)

    @property
    def tests_best(self) -> bool:
        """Whether the weights with the lowest validation loss are kept and tested; otherwise the last ones are.

        Weights chosen by their loss on the test images would make the result on these images too good.
        """
        return self.validation == "split"

    def changes(self) -> list[str]:
        """The names of the fields that differ from the registered recipe of the same name.

        Raises InputError where there is none.
        """
        registered = get_recipe(self.name)
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
            # PyTorch's tutorial "Training a Classifier" (Deep Learning with PyTorch: A 60 Minute Blitz).
            Recipe(
                name="pytorch-blitz",
                network="blitz",
                batch_size=4,
                epochs=2,
                learning_rate=0.001,
                momentum=0.9,
                dropout=0.0,
                validation="none",
                valid_fraction=0.0,
                loss_window=2_000,
            ),
            # keras-team/keras 2.x, examples/cifar10_cnn.py.
            Recipe(
                name="keras-cnn",
                network="keras",
                batch_size=32,
                epochs=25,
                optimizer="rmsprop",
                learning_rate=1e-4,
                learning_rate_decay=1e-6,
                augmentation="shift-flip",
                pixels="unit",
                validation="test",
                valid_fraction=0.0,
            ),
        )
    }
)


def get_recipe(name: str) -> Recipe:
    """The registered recipe of that name. Raises InputError for any other name."""
    if name not in RECIPES:
        raise InputError(f"recipe: {name!r} is not known{meant(name, RECIPES)}: give one of {', '.join(RECIPES)}")
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
                raise InputError(f"{f.name} seed: {value!r} is out of range: give a whole number from 0 to {2**32 - 1}")

    @classmethod
    def all(cls, seed: int) -> "Seeds":
        """The same seed for all four."""
        return cls(seed, seed, seed, seed)

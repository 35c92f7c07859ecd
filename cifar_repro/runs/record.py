"""The record of a run: one JSON object that says what was run, on what, where, and what came out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from msgspec import field

from cifar_repro.core import files, official
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.evaluation import Evaluation
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.recipe import Recipe, Seeds, get_recipe
from cifar_repro.core.training import Epoch
from cifar_repro.formats import Form, Time, Whole, convert, decode, encode, plain
from cifar_repro.runs.code import Code
from cifar_repro.runs.environment import Environment

SCHEMA = 1  # of all files that have a recipe: records, studies, traces
NAME = "record.json"
PARTS: tuple[Literal["train", "test"], ...] = ("train", "test")  # of the data

# The recipe's fields in the first records. A later field that is missing had the value that it has in the recipe.
FIRST_FIELDS = ("name", "batch_size", "epochs", "learning_rate", "valid_fraction", "dropout", "augmentation")
# Entries of an epoch, and of a run, that the first records do not have.
LATER: dict[str, Any] = {"valid_accuracy": None, "running_loss": []}
LATER_OF_RUN: dict[str, Any] = {"started": None, "ended": None, "code": []}
T = TypeVar("T")


class Fingerprints(Form, frozen=True, kw_only=True):
    """`ImageSet.fingerprint` of each part of the data."""

    train: str
    test: str


class Counts(Form, frozen=True, kw_only=True):
    """Images of each class, by its name, in each part of the data."""

    train: dict[str, Whole]
    test: dict[str, Whole]

    def __post_init__(self) -> None:
        for part in PARTS:
            if missing := [name for name in CLASSES if name not in getattr(self, part)]:
                raise ValueError(f"{part}.{missing[0]} is missing")


class Data(Form, frozen=True, kw_only=True, omit_defaults=True):
    """What was trained and tested on. kind and path: as in `Cifar10`.

    official: official CIFAR-10 in its own order, on which runs of the same seeds have the same bits.
    reordered: the official images and labels in another order; left out of the file where they are not.
    """

    kind: str
    official: bool
    path: str | None
    fingerprints: Fingerprints
    counts: Counts
    reordered: bool = False

    def __post_init__(self) -> None:
        theirs = plain(self.fingerprints) == official.FINGERPRINTS
        if self.official and not theirs:
            raise ValueError("official is true, but the fingerprints are not those of official CIFAR-10")
        if self.reordered and theirs:
            raise ValueError("reordered is true, but the fingerprints are those of the official order")

    def images(self, part: Literal["train", "test"]) -> int:
        """How many there are in a part."""
        counts: dict[str, int] = getattr(self.counts, part)
        return sum(counts.values())


class Best(Form, frozen=True, kw_only=True):
    """The epoch whose weights are kept; valid_loss: None where the recipe has no validation."""

    epoch: Whole
    valid_loss: float | None


class Stopped(Form, frozen=True, kw_only=True):
    """Where a run met a NaN or infinite loss. phase: "training" or "evaluation"; step: of that phase, from 1."""

    epoch: Whole
    phase: str
    step: Whole
    loss: str


class ClassCount(Form, frozen=True, kw_only=True):
    """How many test images of a class there are, and how many the network gets right."""

    name: str
    correct: Whole
    total: Whole


class Tested(Form, frozen=True, kw_only=True):
    """What came of the test. confusion: (10, 10) images, rows the true class, columns the predicted one."""

    loss: float
    correct: Whole
    total: Whole
    per_class: list[ClassCount]
    confusion: list[list[Whole]]

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Tested":
        return convert(evaluation.as_record(), cls, "test")

    @property
    def accuracy(self) -> float:
        """The share of images that are right, 0 to 1."""
        return self.correct / self.total


class Record(Form, frozen=True, kw_only=True):
    """status: "complete" once the test is in it; `stopped` says where a diverged run met a NaN or infinite loss.

    started, ended: in UTC, of the whole run, resumed or not; ended: None while it is unfinished. code: what began the
    run, then other code that went on with it. Earlier versions recorded no such entries: None, or no code.
    best: None before the first epoch ends. In the file the recipe has an entry more, `overridden`: the names of its
    fields that differ from the registered recipe of that name.
    """

    schema: Whole = SCHEMA
    status: Literal["unfinished", "diverged", "complete"] = "unfinished"
    started: Time | None = None
    ended: Time | None = None
    recipe: Recipe
    seeds: Seeds
    data: Data
    environment: Environment
    code: list[Code | None] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    best: Best | None = None
    stopped: Stopped | None = None
    test: Tested | None = None


def describe_data(data: Cifar10) -> Data:
    """What a record says of the data."""
    fingerprints = data.fingerprints()  # once: `data.official` would work them out again
    is_official = fingerprints == official.FINGERPRINTS
    return Data(
        kind=data.kind,
        official=is_official,
        path=data.path,
        fingerprints=Fingerprints(**fingerprints),
        counts=Counts(
            train=dict(zip(CLASSES, data.train.counts(), strict=True)),
            test=dict(zip(CLASSES, data.test.counts(), strict=True)),
        ),
        reordered=not is_official and data.has_the_official_images(),
    )


def check_same_data(recorded: Data, data: Cifar10, what: str) -> None:
    """Raises InputError, which begins with `what`, unless the data is, byte for byte, that of a record."""
    for name, found in data.fingerprints().items():
        was = getattr(recorded.fingerprints, name)
        if found != was:
            raise InputError(
                f"{what}: the {name} images of the run have fingerprint {was[:12]}, these have {found[:12]}: "
                "give the folder of the run's own with --data"
            )


def steps_an_epoch(recipe: Recipe, data: Data) -> int:
    """How many mini-batches an epoch of training has."""
    images = data.images("train")
    return math.ceil((images - math.floor(recipe.valid_fraction * images)) / recipe.batch_size)


def running_losses(recipe: Recipe, data: Data, epochs: Sequence[Epoch]) -> list[tuple[int, float]]:
    """(step, loss): the means of a run's `epochs`, each at its last step, counted from the start of the training."""
    steps, window = steps_an_epoch(recipe, data), recipe.loss_window
    return [
        ((epoch.epoch - 1) * steps + n * window, loss)
        for epoch in epochs
        for n, loss in enumerate(epoch.running_loss, start=1)
    ]


def caption(recipe: Recipe, seeds: Seeds, data: Data) -> str:
    """One line that says what was run on what, for every figure."""
    return " · ".join([recipe_label(recipe), seeds_label(seeds), data_label(data)])


def recipe_label(recipe: Recipe) -> str:
    """Its name and what of it was changed."""
    return ", ".join([recipe.name, *changed(recipe)])


def changed(recipe: Recipe) -> list[str]:
    """Each field that was changed, with its value: "dropout 0.3"."""
    return [f"{name} {getattr(recipe, name)}" for name in recipe.changes()]


def seeds_label(seeds: Seeds) -> str:
    """ "seed 3", or "seeds 0/1/2/3" where they differ."""
    values = list(asdict(seeds).values())
    return f"seed {values[0]}" if len(set(values)) == 1 else f"seeds {'/'.join(map(str, values))}"


def data_label(data: Data) -> str:
    """What the data is, in words that do not let it pass for more."""
    if data.kind == "synthetic":
        return "synthetic data, not CIFAR-10"
    if data.official:
        return "official CIFAR-10"
    if data.reordered:
        return "official images, in another order"
    return f"data that is not official CIFAR-10 ({data.kind})"


def plain_with_changes(content: Any) -> dict[str, Any]:
    """Plain objects of a Struct that has a `recipe`: with them stands what of it was changed."""
    entries: dict[str, Any] = plain(content)
    entries["recipe"]["overridden"] = content.recipe.changes()
    return entries


def decode_with_recipe(
    content: bytes | str, kind: type[T], name: str, version: str, upgrade: Callable[[Any], Any] = lambda raw: raw
) -> T:
    """What a file with a `recipe` holds, made by this version or an earlier one; see `formats.decode`.

    version: the entry that holds its SCHEMA. Raises InputError where it can be said what to do.
    """

    def whole(raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw  # which does not fit, and why is said where it is found
        if raw.get(version, SCHEMA) != SCHEMA:
            raise InputError(f"schema {raw[version]!r} is not {SCHEMA}: read it with the version that wrote it")
        return upgrade({**raw, "recipe": _whole_recipe(raw.get("recipe"), name), "data": _judged(raw.get("data"))})

    return decode(content, kind, name, whole)


def _judged(data: Any) -> Any:
    """The data as this version calls it: earlier ones took md5 sums for it, so no unpacked binary version had them."""
    if isinstance(data, dict) and data.get("official") is False and data.get("fingerprints") == official.FINGERPRINTS:
        return {**data, "official": True}
    return data


def _whole_recipe(given: Any, name: str) -> Any:
    """A recipe as this version writes it. Raises ValueError where `overridden` does not say what was changed."""
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        return given
    registered = get_recipe(given["name"])
    later = {f.name: getattr(registered, f.name) for f in fields(Recipe) if f.name not in FIRST_FIELDS}
    whole = {**later, **given}
    changes = convert(whole, Recipe, f"{name}.recipe").changes()
    if whole.get("overridden") != changes:
        raise ValueError(f"{name}.recipe.overridden is {whole.get('overridden')!r}, but what is changed is {changes}")
    return whole


def whole_epochs(raw: Any) -> Any:
    """What there is of a run, with the entries that earlier versions did not write."""
    epochs = raw.get("epochs") if isinstance(raw, dict) else None
    if not isinstance(epochs, list):
        return raw
    whole = [{**LATER, **epoch} if isinstance(epoch, dict) else epoch for epoch in epochs]
    return {**LATER_OF_RUN, **raw, "epochs": whole}


def write_record(folder: Path, record: Record) -> None:
    """Writes `record.json` atomically."""
    with replacing(folder / NAME) as file:
        file.write(encode(plain_with_changes(record)))


def read_record(folder: Path) -> Record:
    """The record in a run folder. Raises InputError where there is none, or none that this version can read."""
    path = folder / NAME
    content = files.read(path, files.TEXT, "give the folder of a run")
    try:
        return parse_record(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no record of a run ({error}): give a whole one") from error


def parse_record(content: bytes) -> Record:
    """The record in the bytes of its file. Raises what `decode_with_recipe` raises."""
    return decode_with_recipe(content, Record, "record", "schema", whole_epochs)

"""The file of a study: what study.json holds."""

from msgspec import field

from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.core.training import Epoch
from cifar_repro.formats import Form, Whole
from cifar_repro.runs.code import Code
from cifar_repro.runs.environment import Environment
from cifar_repro.runs.folders import Source
from cifar_repro.runs.record import SCHEMA, Best, Data, Record, Stopped, Tested


class Spread(Form, frozen=True, kw_only=True):
    """Mean, standard deviation (n - 1) and 95 % t interval of the mean of one value a run; see `summary.summary`.

    sd, low and high are None for a single run; all four where nothing was measured.
    """

    mean: float | None
    sd: float | None
    low: float | None
    high: float | None


class ClassSpread(Form, frozen=True, kw_only=True):
    """A `Spread` of the accuracy of a class of test images, a fraction; nothing where there are no such images.

    No subclass of it: the file begins with the name.
    """

    name: str
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None


class EpochSpread(Form, frozen=True, kw_only=True):
    """The losses of all runs after an epoch; valid_loss: None where the recipe has no validation."""

    epoch: Whole
    train_loss: Spread
    valid_loss: Spread | None


class TestedSpread(Form, frozen=True, kw_only=True):
    """What came of all tests; accuracies are fractions."""

    loss: Spread
    accuracy: Spread
    per_class: list[ClassSpread]


class Variance(Form, frozen=True, kw_only=True):
    """What the variance of the test accuracy over seeds is made of; see `summary.variance_parts`."""

    seeds: Whole
    images: Whole
    accuracy: float
    test_set: float
    networks: float
    test_set_share: float | None
    test_set_share_low: float | None
    test_set_share_high: float | None
    fresh_test_set: float

    @property
    def shares(self) -> tuple[float, float, float] | None:
        """`test_set_share` and its 95 % interval, where there is one."""
        share, low, high = self.test_set_share, self.test_set_share_low, self.test_set_share_high
        return None if share is None or low is None or high is None else (share, low, high)


class StudyRun(Form, frozen=True, kw_only=True, omit_defaults=True):
    """A run, with the entries of its record. folder: its name in that of the study.

    correct_bits: see `summary.pack_bits`; None of a run alone, which also has `stopped`: a study lists such runs apart.
    """

    folder: str
    seeds: Seeds
    environment: Environment
    epochs: list[Epoch]
    best: Best | None
    test: Tested | None
    correct_bits: str | None
    stopped: Stopped | None = None
    code: list[Code | None] = field(default_factory=list)

    @classmethod
    def of(cls, record: Record, folder: str, correct_bits: str | None) -> "StudyRun":
        """What a study holds of the run of this record."""
        return cls(
            folder=folder,
            seeds=record.seeds,
            environment=record.environment,
            epochs=record.epochs,
            best=record.best,
            test=record.test,
            correct_bits=correct_bits,
            stopped=record.stopped,
            code=record.code,
        )


class Diverged(Form, frozen=True, kw_only=True):
    """A run that met a NaN or infinite loss, and is left out of all statistics."""

    folder: str
    seeds: Seeds
    stopped: Stopped


class Study(Form, frozen=True, kw_only=True):
    """Runs of one recipe on the same data, and what they say together.

    vary: the one source of randomness that varies, the others staying as they are; None: all four vary. test: None of a
    run alone that was not tested; variance: None of any run alone. In the file the recipe has an entry more,
    `overridden`, as in a record.
    """

    study: Whole = SCHEMA
    recipe: Recipe
    vary: Source | None
    data: Data
    runs: list[StudyRun]
    diverged: list[Diverged]
    epochs: list[EpochSpread]
    test: TestedSpread | None
    variance: Variance | None

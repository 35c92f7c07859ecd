"""What a verdict is, and what results must be to get one. Accuracies are in percent, their differences in points."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.runs.record import Tested
from cifar_repro.studies.study_file import Study, StudyRun

# The rungs of the ladder, then what can be said of a published run.
BITWISE, CLOSE, EQUIVALENT, DIFFERENT = "bitwise", "numerically close", "statistically equivalent", "different"
CONSISTENT, NOT_CONSISTENT = "consistent with", "not consistent with"
INCONCLUSIVE = "inconclusive"
FAVOURABLE = (BITWISE, CLOSE, EQUIVALENT, CONSISTENT)
# Which of three is the odd one.
PUBLISHED, STUDY, OTHERS, NONE = "the published run", "this study", "the others", "none"


@dataclass(frozen=True)
class Check:
    """One comparison. holds: None where nothing can be said. numbers: what the sentence is made of, in its units."""

    name: str
    holds: bool | None
    sentence: str
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Population:
    """The published run and the study beside other people's runs of the recipe; see `population.population`.

    others: how many there are. published, study: whether it is like the others, a check for each kind of number. odd:
    which of the three is unlike the two that are alike, one of the words above; None: cannot be told. numbers: the main
    ones, by name: `published`, and mean, sd and number of `runs` of the `study` and of the `others` that have it.
    """

    others: int
    published: list[Check]
    study: list[Check]
    odd: str | None
    numbers: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Verdict:
    """outcome: one of the words above. checks: the comparisons behind it. notes: what a reader must know besides.

    runs_needed: with about how many runs (a side) it would be settled, where it is inconclusive and that is known.
    population: what other people's runs say, where some are known.
    """

    outcome: str
    checks: list[Check]
    notes: list[str]
    runs_needed: int | None = None
    population: Population | None = None

    @property
    def favourable(self) -> bool:
        return self.outcome in FAVOURABLE

    def as_json(self) -> dict[str, Any]:
        return {"favourable": self.favourable, **asdict(self)}


def check_results(results: Study, where: str) -> None:
    """Raises InputError unless the results are whole: every run tested, of equally many epochs, numbers all finite.

    where: what the results are of, for the line: their path, or words.
    """
    runs = results.runs
    if not runs:
        raise InputError(f"{where}: has no runs: give a study with some")
    for run in runs:
        what = where if run.folder == "." else f"{where}: run {run.folder}"
        if stopped := run.stopped:
            raise InputError(
                f"{what} diverged (its loss was {stopped.loss} in epoch {stopped.epoch}) and cannot be judged: "
                "give a run that did not"
            )
        if run.test is None or not run.test.total or not run.epochs:
            raise InputError(f"{what} has no test result and cannot be judged: go on with it, by run --resume")
        if len(run.epochs) != len(runs[0].epochs):
            raise InputError(f"{what} has {len(run.epochs)} epochs, others {len(runs[0].epochs)}: give equal ones")
        if not all(math.isfinite(loss) for loss in (run.test.loss, *curve(run).values())):
            raise InputError(f"{what} has a loss that is no finite number: leave it out of the study")
    seeds = [run.seeds for run in runs]
    if len(set(seeds)) < len(seeds):
        raise InputError(f"{where}: two runs have the same seeds, so they are one: leave one out")


def left_out(results: Study) -> list[str]:
    """A note on runs that diverged, of which nothing but that is known."""
    names = [run.folder for run in results.diverged]
    return [f"Left out, for they diverged: {', '.join(names)}"] if names else []


def tested(run: StudyRun) -> Tested:
    """The test of a run that passed `check_results`."""
    assert run.test is not None
    return run.test


def accuracy(run: StudyRun) -> float:
    """The test accuracy of such a run, in percent; one division, so that 5,800 of 10,000 are 58 and not a bit less."""
    test = tested(run)
    return 100 * test.correct / test.total


def curve(run: StudyRun) -> dict[tuple[int, str], float]:
    """The losses of a run by epoch and name; those of validation are left out where the recipe has none."""
    return {
        (epoch.epoch, name): loss
        for epoch in run.epochs
        for name, loss in (("train_loss", epoch.train_loss), ("valid_loss", epoch.valid_loss))
        if loss is not None
    }

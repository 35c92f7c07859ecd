"""How far apart two results are, as numbers: in accuracy, and image by image. Always the other one minus the first."""

from dataclasses import dataclass

import numpy as np

from cifar_repro.report.elements import Interval
from cifar_repro.report.pictures import Answers, Whole
from cifar_repro.statistics import LEVEL, compare, prediction_interval
from cifar_repro.studies.study_file import Study

BY_SEEDS = "Two studies: what their seeds leave open (Welch's t)"
BY_ONE_MORE = (
    "A run and a study: by how much the run would differ in 95 of 100 cases from what the study says, if it were one "
    "more seed of it"
)
BY_IMAGES = (
    "Two runs: what the finite number of test images leaves open, as if each had some of its own (Newcombe); what "
    "other seeds would give is not in it"
)


@dataclass(frozen=True)
class Difference:
    """Of two accuracies, in points. interval: of 95 %, None where no spread is known. of: what it allows for."""

    points: float
    interval: Interval | None
    of: str

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


def difference(first: Study, other: Study, index: int | None = None) -> Difference | None:
    """By how much the other study (a run is a study of one) is more accurate; None where one has no such images.

    index: of the class of test images to take; None: all of them.
    """
    a, b = _counts(first, index), _counts(other, index)
    if not a or not b or not all(total for _, total in [*a, *b]):
        return None
    x, y = ([100 * correct / total for correct, total in counts] for counts in (a, b))
    points = float(np.mean(y) - np.mean(x))
    if len(x) > 1 and len(y) > 1:
        found = compare(y, x, margin=1)
        return Difference(points, (found.low, found.high) if found else None, BY_SEEDS)
    many = x if len(x) > 1 else y
    if len(many) > 1:
        if np.ptp(many) == 0:
            return Difference(points, None, BY_ONE_MORE)
        (low,), (high,) = prediction_interval([[value] for value in many])
        interval = (y[0] - high, y[0] - low) if many is x else (low - x[0], high - x[0])
        return Difference(points, (float(interval[0]), float(interval[1])), BY_ONE_MORE)
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(*b[0], *a[0], method="newcomb", compare="diff", alpha=LEVEL)
    return Difference(points, (100 * float(low), 100 * float(high)), BY_IMAGES)


def _counts(study: Study, index: int | None) -> list[tuple[int, int]]:
    """By run, how many of the test images, or of those of a class, are right, and how many there are."""
    tests = [run.test for run in study.runs if run.test]
    groups = tests if index is None else [test.per_class[index] for test in tests]
    return [(group.correct, group.total) for group in groups]


@dataclass(frozen=True)
class Changed:
    """Test images that one of two results gets right in most of its runs, and the other does not.

    lost and gained: indices of those that are right in the first alone, and in the other alone, the largest change of
    the share of runs first, then in the order of the test set. right and wrong: how many both get right, and wrong.
    otherwise: of these, to how many two runs give different answers; None of a study, whose answers are not known.
    """

    lost: Whole
    gained: Whole
    right: int
    wrong: int
    otherwise: int | None


def changed(first: Answers, other: Answers) -> Changed:
    """Which answers to the same test images change from one result to another."""
    shares = first.correct.mean(axis=0), other.correct.mean(axis=0)  # (images,) each
    a, b = (share > 0.5 for share in shares)
    by_change = np.argsort(-np.abs(shares[1] - shares[0]), kind="stable")
    otherwise = None
    if first.predicted is not None and other.predicted is not None:
        otherwise = int((~a & ~b & (first.predicted != other.predicted)).sum())
    return Changed(
        lost=by_change[(a & ~b)[by_change]],
        gained=by_change[(~a & b)[by_change]],
        right=int((a & b).sum()),
        wrong=int((~a & ~b).sum()),
        otherwise=otherwise,
    )

"""What the runs of a study say together: means with their intervals, and what the spread between seeds is made of."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec.structs import asdict

from cifar_repro.core.recipe import Recipe
from cifar_repro.runs.folders import Source
from cifar_repro.runs.record import Data
from cifar_repro.studies.study_file import (
    ClassSpread,
    Diverged,
    EpochSpread,
    Spread,
    Study,
    StudyRun,
    TestedSpread,
    Variance,
)

CONFIDENCE = 0.95
FEWEST_FOR_INTERVAL = 5  # runs; of fewer, people are shown the range: a t interval of two is 13 times as wide as its sd


def summary(values: Sequence[float | None], proportion: bool = False) -> Spread:
    """The spread of one value a run, with a t interval; nothing where a value is None (it was not measured).

    proportion: the values are fractions, and the interval is cut off at 0 and 1. No mean of fractions lies beyond, so
    it holds the true one as often as before.
    """
    if not values or any(value is None for value in values):
        return Spread(mean=None, sd=None, low=None, high=None)
    from scipy.stats import t

    x = np.array(values, dtype=np.float64)
    mean = float(x.mean())
    if len(x) == 1:
        return Spread(mean=mean, sd=None, low=None, high=None)
    sd = float(x.std(ddof=1))
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(x) - 1)) * sd / len(x) ** 0.5
    low, high = mean - half, mean + half
    if proportion:
        low, high = max(0.0, low), min(1.0, high)
    return Spread(mean=mean, sd=sd, low=low, high=high)


def between(spread: Spread | ClassSpread, values: Sequence[float]) -> tuple[float | None, float | None]:
    """What people are shown beside a mean: its interval or, of fewer than five values, the lowest and the highest."""
    few = 1 < len(values) < FEWEST_FOR_INTERVAL
    return (min(values), max(values)) if few else (spread.low, spread.high)


def sd_interval(sd: float, n: int) -> tuple[float, float]:
    """95 % interval of the standard deviation behind `sd`, of n values from a normal distribution (chi-squared)."""
    from scipy.stats import chi2

    low, high = chi2.ppf([(1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2], n - 1)
    return sd * ((n - 1) / float(low)) ** 0.5, sd * ((n - 1) / float(high)) ** 0.5


def pack_bits(correct: npt.NDArray[np.bool_]) -> str:
    """Which images (N,) are classified correctly, as hex of `numpy.packbits`: ceil(N / 8) bytes."""
    return np.packbits(correct).tobytes().hex()


def unpack_bits(bits: str, total: int) -> npt.NDArray[np.bool_]:
    """What `pack_bits` packed: (total,) bool."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(bits), dtype=np.uint8), count=total).astype(np.bool_)


def variance_parts(correct: npt.NDArray[np.bool_]) -> Variance:
    """What the variance of the test accuracy over seeds is made of. correct: (n seeds, N test images) bool, n >= 2.

    The model is the two-way random-effects layout with one observation a cell, X_ij = mu + a_i + b_j + c_ij: seeds
    i and test images j are draws, a_i is by how much network i is truly better (on all images there could be), b_j how
    easy image j is for all networks, c_ij the rest: which images network i happens to get right. The accuracies
    A_i = mean_j X_ij share mean_j b_j, so that over seeds, on one test set,

        Var(A_i) = var(a) + var(c) / N.

    The first part is a true difference between the trained networks, the second is there because the test set is
    finite: another one would rank the same networks otherwise. With MS_seeds = N * s^2(A_i) and MS_rest the mean square
    of the interaction, E[MS_seeds] = N * var(a) + var(c) and E[MS_rest] = var(c), whatever the distributions
    (S. R. Searle, G. Casella and C. E. McCulloch, Variance Components, 1992; as persons by items in R. L. Brennan,
    Generalizability Theory, 2001). That most of the variance is of the second kind is a finding of K. Jordan,
    Calibrated Chaos: Variance Between Runs of Neural Network Training is Harmless and Inevitable, arXiv:2304.01910.

    Accuracies are fractions, variances their squares.
    accuracy: s^2(A_i), observed. test_set: MS_rest / N. networks: accuracy - test_set, or 0 where that is negative.
    test_set_share: test_set / accuracy = MS_rest / MS_seeds, at most 1, with its 95 % interval (low, high) from the
    F distribution of MS_seeds / MS_rest, which takes the A_i to be about normal. None where all A_i are equal.
    fresh_test_set: the variance of the accuracy where each network is tested on N new images of its own, which adds
    the spread of their difficulty: networks + (var(b) + var(c)) / N.
    """
    from scipy.stats import f

    seeds, images = correct.shape
    x = correct.astype(np.float64)
    of_seed, of_image, mean = x.mean(axis=1), x.mean(axis=0), x.mean()
    accuracy = float(of_seed.var(ddof=1))
    rest = x - of_seed[:, None] - of_image[None, :] + mean
    freedom = (seeds - 1) * (images - 1)
    ms_rest = float((rest**2).sum()) / freedom if freedom else 0.0
    test_set = ms_rest / images
    networks = max(0.0, accuracy - test_set)
    # s^2 over images of the mean over seeds holds var(b) + var(c) / n.
    of_images = max(0.0, float(of_image.var(ddof=1)) - ms_rest / seeds) if images > 1 else 0.0
    share = low = high = None
    if accuracy > 0 and freedom:
        ratio = test_set / accuracy
        quantiles = f.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], seeds - 1, freedom)
        share, low, high = (min(1.0, ratio * q) for q in (1.0, *map(float, quantiles)))
    return Variance(
        seeds=seeds,
        images=images,
        accuracy=accuracy,
        test_set=test_set,
        networks=networks,
        test_set_share=share,
        test_set_share_low=low,
        test_set_share_high=high,
        fresh_test_set=networks + (of_images + ms_rest) / images,
    )


def sum_up(recipe: Recipe, vary: Source | None, data: Data, runs: list[StudyRun], diverged: list[Diverged]) -> Study:
    """The study of these runs, all of the same number of epochs.

    A run alone may be untested: `test` is None then. Only several need their `correct_bits`.
    """
    return Study(
        recipe=recipe,
        vary=vary,
        data=data,
        runs=runs,
        diverged=diverged,
        epochs=_epochs(runs),
        test=_tested(runs),
        variance=variance_parts(_correct(runs)) if len(runs) > 1 else None,
    )


def _epochs(runs: Sequence[StudyRun]) -> list[EpochSpread]:
    return [
        EpochSpread(
            epoch=at[0].epoch,
            train_loss=summary([epoch.train_loss for epoch in at]),
            # A recipe without validation images has no such loss.
            valid_loss=None if at[0].valid_loss is None else summary([epoch.valid_loss for epoch in at]),
        )
        for at in zip(*(run.epochs for run in runs), strict=True)
    ]


def _tested(runs: Sequence[StudyRun]) -> TestedSpread | None:
    tests = [run.test for run in runs if run.test is not None]
    if len(tests) < len(runs):
        return None
    per_class = [
        ClassSpread(
            name=of[0].name, **asdict(summary([c.correct / c.total if c.total else None for c in of], proportion=True))
        )
        for of in zip(*(test.per_class for test in tests), strict=True)
    ]
    return TestedSpread(
        loss=summary([test.loss for test in tests]),
        accuracy=summary([test.accuracy for test in tests], proportion=True),
        per_class=per_class,
    )


def _correct(runs: Sequence[StudyRun]) -> npt.NDArray[np.bool_]:
    """(runs, images): which images each run gets right."""
    return np.stack([unpack_bits(run.correct_bits, run.test.total) for run in runs if run.test and run.correct_bits])

"""The statistics of verdicts, on plain arrays: two groups of runs compared, and one new run predicted.

docs/comparing.md has the formulas, their sources, and how often these methods err.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.05  # how often each kind of verdict may be false
POWER = 0.8  # how often a difference that is to be found shall be found
MOST_RUNS = 1_000  # nobody runs more a side


def relative_difference(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """|x - y| / max(|x|, |y|) of two numbers, or the largest of two arrays' pairs; equal values differ by 0."""
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    apart = a != b
    return float((np.abs(a - b)[apart] / np.maximum(np.abs(a), np.abs(b))[apart]).max(initial=0.0))


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of the proportion `correct / total`, as fractions; `total` must be positive.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927),
    209-212; method 3 in R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872. Unlike `p ± 1.96 s` it
    stays within 0 and 1, and keeps a width at 0 % and 100 %.
    """
    from scipy.stats import binomtest

    interval = binomtest(correct, total).proportion_ci(1 - LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Comparison:
    """The means of two groups, a - b, by Welch's test; in the units of the values.

    low, high: the two-sided 95 % interval of the difference. narrow_low, narrow_high: the 90 % interval, which lies
    within the margin exactly where the two one-sided tests (TOST) at 5 % show equivalence. p_equivalent: their p-value.
    """

    difference: float
    low: float
    high: float
    narrow_low: float
    narrow_high: float
    p_equivalent: float

    @property
    def equivalent(self) -> bool:
        return self.p_equivalent < LEVEL

    @property
    def different(self) -> bool:
        return not self.low <= 0 <= self.high


def compare(a: Sequence[float], b: Sequence[float], margin: float) -> Comparison | None:
    """Welch's test and TOST of two groups of at least two values each; None where neither group has a spread."""
    from statsmodels.stats.weightstats import CompareMeans

    if np.ptp(a) == 0 and np.ptp(b) == 0:
        return None
    groups = CompareMeans.from_data(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    low, high = map(float, groups.tconfint_diff(LEVEL, usevar="unequal"))
    narrow_low, narrow_high = map(float, groups.tconfint_diff(2 * LEVEL, usevar="unequal"))
    p = float(groups.ttost_ind(-margin, margin, usevar="unequal")[0])
    return Comparison(float(np.mean(a) - np.mean(b)), low, high, narrow_low, narrow_high, p)


def welch_p(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """(m,) two-sided p-values of Welch's test that two groups of at least two rows, (n, m), have one mean.

    A single one for groups of numbers, (n,). NaN where neither has a spread. B. L. Welch, "The generalization of
    'Student's' problem when several different population variances are involved", Biometrika 34 (1947), 28-35.
    """
    from statsmodels.stats.weightstats import CompareMeans

    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = CompareMeans.from_data(a, b).ttest_ind(usevar="unequal")[1]
    return np.where((np.ptp(a, axis=0) == 0) & (np.ptp(b, axis=0) == 0), math.nan, p)


def runs_to_settle(difference: float, sd: float, margin: float) -> int | None:
    """The smallest number of runs a side at which equivalence, or else a difference, is shown with 80 % power.

    For groups of the standard deviation `sd` whose means truly differ by `difference`. None above 1,000.
    """
    from scipy.stats import nct, t

    n = np.arange(2, MOST_RUNS + 1)
    df, error = 2 * n - 2, sd * np.sqrt(2 / n)
    apart = nct.sf(t.ppf(1 - LEVEL / 2, df), df, abs(difference) / error)
    # Both one-sided tests must reject; this lower bound on the power counts the failures of each.
    critical = t.ppf(1 - LEVEL, df)
    fails = [nct.cdf(critical, df, (margin + sign * difference) / error) for sign in (1, -1)]
    settled = np.fmax(np.nan_to_num(apart), 1 - np.nan_to_num(sum(fails), nan=1.0)) >= POWER
    return int(n[settled.argmax()]) if settled.any() else None


def prediction_interval(values: Any, level: float = LEVEL) -> tuple[Floats, Floats]:
    """(low, high), each (m,): a new row of `values` (n, m) lies within, each entry by itself, with 1 - level.

    mean -+ `prediction_factor` * sd * sqrt(1 + 1/n), for n >= 2 independent rows.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    half = prediction_factor(n, level) * values.std(axis=0, ddof=1) * math.sqrt(1 + 1 / n)
    return values.mean(axis=0) - half, values.mean(axis=0) + half


def prediction_p(values: Any, low: Any, high: Any) -> Floats:
    """(m,) two-sided p-values: how rarely a new row of `values` (n, m) lies as far from the mean as [low, high] (m,).

    An interval is as far as its nearest end; one that holds the mean has p = 1. NaN where the values have no spread.
    p is below a level exactly where the interval lies outside of `prediction_interval` of that level.
    """
    from scipy.special import stdtr  # Student's t, as scipy.stats has it, but at once

    values = np.asarray(values, dtype=float)
    n, mean, sd = len(values), values.mean(axis=0), values.std(axis=0, ddof=1)
    sd = np.where(np.ptp(values, axis=0) == 0, np.nan, sd)  # not a rounding error of the mean
    distance = np.maximum(0, np.maximum(np.asarray(low) - mean, mean - np.asarray(high)))
    ratio = distance / (sd * math.sqrt(1 + 1 / n))
    ratios, heavy = _heavy_tails(n)
    log_ratio = np.log(np.maximum(ratio, ratios[0]))
    p: Floats = np.fmax(2 * stdtr(n - 1, -ratio), np.exp(np.interp(log_ratio, np.log(ratios), np.log(heavy))))
    return np.where(np.isnan(ratio), np.nan, np.where(distance == 0, 1.0, p))


def prediction_factor(n: int, level: float) -> float:
    """By how many sd * sqrt(1 + 1/n) a new value differs from the mean of n, with probability `level`.

    The larger of the factors for normal values, t(1 - level/2, n - 1), and for those of `_heavy_tails`.
    """
    from scipy.stats import t

    ratios, heavy = _heavy_tails(n)
    factor = math.exp(np.interp(math.log(level), np.log(heavy[::-1]), np.log(ratios[::-1])))
    return max(float(t.ppf(1 - level / 2, n - 1)), factor)


@lru_cache
def _heavy_tails(n: int) -> tuple[Floats, Floats]:
    """(ratios, p): how often |new value - mean| / (sd * sqrt(1 + 1/n)) exceeds a ratio for Student's t with 5 degrees.

    The t interval is not robust far out in the tails, where a correction for many numbers needs it. Averaged, over
    10,000 samples of n drawn with a fixed seed, is the exact probability given the sample.
    """
    from scipy.special import stdtr

    n = min(n, 200)  # more change nothing
    samples = np.random.default_rng(0).standard_t(5, size=(10_000, n))
    mean, sd = samples.mean(axis=1), samples.std(axis=1, ddof=1) * math.sqrt(1 + 1 / n)
    ratios = np.geomspace(0.5, 1e5, 60)
    p = np.array([(stdtr(5, mean - ratio * sd) + stdtr(5, -mean - ratio * sd)).mean() for ratio in ratios])
    return ratios, p


@lru_cache
def detectable(n: int, level: float) -> float:
    """How far from the mean a new, normal run must lie to be found with 80 % power, in standard deviations of n."""
    from scipy.optimize import brentq
    from scipy.stats import nct

    critical = prediction_factor(n, level)
    shift = brentq(lambda shift: float(nct.sf(critical, n - 1, shift)) - POWER, 0, 10 * critical)
    return float(shift) * math.sqrt(1 + 1 / n)


def bonferroni(p: Floats) -> float:
    """One p-value for the claim that all hold: the smallest times their number. NaNs are left out; NaN if all are."""
    p = p[~np.isnan(p)]
    return min(1.0, len(p) * float(p.min())) if len(p) else math.nan


def holm(p: npt.ArrayLike) -> list[float]:
    """p-values adjusted such that any of them is below 5 % with at most 5 % where all claims hold (Holm 1979).

    Not by statsmodels' multipletests, which runs Python's garbage collector each time: 50 ms, most of a verdict.
    """
    p = np.asarray(p, dtype=float)
    rising = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[rising] = np.minimum(1, np.maximum.accumulate(np.arange(len(p), 0, -1) * p[rising]))
    return [float(value) for value in adjusted]

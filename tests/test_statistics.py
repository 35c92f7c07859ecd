"""The statistics of verdicts, against textbooks' examples and other software."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

from cifar_repro import statistics


def test_welch_interval_of_a_textbook_example() -> None:
    """Two groups of 15: Welch's t is -2.46 with 25.0 degrees of freedom (Wikipedia, Welch's t-test, example 1)."""
    a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
    b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4]
    found = statistics.compare(a, b, margin=1)
    assert found is not None
    half = (found.high - found.low) / 2
    assert found.difference == pytest.approx((found.low + found.high) / 2)
    assert found.difference / (half / 2.0595) == pytest.approx(-2.46, abs=0.005)  # t(0.975, 25) by the table
    assert found.different
    assert not found.equivalent


@pytest.mark.parametrize("shift", np.linspace(-2, 2, 41).tolist())
def test_equivalence_is_the_narrow_interval_within_the_margin(shift: float) -> None:
    """The two one-sided tests at 5 % reject exactly where the 90 % interval lies within the margin."""
    rng = np.random.default_rng(0)
    found = statistics.compare(rng.normal(shift, 0.5, 6), rng.normal(0, 1, 9), margin=1.2)
    assert found is not None
    assert found.equivalent == (max(-found.narrow_low, found.narrow_high) < 1.2)


def test_welch_p_is_what_r_gives_for_its_sleep_data() -> None:
    """R's example for t.test, `t.test(extra ~ group, data = sleep)`, prints p-value = 0.07939."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    assert statistics.welch_p(first, second) == pytest.approx(0.07939, abs=5e-6)
    assert statistics.welch_p(second, first) == statistics.welch_p(first, second)


def test_welch_p_of_columns_is_that_of_each() -> None:
    """Also where one of them has no spread."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(6, 3))
    a[:, 1] = b[:, 1] = 1.0
    p = statistics.welch_p(a, b)
    assert np.isnan(p).tolist() == [False, True, False]
    each = [float(statistics.welch_p(a[:, i], b[:, i])) for i in range(3)]
    assert p == pytest.approx(each, nan_ok=True)


def test_welch_p_of_groups_without_spread_is_none() -> None:
    """One group without a spread is compared by that of the other; two are not."""
    assert math.isnan(statistics.welch_p([1.0, 1.0], [2.0, 2.0]))
    assert 0 < statistics.welch_p([1.0, 1.0, 1.0], [2.0, 2.5, 1.5]) < 0.2


def test_groups_without_spread_are_not_compared() -> None:
    """Where all values are equal in either group, 0 is not taken for how much such runs spread."""
    assert statistics.compare([1.0, 1.0], [2.0, 2.0, 2.0], 1) is None


def test_one_group_without_spread_is_compared_by_that_of_the_other() -> None:
    """Welch's test is then Student's, of one group against a known number, here the constant one."""
    spread, t = [2.0, 2.1, 1.9], 4.303  # t(0.975, 2) by the table
    half = t * 0.1 / math.sqrt(3)
    for a, b, sign in ((spread, [1.0] * 4, 1), ([1.0] * 4, spread, -1)):
        found = statistics.compare(a, b, 0.5)
        assert found is not None
        assert (found.low, found.high) == pytest.approx((sign - half, sign + half), abs=1e-4)
        assert (found.different, found.equivalent) == (True, False)


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_is_the_published_one(correct: int, total: int, low: float, high: float) -> None:
    """The four examples of Newcombe (1998), table I, method 3, to all four decimals given there."""
    assert tuple(round(bound, 4) for bound in statistics.wilson_interval(correct, total)) == (low, high)


def test_wilson_interval_is_a_95_percent_interval() -> None:
    """Of no hits in n the upper end is z² / (n + z²), z the 97.5 % point of the normal distribution."""
    z = NormalDist().inv_cdf(0.975)
    assert statistics.wilson_interval(0, 50)[1] == pytest.approx(z * z / (50 + z * z), rel=1e-12)


def test_wilson_interval_stays_within_0_and_1() -> None:
    """At 0 and 100 % it ends there exactly, has a width, and is its own mirror image."""
    for total in (1, 7, 1000, 10**7):
        low, high = statistics.wilson_interval(0, total)
        assert low == 0 < high < 1
        assert statistics.wilson_interval(total, total) == pytest.approx((1 - high, 1), abs=1e-12)


FAT = [[x] for x in (25.2, 21.3, 22.8, 17.0, 29.8, 21.0, 25.5, 16.0, 20.9, 19.5)]


def test_prediction_interval_of_a_textbook_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fat of ten hot dogs: the next one has 12.09 to 31.71 % (J. Devore, Probability and Statistics, ex. 7.12).

    That is for normal values; the allowance for heavy tails widens it by less than a tenth.
    """
    low, high = statistics.prediction_interval(FAT)
    assert 1 < (high[0] - low[0]) / (31.71 - 12.09) < 1.1
    monkeypatch.setattr(statistics, "_heavy_tails", lambda n: (np.array([1e-9, 1e9]), np.array([1e-9, 1e-10])))
    low, high = statistics.prediction_interval(FAT)
    assert (low[0], high[0]) == pytest.approx((12.09, 31.71), abs=0.01)


@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize("level", [0.05, 0.005, 2e-4])
def test_an_end_of_the_interval_is_where_the_p_value_is_the_level(n: int, level: float) -> None:
    """So what is drawn and what is decided agree."""
    values = np.random.default_rng(0).normal(size=(n, 1))
    for end in statistics.prediction_interval(values, level):
        assert statistics.prediction_p(values, end, end)[0] == pytest.approx(level, rel=1e-6)


@pytest.mark.parametrize("level", [0.05, 0.005])
def test_the_interval_holds_for_heavy_tails(level: float) -> None:
    """A new value from Student's t with 5 degrees of freedom lies outside as often as stated, as n of ten are known."""
    rng = np.random.default_rng(1)
    runs, new = rng.standard_t(5, size=(10, 40_000)), rng.standard_t(5, size=40_000)
    low, high = statistics.prediction_interval(runs, level)
    outside = np.mean((new < low) | (new > high))
    assert outside == pytest.approx(level, abs=4 * math.sqrt(level / 40_000))


def test_of_very_many_runs_the_factor_is_the_quantile_of_the_heavy_tails() -> None:
    """Mean and deviation are all but known: t(0.9995, 5), by the tables 6.869, over its deviation sqrt(5/3)."""
    assert statistics.prediction_factor(1_000, 1e-3) == pytest.approx(6.869 / math.sqrt(5 / 3), rel=0.03)


def test_published_bounds_are_as_far_as_their_nearest_end() -> None:
    """A number known to lie in an interval is given the benefit of the doubt; one with the mean in it is p = 1."""
    values = [[1.0], [2.0], [3.0]]
    assert statistics.prediction_p(values, [1.5], [2.5])[0] == 1
    for bounds, nearest in (((3.5, 9.0), 3.5), ((-9.0, 0.5), 0.5)):
        p = statistics.prediction_p(values, [bounds[0]], [bounds[1]])
        assert p == statistics.prediction_p(values, [nearest], [nearest])


def test_numbers_without_spread_are_not_judged() -> None:
    """Their p-value is NaN, though the mean of equal numbers is rounded; Bonferroni's correction leaves it out."""
    values = [[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]]
    p = statistics.prediction_p(values, [0.2, 2.0], [0.2, 2.0])
    assert np.isnan(p).tolist() == [True, False]
    assert statistics.bonferroni(p) == 1
    assert math.isnan(statistics.bonferroni(p[:1]))
    assert statistics.bonferroni(np.array([0.01, 0.2, 0.5])) == pytest.approx(0.03)


def test_holm_of_an_example() -> None:
    """Of 0.01, 0.04, 0.03, 0.005 the first and the last are rejected (Wikipedia, Holm-Bonferroni method)."""
    p = [0.01, 0.04, 0.03, 0.005]
    assert statistics.holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []


@pytest.mark.parametrize("n", [1, 2, 7])
def test_holm_is_that_of_statsmodels(n: int) -> None:
    """For random p-values, ties and ones that reach 1 among them."""
    p = np.random.default_rng(n).choice([0.001, 0.01, 0.02, 0.4, 0.9], n)
    assert statistics.holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_runs_that_show_a_difference() -> None:
    """64 a side show half a standard deviation with 80 % (J. Cohen, Statistical Power Analysis, table 2.4.1)."""
    assert statistics.runs_to_settle(0.5, 1.0, margin=0.001) == 64
    assert statistics.runs_to_settle(-0.5, 1.0, margin=0.001) == 64


@pytest.mark.parametrize("deviations", [0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0])
def test_runs_that_show_a_large_difference_are_those_of_statsmodels(deviations: float) -> None:
    """Where few do, t is far from normal."""
    exact = TTestIndPower().solve_power(effect_size=deviations, alpha=0.05, power=0.8)
    assert statistics.runs_to_settle(2 * deviations, 2.0, margin=0.001) == math.ceil(exact)


def test_relative_differences_are_computed_in_float64() -> None:
    """Of neighbouring float32 numbers, too, whose difference over the larger is no float32."""
    a, b = np.array([1], np.float32), np.nextafter(np.array([1], np.float32), np.float32(2))
    for x, y in ((a, b), (b, a)):
        assert statistics.relative_difference(x, y) == 2**-23 / (1 + 2**-23)


def test_runs_that_show_equivalence() -> None:
    """For margin = sd and no difference, 2 (z(0.95) + z(0.9))^2 = 17.1 (Chow, Shao, Wang, Sample Size Calculations),

    and one more for t in the place of z. Where nobody could run as many, there is no number.
    """
    assert statistics.runs_to_settle(0.0, 1.0, margin=1.0) == 18
    assert statistics.runs_to_settle(0.0, 1.0, margin=0.01) is None


def test_a_detectable_difference_is_found_with_the_power_stated() -> None:
    """Of new runs so far from the mean, 80 % are outside of the prediction interval."""
    rng = np.random.default_rng(0)
    runs, new = rng.normal(size=(10, 20_000)), rng.normal(size=20_000) + statistics.detectable(10, 0.05)
    low, high = statistics.prediction_interval(runs)
    assert np.mean((new < low) | (new > high)) == pytest.approx(0.8, abs=0.015)

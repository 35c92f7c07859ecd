"""The statistics of a study, against numbers worked out by hand and against simulations whose truth is known."""

from typing import Any

import numpy as np
import pytest

from cifar_repro.studies.study_file import Spread
from cifar_repro.studies.summary import pack_bits, sd_interval, sum_up, summary, unpack_bits, variance_parts
from tests.make_studies import as_study, make_study, summed_up


def test_a_summary_is_that_of_the_textbook() -> None:
    """Of 1, 2, 3, 4: the mean 2.5, the n-1 deviation sqrt(5/3), and 2.5 -+ t(0.975, 3) * sd / 2 with t = 3.182446."""
    s = summary([1, 2, 3, 4])
    assert s.mean == 2.5
    assert s.sd == pytest.approx((5 / 3) ** 0.5)
    half = 3.182446305 * (5 / 3) ** 0.5 / 2
    assert (s.low, s.high) == (pytest.approx(2.5 - half), pytest.approx(2.5 + half))


def test_one_run_has_no_spread_and_no_value_has_no_mean() -> None:
    """Of one value only the mean is known; where a value is missing, nothing is."""
    assert summary([0.5]) == Spread(mean=0.5, sd=None, low=None, high=None)
    assert summary([0.0, 0.5]).mean == 0.25, "0 is a value"
    assert summary([0.5, None]) == summary([]) == Spread(mean=None, sd=None, low=None, high=None)


def test_the_interval_of_a_mean_of_fractions_stays_within_0_and_1() -> None:
    """Accuracies of 0.1 and 0.9: their t interval reaches from -4.6 to 5.6, of which 0 to 1 is possible."""
    assert summary([0.1, 0.9]).low == pytest.approx(0.5 - 12.7062 * 0.4, abs=1e-4)
    s = summary([0.1, 0.9], proportion=True)
    assert (s.mean, s.low, s.high) == (0.5, 0.0, 1.0)
    inside = [0.74, 0.75, 0.76]
    assert summary(inside, proportion=True) == summary(inside)
    made = summed_up(make_study([10.0, 90.0]))
    assert made.test is not None
    for spread in (made.test.accuracy, *made.test.per_class):
        assert (spread.low, spread.high) == (0.0, 1.0)


def test_the_interval_of_a_deviation_is_that_of_the_tables() -> None:
    """Of 10 values with deviation 1: from sqrt(9 / 19.023) to sqrt(9 / 2.700), the chi-squared quantiles at 9."""
    assert sd_interval(1.0, 10) == pytest.approx(((9 / 19.02277) ** 0.5, (9 / 2.70039) ** 0.5), rel=1e-5)


def test_correctness_takes_a_bit_an_image() -> None:
    """10,000 images take 1,250 bytes, first image first in the highest bit; the bits come back for any number."""
    correct = np.random.default_rng(0).random(10_000) < 0.7
    assert len(bytes.fromhex(pack_bits(correct))) == 1_250
    assert pack_bits(np.array([True, False, False, True])) == "90"
    for n in (1, 7, 8, 9, 10_000):
        assert np.array_equal(unpack_bits(pack_bits(correct[:n]), n), correct[:n])


def test_variance_parts_of_a_hand_worked_table() -> None:
    """Two networks, three images: 1 1 0 and 1 0 0, where every sum of squares can be worked out on paper."""
    # Accuracies 2/3 and 1/3, s^2 = 1/18. Means of the images 1, 1/2, 0. The rest is -+1/6 twice a row and -+1/3 once:
    # its sum of squares is 2 * (1/36 + 1/9 + 1/36) = 1/3, with (2 - 1) * (3 - 1) = 2 degrees of freedom, so 1/6.
    parts = variance_parts(np.array([[1, 1, 0], [1, 0, 0]], dtype=bool))
    assert parts.accuracy == pytest.approx(1 / 18)
    assert parts.test_set == pytest.approx(1 / 6 / 3)
    assert parts.networks == pytest.approx(0)
    assert parts.test_set_share == pytest.approx(1)
    # s^2 of the images' means is 1/4 = var(b) + 1/6 / 2, so var(b) = 1/6.
    assert parts.fresh_test_set == pytest.approx((1 / 6 + 1 / 6) / 3)


def test_variance_parts_of_two_images_and_of_one() -> None:
    """Three networks on two images, by hand: 1 0, 1 0, 1 1; on one image nothing is known of images."""
    # Accuracies 1/2, 1/2, 1: s^2 = 1/12. Means of the images 1, 1/3: s^2 = 2/9. The rest has a sum of squares of 1/3
    # with 2 degrees of freedom: 1/6, so var(b) = 2/9 - 1/6 / 3 = 1/6.
    parts = variance_parts(np.array([[1, 0], [1, 0], [1, 1]], dtype=bool))
    assert (parts.accuracy, parts.test_set, parts.networks) == pytest.approx((1 / 12, 1 / 12, 0), abs=1e-12)
    assert parts.fresh_test_set == pytest.approx((1 / 6 + 1 / 6) / 2)
    parts = variance_parts(np.array([[1], [0]], dtype=bool))
    assert (parts.accuracy, parts.test_set_share, parts.fresh_test_set) == (0.5, None, 0.5)


def simulated(rng: np.random.Generator, seeds: int, images: int, sd: float) -> np.ndarray:
    """Correctness of networks that truly differ by `sd`, on images of which half are easy (0.9) and half hard (0.2)."""
    difficulty = rng.choice([0.2, 0.9], size=images)
    better = sd * rng.standard_normal(seeds)
    return rng.random((seeds, images)) < difficulty[None, :] + better[:, None]


def assert_averages_to(values: list[Any], true: float) -> None:
    """Within four standard errors of the mean."""
    x = np.array(values, dtype=float)
    assert abs(x.mean() - true) < 4 * x.std() / len(x) ** 0.5


@pytest.mark.parametrize("sd", [0.0, 0.01, 0.03])
def test_the_parts_of_the_variance_are_the_true_ones(sd: float) -> None:
    """Over 400 simulated studies the parts average to the truth, and the share's interval holds the true share in 95 %.

    By construction var(a) = sd^2 and var(c) = mean of p(1 - p) = 0.125 - sd^2. A share of 1 cannot be above the
    interval, so that 97.5 % hold it.
    """
    seeds, images, rng = 10, 300, np.random.default_rng(7)
    studies = [variance_parts(simulated(rng, seeds, images, sd)) for _ in range(400)]
    test_set = (0.125 - sd**2) / images
    accuracy = sd**2 + test_set
    assert_averages_to([study.accuracy for study in studies], accuracy)
    assert_averages_to([study.test_set for study in studies], test_set)
    held = [study.test_set_share_low <= test_set / accuracy <= study.test_set_share_high for study in studies]
    expected = 0.95 if sd else 0.975
    assert abs(np.mean(held) - expected) < 4 * (expected * (1 - expected) / len(held)) ** 0.5


def test_the_true_difference_and_a_fresh_test_set_are_the_true_ones() -> None:
    """With enough networks for no estimate to be cut at 0, both average to the truth; var(b) = 0.35^2."""
    sd, images, rng = 0.04, 300, np.random.default_rng(8)
    studies = [variance_parts(simulated(rng, 50, images, sd)) for _ in range(100)]
    assert_averages_to([study.networks for study in studies], sd**2)
    assert_averages_to([study.fresh_test_set for study in studies], sd**2 + (0.35**2 + 0.125 - sd**2) / images)


def test_networks_that_agree_on_every_image_have_no_share() -> None:
    """Where the accuracy does not vary there is nothing to explain, and no division by zero."""
    parts = variance_parts(np.tile([True, False, True], (4, 1)))
    assert (parts.accuracy, parts.test_set, parts.networks) == (0, 0, 0)
    assert parts.test_set_share is None


def test_networks_never_differ_by_less_than_nothing() -> None:
    """Two networks that are right on one image each, another one: all the variance that there could be is of images."""
    parts = variance_parts(np.array([[1, 0], [0, 1]], dtype=bool))
    assert (parts.accuracy, parts.test_set, parts.networks) == (0, 0.5, 0)


def test_a_study_is_summarised_epoch_by_epoch_and_class_by_class() -> None:
    """Each epoch's losses, the test loss, the overall and the class accuracies; None for what there is not."""
    content = make_study([50.0, 50.0])
    for k, run in enumerate(content["runs"]):
        for epoch in run["epochs"]:
            epoch |= {"train_loss": 2.0 / epoch["epoch"] + k, "valid_loss": None}
        cat = {"name": "cat", "correct": 1, "total": 3 + k}
        dog = {"name": "dog", "correct": 0, "total": 0}
        run["test"] |= {"loss": 1.0 + k, "correct": 1 + k, "total": 4, "per_class": [cat, dog]}
        run["correct_bits"] = "80" if k == 0 else "c0"
    study = as_study(content)
    made = sum_up(study.recipe, "init", study.data, study.runs, study.diverged)
    assert (made.vary, made.runs) == ("init", study.runs)
    assert [(epoch.epoch, epoch.train_loss.mean, epoch.valid_loss) for epoch in made.epochs] == [
        (1, 2.5, None),
        (2, 1.5, None),
    ]
    assert made.test is not None
    assert made.test.loss.mean == 1.5
    assert made.test.accuracy.mean == 0.375
    assert [(c.name, c.mean) for c in made.test.per_class] == [
        ("cat", pytest.approx((1 / 3 + 1 / 4) / 2)),
        ("dog", None),
    ]
    assert made.variance is not None
    assert made.test.accuracy.sd is not None
    assert made.variance.accuracy == pytest.approx(made.test.accuracy.sd**2)
    assert sum_up(study.recipe, None, study.data, study.runs[:1], []).variance is None
    validated = summed_up(
        make_study([50.0, 50.0], curves=np.array([[[1.5, 0.0], [1.2, 1.3]], [[1.5, 1.0], [1.2, 1.5]]]))
    )
    for at, spread in enumerate(validated.epochs):
        assert spread.valid_loss is not None
        assert spread.valid_loss.mean == np.mean([run.epochs[at].valid_loss for run in validated.runs])

"""The synthetic set is the same bytes everywhere, of CIFAR-10's form, and refuses sizes that make no sense."""

import hashlib
from typing import Any

import numpy as np
import pytest

from cifar_repro.core.data import synthetic
from cifar_repro.core.synthetic import synthetic_arrays


def digest(*arrays: Any) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_the_set_is_these_bytes() -> None:
    """These arguments give these bytes, on any machine: the fingerprints of two records can be compared."""
    (train, train_labels), (test, test_labels) = synthetic_arrays(410, 30, seed=3)  # over 40 of a class: two chunks
    assert train.shape == (410, 3, 32, 32)
    assert test.shape == (30, 3, 32, 32)
    assert {train.dtype, test.dtype} == {np.dtype(np.uint8)}
    assert {train_labels.dtype, test_labels.dtype} == {np.dtype(np.int64)}
    assert digest(train, train_labels) == "56ba11ad3103d9d46879f119854403457f6fa1776e786187b1ba00371b75ea5a"
    assert digest(test, test_labels) == "ba5ff435686dbad23ef03787628efbbbb2de652314acc31498979f7136e1f873"


def test_test_images_do_not_depend_on_the_number_of_training_images() -> None:
    """Another number of training images gives the same test images; another seed gives other images in both parts."""
    (_, one), (train, other), (_, seeded) = (synthetic_arrays(n, 20, seed) for n, seed in ((1, 0), (20, 0), (20, 1)))
    assert digest(*one) == digest(*other)
    assert digest(*train) != digest(*other), "training and test images must be others"
    assert digest(*other) != digest(*seeded)


@pytest.mark.parametrize("n", [1, 9, 10, 27])
def test_classes_are_as_even_as_the_size_allows(n: int) -> None:
    """No class has two images more than another, and classes come in mixed order."""
    labels = synthetic_arrays(n, 1)[0][1]
    counts = np.bincount(labels, minlength=10)
    assert counts.sum() == n
    assert counts.max() - counts.min() <= 1
    if n > 10:
        assert labels.tolist() != sorted(labels.tolist())
        assert labels.tolist() != [i % 10 for i in range(n)]


@pytest.mark.parametrize("value", [np.int64(2), 1])
def test_numpys_whole_numbers_are_whole_numbers(value: Any) -> None:
    """Sizes and the seed may be numpy integers."""
    (images, _), (test, _) = synthetic_arrays(value, value, value)
    assert len(images) == len(test) == value


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_ends_of_the_range_of_seeds_are_seeds(seed: int) -> None:
    """The smallest and the largest seed work."""
    assert len(synthetic_arrays(1, 1, seed)[0][0]) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in ("train", "test") for value in (0, -1, 10**7 + 1, 1.0, True, "1", None)]
    + [("seed", value) for value in (-1, 2**32, 0.0, False, "0", None)],
)
def test_a_size_or_seed_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    """Sizes outside 1 to 10**7, seeds outside 0 to 2**32 - 1, and what is no whole number: an error that names it."""
    limits = "0 to 4294967295" if name == "seed" else "1 to 10000000"
    with pytest.raises(ValueError, match="cannot be used") as error:
        synthetic_arrays(**{"train": 1, "test": 1, "seed": 0, name: value})
    assert str(error.value) == f"{name}={value!r} cannot be used: pass a whole number from {limits}"


def test_the_default_set_is_10000_and_2000_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """`synthetic()` asks for 10,000 training and 2,000 test images of seed 0; all its arguments reach the drawing."""
    asked = []

    def drawn(*arguments: int) -> Any:
        asked.append(arguments)
        return synthetic_arrays(2, 1)

    monkeypatch.setattr("cifar_repro.core.data.synthetic_arrays", drawn)
    data = synthetic()
    assert (len(data.train), len(data.test)) == (2, 1)
    synthetic(3, 4, 5)
    assert asked == [(10_000, 2_000, 0), (3, 4, 5)]


def test_without_arguments_the_arrays_are_of_the_default_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`synthetic_arrays()` draws 10,000 and 2,000 images of seed 0."""
    monkeypatch.setattr("cifar_repro.core.synthetic._draw", lambda count, rng: (count, rng.random_sample()))
    assert synthetic_arrays() == synthetic_arrays(10_000, 2_000, 0)
    assert [count for count, _ in synthetic_arrays()] == [10_000, 2_000]
    assert synthetic_arrays() != synthetic_arrays(10_000, 2_000, 1)

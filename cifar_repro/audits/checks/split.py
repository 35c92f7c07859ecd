"""Checks of the split."""

import numpy as np
import torch

from cifar_repro.audits.checks.kit import check
from cifar_repro.audits.subject import Subject


@check("split_indices")
def split_is_disjoint_and_complete(subject: Subject) -> None:
    """Every image is in exactly one part of the split."""
    for n in (1, 10, 47, 1000):
        train, valid = subject.split_indices(n, 0.2, 0)
        both = sorted([*map(int, train), *map(int, valid)])
        assert both == list(range(n)), f"of {n} images, training and validation together hold {len(both)}, some twice"


@check("split_indices", of_the_lesson=True)
def split_sizes_are_the_floor(subject: Subject) -> None:
    """The validation part has floor(fraction * n) images, the training part the rest."""
    for n, fraction, expected in ((50_000, 0.2, 10_000), (47, 0.2, 9), (9, 0.25, 2), (4, 0.2, 0), (7, 0.5, 3)):
        train, valid = subject.split_indices(n, fraction, 0)
        assert len(valid) == expected, f"{fraction} of {n} images gives {len(valid)} to validate on, not {expected}"
        assert len(train) == n - expected, f"{fraction} of {n} images leaves {len(train)}, not {n - expected}"


@check("split_indices", of_the_lesson=True)
def split_equals_the_lessons_lines(subject: Subject) -> None:
    """Index for index, the split is what the lesson's numpy lines give after numpy.random.seed."""
    for seed in (0, 1, 2**32 - 1):
        indices = list(range(100))
        np.random.RandomState(seed).shuffle(indices)
        train, valid = subject.split_indices(100, 0.2, seed)
        assert list(map(int, valid)) == indices[:20], f"seed {seed}: these are not the lesson's validation images"
        assert list(map(int, train)) == indices[20:], f"seed {seed}: these are not the lesson's training images"


@check("split_indices")
def split_depends_on_its_seed_alone(subject: Subject) -> None:
    """The split neither reads nor changes global random state, and another seed gives another split."""

    def numpy_state() -> list[int]:
        words: list[int] = np.random.get_state(legacy=False)["state"]["key"].tolist()  # noqa: NPY002 - the global one
        return words

    np.random.seed(5)  # noqa: NPY002 - the global one, as the lesson's readers seed it
    torch.manual_seed(5)
    numpy_before, torch_before = numpy_state(), torch.get_rng_state()
    first = [list(map(int, part)) for part in subject.split_indices(100, 0.2, 7)]
    assert numpy_state() == numpy_before, "the split changed numpy's global random state"
    assert torch.equal(torch.get_rng_state(), torch_before), "the split changed torch's global random state"
    np.random.seed(6)  # noqa: NPY002
    torch.manual_seed(6)
    again = [list(map(int, part)) for part in subject.split_indices(100, 0.2, 7)]
    assert first == again, "the same seed gave another split: something but the seed goes into it"
    other = [list(map(int, part)) for part in subject.split_indices(100, 0.2, 8)]
    assert first != other, "seeds 7 and 8 gave the same split: the seed is not used"

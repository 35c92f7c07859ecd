"""A study, and another that is equal until a test changes it."""

import copy
from typing import Any

import numpy as np
import pytest

from tests.make_studies import make_study
from tests.verdicts.two_studies import ACCURACIES, CURVE


@pytest.fixture
def study() -> dict[str, Any]:
    """Five runs of four epochs, whose losses differ by about 1 %."""
    curves = CURVE * (1 + 0.01 * np.random.default_rng(0).normal(size=(5, 4, 2)))
    return make_study(ACCURACIES, curves=curves)


@pytest.fixture
def other(study: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(study)

"""Numbers of the studies that are compared, and what is said of them."""

from typing import Any

import numpy as np

from cifar_repro.verdicts.against import against
from cifar_repro.verdicts.verdict import Verdict
from tests.make_studies import as_study

ACCURACIES = [73.8, 74.1, 73.2, 73.5, 74.4]
CURVE = np.array([[2.1, 1.8], [1.7, 1.55], [1.5, 1.4], [1.4, 1.3]])


def judged(a: dict[str, Any], b: dict[str, Any], margin: float = 1.0) -> Verdict:
    """What `against` says of two studies, as they are now."""
    return against(as_study(a), as_study(b), margin)


def sentence(verdict: Verdict, name: str) -> str:
    return next(check.sentence for check in verdict.checks if check.name == name)

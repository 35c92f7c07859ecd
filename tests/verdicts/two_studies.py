"""Numbers of the studies that are compared, and what is said of them."""

import numpy as np

from cifar_repro.verdicts.verdict import Verdict

ACCURACIES = [73.8, 74.1, 73.2, 73.5, 74.4]
CURVE = np.array([[2.1, 1.8], [1.7, 1.55], [1.5, 1.4], [1.4, 1.3]])


def sentence(verdict: Verdict, name: str) -> str:
    return next(check.sentence for check in verdict.checks if check.name == name)

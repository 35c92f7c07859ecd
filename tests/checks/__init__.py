"""All checks that the core has to pass: those that can be made of anybody's functions, and those of the core alone.

`pytest` runs all of them on the core (test_checks.py), and shows that each of many planted faults is found by one of
them and that none minds harmless changes (test_kill_matrix.py).
"""

from cifar_repro.audits import checks
from tests.checks import numbers, passes, pixels, recipes, run

CHECKS = {**checks.CHECKS, **checks.checks_in(pixels, passes, run, recipes, numbers)}

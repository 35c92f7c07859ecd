"""The claims about a CIFAR-10 training stack, each a function that takes the code it is aimed at.

`pytest` runs all of them on the core (test_checks.py), shows that each of many planted faults is found by one of them
and that none minds harmless changes (test_kill_matrix.py), and with `--subject FILE` runs those that apply on somebody
else's code. A check says what it claims in its docstring, and fails with a message that says what is wrong.
"""

from importlib import import_module

from tests.checks.kit import CHECKS, Check

__all__ = ["CHECKS", "Check"]

# Importing a module registers its checks; reports keep this order.
for section in ("split", "pixels", "network", "training", "evaluation", "run", "recipes", "numbers"):
    import_module(f"tests.checks.{section}")

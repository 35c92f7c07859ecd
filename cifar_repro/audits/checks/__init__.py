"""The claims about a CIFAR-10 training stack that can be made of anybody's functions, each one a `Check`.

`pytest --subject FILE` makes them of somebody else's code, as far as it has what they need. The project's own suite
makes them of the core, and shows that they find planted faults and do not mind harmless changes. A check says what it
claims in its docstring, and fails with a message that says what is wrong.
"""

from cifar_repro.audits.checks import evaluation, network, pixels, shapes, split, training
from cifar_repro.audits.checks.kit import Check, checks_in

__all__ = ["CHECKS", "Check", "checks_in"]

# Reports keep this order.
CHECKS = checks_in(split, pixels, network, training, evaluation, shapes)

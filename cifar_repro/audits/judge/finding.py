"""What a rule says of a program."""

from collections.abc import Sequence
from typing import Literal

from cifar_repro.audits.events import Place
from cifar_repro.formats import Form

Outcome = Literal["right", "WRONG", "unusual", "not seen"]


class Finding(Form, frozen=True, kw_only=True):
    """says: a sentence with the numbers; at: where in the program, if there is such a place; rule: its name."""

    outcome: Outcome
    says: str
    at: Place | None = None
    rule: str = ""


def right(says: str, at: Sequence[Place] = ()) -> Finding:
    return Finding(outcome="right", says=says, at=at[0] if at else None)


def wrong(says: str, at: Sequence[Place] = ()) -> Finding:
    return Finding(outcome="WRONG", says=says, at=at[0] if at else None)


def unusual(says: str, at: Sequence[Place] = ()) -> Finding:
    """Right, but not what the lesson does; or it costs something."""
    return Finding(outcome="unusual", says=says, at=at[0] if at else None)


def not_seen(says: str) -> Finding:
    return Finding(outcome="not seen", says=says)


def count(n: int, what: str) -> str:
    """ "1 image", "2 images"."""
    plural = what + ("es" if what.endswith(("ss", "batch")) else "s")
    return f"{n:,} {what if n == 1 else plural}"

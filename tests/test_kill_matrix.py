"""The checks are sensitive (each planted fault is found by the one named for it) and specific (harmless ones pass)."""

import pytest

from tests.checks import CHECKS
from tests.faults import FAULTS, HARMLESS, Change
from tests.subject import variant


def test_there_are_enough() -> None:
    """At least 45 faults and 10 harmless changes, each with a name of its own."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 45
    assert len({change.name for change in HARMLESS}) == len(HARMLESS) >= 10


def test_every_check_is_needed() -> None:
    """Each check is named for some fault: one that no fault needs would show nothing."""
    assert set(CHECKS) - {fault.killed_by for fault in FAULTS} == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found(fault: Change) -> None:
    """The check named for the fault fails on it, with a message."""
    with variant(fault.changes) as subject, pytest.raises(AssertionError) as caught:
        CHECKS[fault.killed_by].run(subject)
    assert len(str(caught.value)) > 20, "the message must tell a reader what is wrong"


@pytest.mark.parametrize("half", [HARMLESS[::2], HARMLESS[1::2]], ids=["one half", "the other"])
def test_harmless_changes_are_not_minded(half: tuple[Change, ...]) -> None:
    """No check fails on changes that do not matter, half of them at once: all checks take seconds.

    `python -m tests.kill_matrix` makes each change alone, and says which it is that a check minds.
    """
    changes: dict[str, list[tuple[str, str]]] = {}
    for change in half:
        changes.setdefault(change.module, []).append((change.old, change.new))
    with variant({module: tuple(pairs) for module, pairs in changes.items()}) as subject:
        for check in CHECKS.values():
            check.run(subject)

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


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_harmless_change_is_not_minded(change: Change) -> None:
    """No check fails on a change that does not matter."""
    with variant(change.changes) as subject:
        for check in CHECKS.values():
            check.run(subject)

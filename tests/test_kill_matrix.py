"""The checks are sensitive (each planted fault is found by the one named for it) and specific (harmless ones pass)."""

from pathlib import Path

import pytest

from tests.checks import CHECKS
from tests.faults import FAULTS, HARMLESS, Change
from tests.subject import variant
from tests.wing_faults import FAULTS as WING_FAULTS
from tests.wing_faults import HARMLESS as HARMLESS_IN_WINGS

ROOT = Path(__file__).parents[1]


def test_there_are_enough() -> None:
    """At least 45 faults and 10 harmless changes, each with a name of its own."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 45
    assert len({change.name for change in HARMLESS}) == len(HARMLESS) >= 10


def test_the_faults_of_the_wings_can_be_planted() -> None:
    """At least 80 of six wings, and 20 harmless changes: each in a text that is there once, with a test that is there.

    `python -m tests.wing_matrix` plants them, which takes minutes.
    """
    assert len({fault.name for fault in WING_FAULTS}) == len(WING_FAULTS) >= 80
    assert {fault.wing for fault in WING_FAULTS} >= {"runs", "traces", "studies", "verdicts", "gate", "report"}
    assert len({change.name for change in HARMLESS_IN_WINGS}) == len(HARMLESS_IN_WINGS) >= 20
    for change in (*WING_FAULTS, *HARMLESS_IN_WINGS):
        change.planted((ROOT / "cifar_repro" / change.module).read_text(encoding="utf-8"))
        for test in change.tests.split():
            path, _, function = test.partition("::")
            there = ROOT / "tests" / path
            assert f"def {function}(" in there.read_text(encoding="utf-8") if function else there.exists(), test


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

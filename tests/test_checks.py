"""Every check of `tests/checks/` and of `cifar_repro/audits/checks/` holds for the core."""

import pytest

from cifar_repro.audits.subject import Subject
from tests.checks import CHECKS
from tests.subject import the_core


@pytest.fixture(scope="module")
def core() -> Subject:
    return the_core()


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str, core: Subject) -> None:
    """The check of that name holds."""
    CHECKS[name].run(core)

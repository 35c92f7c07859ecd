"""Every check of `checks.py` holds for the core."""

import pytest

from tests.checks import CHECKS
from tests.subject import Subject, the_core


@pytest.fixture(scope="module")
def core() -> Subject:
    return the_core()


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str, core: Subject) -> None:
    """The check of that name holds for the core."""
    CHECKS[name].run(core)

"""The checks as tests of pytest, on what `--subject` names; `pytest_plugin.py` has them collected."""

import pytest

from cifar_repro.audits.checks import CHECKS
from cifar_repro.audits.pytest_plugin import SUBJECT
from cifar_repro.audits.subject import Subject


@pytest.fixture(scope="module")
def subject(pytestconfig: pytest.Config) -> Subject:
    return pytestconfig.stash[SUBJECT]


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str, subject: Subject) -> None:
    """The check of that name holds, if the subject has what it needs."""
    check = CHECKS[name]
    missing = check.missing(subject)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    check.run(subject)

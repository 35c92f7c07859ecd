"""Every check of `checks.py` holds for the core; with --subject, those that apply are aimed at other code."""

import pytest

from tests.checks import CHECKS
from tests.subject import Subject


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str, subject: Subject) -> None:
    """The check of that name holds."""
    check = CHECKS[name]
    missing = [needed for needed in check.needs if not hasattr(subject, needed)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    check.run(subject)

"""A few files damaged at random: `python -m tests.fuzz` damages a thousand."""

import pytest

from tests.fuzz import CASES, fuzz


def test_a_damaged_file_of_each_kind_is_taken_or_refused_as_it_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, one line that names the file, nothing changed, and no other result of what has a digest."""
    counts = fuzz(len(CASES), seed=1)
    assert counts["right"] == len(CASES), capsys.readouterr().err

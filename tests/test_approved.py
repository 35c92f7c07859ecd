"""What commands answer is what was read and approved."""

from pathlib import Path

import pytest

from tests.approved import FOLDER, answered, cut
from tests.approved.scenes import SCENES


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_is_answered_as_approved(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Word for word, but for digits beyond the sixth of long numbers; `python -m tests.approved` writes what is new."""
    monkeypatch.chdir(tmp_path)
    approved = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert answered(SCENES[name]).splitlines() == approved.splitlines()


def test_numbers_are_cut_to_six_digits() -> None:
    """Whole numbers, versions, digests and numbers of six decimals stay."""
    text = "x 0.123456789 and 12.3456789012e-05, not 2.14.1, 1.250000, 0.05 or sha 3f012345678.5"
    assert cut(text) == "x 0.123457 and 0.000123457, not 2.14.1, 1.250000, 0.05 or sha 3f012345678.5"

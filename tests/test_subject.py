"""`pytest --subject`: three files as students hand them in, and what it says of each."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks import CHECKS
from tests.subject import FOREIGN, from_file

STUDENTS = Path(__file__).parent / "students"

# What is wrong with each file: all checks that must fail, and no other may.
WRONG = {
    "right": set(),
    "wrong_training": {
        "forward_is_the_lessons",
        "dropout_is_the_lessons",
        "dropout_is_off_in_evaluation_mode",
        "each_step_is_a_step_of_sgd_on_the_mean_loss",
        "one_batch_can_be_overfitted",
    },
    "wrong_evaluation": {
        "split_sizes_are_the_floor",
        "split_equals_the_lessons_lines",
        "split_depends_on_its_seed_alone",
        "evaluation_counts_every_image_once",
        "evaluation_loss_is_the_mean_over_images",
        "evaluation_turns_dropout_off",
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_the_checks_find_what_is_wrong_and_nothing_else(name: str) -> None:
    """Of the checks that apply to a student's file, those fail that are about its mistakes."""
    subject = from_file(str(STUDENTS / f"{name}.py"))
    failed = set()
    for check in CHECKS.values():
        if all(needed in FOREIGN and hasattr(subject, needed) for needed in check.needs):
            try:
                check.run(subject)
            except AssertionError:
                failed.add(check.name)
    assert failed == WRONG[name]


def pytest_on(where: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_checks.py",
        "--subject",
        where,
    ]
    return subprocess.run(command, cwd=STUDENTS.parents[1], text=True, capture_output=True, check=False)


def test_the_report_says_right_wrong_and_why_or_not_there() -> None:
    """The closing report has a line for each check, and the exit status is that of a failed run."""
    result = pytest_on("tests/students/wrong_evaluation.py")
    assert result.returncode == 1
    assert "WRONG     split sizes are the floor: 0.2 of 50000 images gives 10001 to validate on" in result.stdout
    assert "right     split is disjoint and complete" in result.stdout
    assert "not there forward is the lessons: needs Net" in result.stdout
    assert "2 right, 6 WRONG, " in result.stdout


def test_a_file_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    """A syntax error is raised as such, and a file with none of the names says which there could be."""
    (tmp_path / "broken.py").write_text("def split_indices(:\n")
    with pytest.raises(SyntaxError):
        from_file(str(tmp_path / "broken.py"))
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(LookupError, match="has none of Net, split_indices"):
        from_file(str(tmp_path / "empty.py"))

"""`pytest --subject`: three files as students hand them in, and what it says of each."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cifar_repro
from cifar_repro.audits.checks import CHECKS
from cifar_repro.audits.subject import FOREIGN, from_file
from tests.checks import CHECKS as OF_THE_CORE

STUDENTS = Path(__file__).parent / "students"
ROOT = Path(__file__).parents[2]

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


def test_the_checks_are_those_that_others_can_be_asked() -> None:
    """A check is in the package if all that it needs are names that somebody else's code can have, and only then."""
    assert {name for name, check in OF_THE_CORE.items() if set(check.needs) <= set(FOREIGN)} == set(CHECKS)


@pytest.mark.parametrize("name", WRONG)
def test_the_checks_find_what_is_wrong_and_nothing_else(name: str) -> None:
    """Of the checks that apply to a student's file, those fail that are about its mistakes."""
    subject = from_file(str(STUDENTS / f"{name}.py"))
    failed = set()
    for check in CHECKS.values():
        if not check.missing(subject):
            try:
                check.run(subject)
            except AssertionError:
                failed.add(check.name)
    assert failed == WRONG[name]


def test_the_report_says_right_wrong_and_why_or_not_there() -> None:
    """The closing report has a line for each check, and the exit status is that of a failed run."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--subject", "tests/audits/students/wrong_evaluation.py"]
    result = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert result.returncode == 1
    assert "WRONG     split sizes are the floor: 0.2 of 50000 images gives 10001 to validate on" in result.stdout
    assert "right     split is disjoint and complete" in result.stdout
    assert "not there forward is the lessons: needs Net" in result.stdout
    assert "2 right, 6 WRONG, " in result.stdout


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that has the package as an installed one: nothing else of this project is to be had beside it."""
    folder = tmp_path / "site"
    shutil.copytree(Path(cifar_repro.__file__).parent, folder / "cifar_repro", ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("tests", "benchmarks"):
        (folder / f"{name}.py").write_text(f"raise ImportError('an installed package has no {name}')\n")
    return folder


def pytest_with(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest with no plugin but this package's, in a folder with students' files and nothing else."""
    folder = site.parent / "handed in"
    shutil.copytree(STUDENTS, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "pytest", "-p", "cifar_repro.audits.pytest_plugin", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def test_an_installed_package_finds_nothing_wrong_with_what_is_right(site: Path) -> None:
    """In any folder, without this project's tests and the plugins that they use, what is right is found right."""
    result = pytest_with(site, "--import-mode=importlib", "--subject", "right.py")
    assert result.returncode == 0, result.stdout
    assert "21 right, 0 WRONG, 2 not there" in result.stdout


def test_an_installed_package_finds_what_is_wrong(site: Path) -> None:
    """The same report as in this project's folder, each test named after the file that it is about."""
    result = pytest_with(site, "-p", "no:cacheprovider", "--subject", "wrong_training.py")
    assert result.returncode == 1, result.stdout
    assert "WRONG     dropout is off in evaluation mode: in training mode two passes agree" in result.stdout
    assert "8 right, 5 WRONG, 10 not there" in result.stdout
    assert "FAILED wrong_training.py::test_check[dropout_is_off_in_evaluation_mode]" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["right.py", "wrong_training.py"], "on one file or module: leave out wrong_training.py"),
        (["gone.py"], "--subject gone.py: FileNotFoundError: "),
    ],
)
def test_what_cannot_be_checked_is_a_usage_error(site: Path, arguments: list[str], why: str) -> None:
    """Several files at once, or one that cannot be run, end in a line that says so and in pytest's status for it."""
    result = pytest_with(site, "--subject", *arguments)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert why in result.stderr


def test_who_does_not_ask_pays_nothing(site: Path) -> None:
    """Without --subject the plugin, which every run of pytest in its environment loads, imports nothing heavy."""
    (site.parent / "handed in").mkdir()
    (site.parent / "handed in" / "test_own.py").write_text(
        "import sys\n\ndef test_own():\n    assert not {'torch', 'numpy', 'cifar_repro.core'} & set(sys.modules)\n"
    )
    result = pytest_with(site)
    assert "1 passed" in result.stdout, result.stdout


def test_a_file_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    """A syntax error is raised as such, and a file with none of the names says which there could be."""
    (tmp_path / "broken.py").write_text("def split_indices(:\n")
    with pytest.raises(SyntaxError):
        from_file(str(tmp_path / "broken.py"))
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(LookupError, match="has none of Net, split_indices"):
        from_file(str(tmp_path / "empty.py"))

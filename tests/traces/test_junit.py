"""The tests in a trace are counted as pytest counts them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.traces.junit import Outcomes, count_tests

SUITE = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="5">
<testcase classname="t" name="one"/><testcase classname="t" name="two"><system-out>fine</system-out></testcase>
<testcase classname="t" name="three"><properties><property name="seed" value="0"/></properties>
<failure message="no">why</failure></testcase>
<testcase classname="t" name="four"><error message="no">why</error><system-err>no</system-err></testcase>
<testcase classname="t" name="five"><skipped message="no">why</skipped></testcase>
</testsuite></testsuites>"""


def test_every_outcome_of_a_suite_is_counted(tmp_path: Path) -> None:
    """Passed, failed, errors and skipped are counted from the test cases, whatever else stands in these."""
    (tmp_path / "tests.xml").write_text(SUITE)
    assert count_tests(tmp_path / "tests.xml") == Outcomes(passed=2, failed=1, errors=1, skipped=1)


@pytest.mark.parametrize(
    ("content", "why"),
    [("<testsuite/>", "its root is testsuite"), ("<!DOCTYPE t><testsuites/>", "it has a document type")],
)
def test_what_is_no_junit_xml_is_refused_with_the_reason(content: str, why: str, tmp_path: Path) -> None:
    """Another root, or a document type, which could define entities that expand without end."""
    (tmp_path / "tests.xml").write_text(content)
    with pytest.raises(
        InputError, match=rf"tests.xml: is no JUnit XML \({why}\): give a file that 'pytest --junit-xml'"
    ):
        count_tests(tmp_path / "tests.xml")


def test_what_pytest_writes_is_counted(tmp_path: Path) -> None:
    """The counts are those of pytest's own summary, tests that end in two ways included."""
    (tmp_path / "test_five.py").write_text("""
import pytest
@pytest.fixture
def broken():
    yield
    assert False
def test_passes(): pass
def test_also_passes(): pass
def test_fails(): assert False
def test_fails_twice(broken): assert False
def test_skips(): pytest.skip("no reason")
def test_skips_and_breaks(broken): pytest.skip("no reason")
""")
    command = [sys.executable, "-m", "pytest", "-q", "--junit-xml=tests.xml"]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    said = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False).stdout
    summary = {
        what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error|skipped)", said.splitlines()[-1])
    }
    assert summary == {"passed": 2, "failed": 2, "error": 2, "skipped": 2}, said
    assert count_tests(tmp_path / "tests.xml") == Outcomes(passed=2, failed=2, errors=2, skipped=2)

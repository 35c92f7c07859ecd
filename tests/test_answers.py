"""What is found as named checks: in Markdown, and in JUnit XML as pytest's is read."""

from pathlib import Path
from xml.etree import ElementTree

from cifar_repro.answers import Answer, Check, as_junit, as_markdown
from cifar_repro.traces.junit import Outcomes, count_tests

FOUND = Answer(
    "B is slower | by 3 %",
    [
        Check("a_b", "passed", "equal"),
        Check("c", "failed", "first line\nsecond | <line>"),
        Check("d", "skipped", "one run has no spread"),
        Check("e", "error", "it stopped"),
        Check("f", "error", "it stopped, too"),
    ],
    ["The environments differ in threads: 1 -> 2", "The data is another"],
)


def test_markdown_has_a_heading_a_table_and_notes() -> None:
    """One line each; nothing in a text ends its cell or its line, or is taken for Markdown or HTML."""
    assert as_markdown(FOUND).splitlines() == [
        r"### B is slower \| by 3 %",
        "",
        "| check | outcome | what was found |",
        "| --- | --- | --- |",
        r"| a\_b | passed | equal |",
        r"| c | failed | first line second \| \<line\> |",
        "| d | skipped | one run has no spread |",
        "| e | error | it stopped |",
        "| f | error | it stopped, too |",
        "",
        r"- The environments differ in threads: 1 -\> 2",
        "- The data is another",
    ]
    assert "\n- " not in as_markdown(Answer("Identical", FOUND.checks))


def test_junit_has_a_case_for_each_check(tmp_path: Path) -> None:
    """Outcomes are those of the checks, with their messages; the counts of the suite and of whoever reads it agree."""
    file = tmp_path / "found.xml"
    file.write_bytes(as_junit(FOUND, "gate"))
    assert count_tests(file) == Outcomes(passed=1, failed=1, errors=2, skipped=1)
    suite = ElementTree.parse(file).getroot()[0]
    assert suite.attrib == {
        "name": "cifar-repro gate", "tests": "5", "failures": "1", "errors": "2", "skipped": "1",
    }  # fmt: skip
    cases = [(case.get("name"), case[0].tag, case[0].get("message") or case[0].text) for case in suite.iter("testcase")]
    assert cases == [
        ("a_b", "system-out", "equal"),
        ("c", "failure", "first line\nsecond | <line>"),
        ("d", "skipped", "one run has no spread"),
        ("e", "error", "it stopped"),
        ("f", "error", "it stopped, too"),
    ]
    said = suite.find("system-out")
    assert said is not None
    assert said.text == "B is slower | by 3 %\nThe environments differ in threads: 1 -> 2\nThe data is another"


def test_junit_is_valid_whatever_a_text_holds() -> None:
    """Control characters, and bytes of a path that are no UTF-8, do not spoil the file; the letters of any script stay.

    The halves of characters between and beside which those letters lie are none.
    """
    odd = Answer("a\x00", [Check("b\x1b", "failed", "c\udcff")], ["d\uffff"])
    assert ElementTree.fromstring(as_junit(odd, "diff"))[0][0][0].get("message") == "c?"
    letters = "é → 漢\ud7ff\ue000\ufffd\U00010000\U0010ffff\t"
    whole = Answer(letters, [Check(letters, "failed", letters)])
    suite = ElementTree.fromstring(as_junit(whole, "audit", of=letters))[0]
    assert (suite.get("name"), suite[0].get("name"), suite[0][0].get("message"), suite[1].text) == (letters,) * 4

"""What a command found, as named checks: a Markdown section for a pull request, and JUnit XML for a CI service."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

# Skipped is what cannot be told, or need not hold for the answer; an error, what kept the rest from being found.
Outcome = Literal["passed", "failed", "error", "skipped"]


@dataclass(frozen=True)
class Check:
    """message: what was found, in a sentence; not empty."""

    name: str
    outcome: Outcome
    message: str


@dataclass(frozen=True)
class Answer:
    """headline: the answer in a line. notes: what a reader must know besides, a sentence each.

    Some check has failed exactly where the command ends with status 1.
    """

    headline: str
    checks: Sequence[Check]
    notes: Sequence[str] = ()


def as_markdown(answer: Answer) -> str:
    rows = [f"| {_plain(check.name)} | {check.outcome} | {_plain(check.message)} |" for check in answer.checks]
    table = ["| check | outcome | what was found |", "| --- | --- | --- |", *rows]
    notes = ["", *(f"- {_plain(note)}" for note in answer.notes)] if answer.notes else []
    return "\n".join([f"### {_plain(answer.headline)}", "", *table, *notes, ""])


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line and in one cell of a table."""
    return re.sub(r"([\\`*_|<>~\[\]])", r"\\\1", " ".join(text.split()))


def as_junit(answer: Answer, command: str, of: str = "") -> bytes:
    """A file as pytest writes one: a suite with a test case for each check.

    Both are named after the command or, where it is given, after what the checks are of.
    """
    counts = Counter(check.outcome for check in answer.checks)
    numbers = {
        "tests": len(answer.checks),
        "failures": counts["failed"],
        "errors": counts["error"],
        "skipped": counts["skipped"],
    }
    suites = ElementTree.Element("testsuites")
    about = {"name": _valid(of) or f"cifar-repro {command}", **{name: str(number) for name, number in numbers.items()}}
    suite = ElementTree.SubElement(suites, "testsuite", about)
    for check in answer.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_valid(of) or f"cifar_repro.{command}", name=_valid(check.name)
        )
        if check.outcome == "passed":
            ElementTree.SubElement(case, "system-out").text = _valid(check.message)
        else:
            element = ElementTree.SubElement(case, {"failed": "failure"}.get(check.outcome, check.outcome))
            element.set("message", _valid(check.message))
    text = "\n".join([answer.headline, *answer.notes])
    ElementTree.SubElement(suite, "system-out").text = _valid(text)
    content: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return content


def _valid(text: str) -> str:
    """Text without the characters that no XML can hold, such as those of a path that is not UTF-8."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)

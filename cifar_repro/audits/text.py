"""What an audit says, for people to read in a terminal."""

import textwrap
from collections import Counter

from cifar_repro import answers
from cifar_repro.audits.audit import Audit, place
from cifar_repro.audits.judge.finding import Outcome

ORDER: tuple[Outcome, ...] = ("WRONG", "unusual", "right", "not seen")
WIDTH = 110


def text(audit: Audit) -> str:
    """The findings, the worst first, and what was noted."""
    lines = [
        f"{audit.file}, watched on {audit.train_images} training images and {audit.test_images} test images "
        f"({audit.data}), {audit.seconds:g} s",
        "",
    ]
    nothing = len(audit.with_outcome("not seen")) == len(audit.findings)
    if nothing:
        lines += _wrapped("not seen", f"none of {len(audit.findings)} rules could be judged")
    for outcome in () if nothing else ORDER:
        for finding in audit.with_outcome(outcome):
            where = f" ({place(finding.at)})" if finding.at and outcome != "right" else ""
            lines += _wrapped(outcome, f"{finding.rule}: {finding.says}{where}")
    for note in audit.notes:
        lines += _wrapped("note", note)
    if audit.error:
        lines += _wrapped(audit.ended, f"{audit.error}. It is judged up to there.")
    return "\n".join([*lines, "", summary(audit)])


def _wrapped(head: str, says: str) -> list[str]:
    return textwrap.wrap(says, WIDTH, initial_indent=f"{head:10}", subsequent_indent=" " * 10)


def summary(audit: Audit) -> str:
    """How many findings of each kind."""
    counts = Counter(finding.outcome for finding in audit.findings)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in ORDER if counts[outcome])


def answer(audit: Audit) -> answers.Answer:
    """A check for each rule: WRONG has failed, `not seen` is skipped; and how the program failed, if it did."""
    outcomes: dict[Outcome, answers.Outcome] = {"WRONG": "failed", "not seen": "skipped"}
    checks = []
    for finding in audit.findings:
        outcome = outcomes.get(finding.outcome, "passed")
        says = finding.says + (f" ({place(finding.at)})" if finding.at else "")
        said = f"{finding.outcome}: {says}" if outcome == "passed" else says
        checks.append(answers.Check(finding.rule, outcome, said))
    if audit.ended == "failed":
        checks.append(answers.Check("the program runs to its end", "error", audit.error))
    return answers.Answer(summary(audit), checks)

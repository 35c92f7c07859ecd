"""An audit as one HTML file, complete in itself."""

from pathlib import Path

from cifar_repro import __version__
from cifar_repro.audits.audit import Audit, place
from cifar_repro.audits.text import ORDER, summary
from cifar_repro.report.templates import template, write_page

HEADINGS = {
    "WRONG": ("What does not hold", "bad", "✗"),  # each finding is named by what should hold
    "unusual": ("What holds, but is unusual", "warn", "!"),
    "right": ("What holds", "good", "✓"),
    "not seen": ("What was not seen", "muted", "?"),
}


def write_audit_page(path: Path, audit: Audit) -> None:
    write_page(path, render_audit(audit))


def render_audit(audit: Audit) -> str:
    """The page of `write_audit_page`."""
    groups = [(*HEADINGS[outcome], audit.with_outcome(outcome)) for outcome in ORDER if audit.with_outcome(outcome)]
    return template("audit.html.j2").render(
        audit=audit,
        groups=groups,
        place=place,
        sentence=_sentence,
        verdict=_verdict(audit),
        summary=summary(audit),
        version=__version__,
    )


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a name of the code (cross_entropy)."""
    return f"{text if '_' in text.split()[0] else text[0].upper() + text[1:]}."


def _verdict(audit: Audit) -> tuple[str, str]:
    """In a few words, and of what kind they are."""
    wrong = len(audit.with_outcome("WRONG"))
    if wrong:
        return ("One thing is wrong" if wrong == 1 else f"{wrong} things are wrong"), "bad"
    if audit.undecided:
        return "It cannot be told: the program did not get far enough", "warn"
    return "Nothing is wrong, as far as it was seen", "good"

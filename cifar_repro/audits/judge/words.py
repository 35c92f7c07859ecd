"""What a program prints: its lines, the numbers in them, and what they seem to be of."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cifar_repro.audits.events import Place
from cifar_repro.audits.story import Loop, Story

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\d)")
PAIR = re.compile(r"(?<![\d.])(\d+)(?:\.0*)?\s*/\s*(\d+)(?:\.0*)?(?![\d.])")
SUBJECT = re.compile(r"loss|acc|error|correct|lr|epoch|time|batch|step|iter")
ROLES = {"test": "test", "val": "validation", "train": "training"}


@dataclass(frozen=True)
class Line:
    """event: when it was printed."""

    event: int
    text: str
    at: list[Place]

    @property
    def short(self) -> str:
        text = " ".join(self.text.split())
        return text if len(text) <= 70 else text[:67] + "..."

    def role(self, start: int) -> str:
        """Of which loop the number at this position seems to be: by the last such word before it, else by the first."""
        low = self.text.lower()
        found = [(low.rfind(word, 0, start), role) for word, role in ROLES.items() if word in low[:start]]
        return max(found)[1] if found else next((role for word, role in ROLES.items() if word in low), "")

    def after(self, loop: Loop) -> bool:
        """Whether it was printed when this loop had come to its end."""
        return loop.complete and self.event > loop.last


@dataclass(frozen=True)
class Said:
    """A number that is printed, at this position of a line. role: of which loop it seems to be."""

    line: Line
    start: int
    end: int

    @property
    def written(self) -> str:
        return self.line.text[self.start : self.end].lower()

    @property
    def number(self) -> float:
        return float(self.written)

    @property
    def decimals(self) -> int:
        mantissa, _, exponent = self.written.partition("e")
        return max(0, len(mantissa.partition(".")[2]) - int(exponent or 0))

    @property
    def role(self) -> str:
        return self.line.role(self.start)

    @property
    def percent(self) -> bool:
        return self.line.text[self.end :].lstrip().startswith("%")

    def means(self, value: float | None) -> bool:
        """Whether it is this value, as it is written."""
        if value is None or not math.isfinite(value):
            return False
        return abs(self.number - value) <= 0.5 * 10.0**-self.decimals * 1.001 + 2e-6 * abs(value)

    def is_share(self, right: float, total: int) -> bool:
        """Whether it is this part of all, as a fraction or as per cent, or as the whole per cents in it."""
        share = right / total
        if self.number <= 1 and self.decimals > 1:
            return self.means(share)
        return self.means(100 * share) or (self.decimals == 0 and self.number == math.floor(100 * share + 1e-9))


def lines(story: Story) -> Iterator[Line]:
    """All that is printed, without what is of loops that were made short."""
    for event, printed in story.prints:
        if story.judged(event):
            for text in printed.text.splitlines():
                yield Line(event, text, printed.at)


def numbers_of(line: Line, subject: str = "") -> list[Said]:
    """The numbers of a line; only those that follow this word closer than another one ("loss", "acc")."""
    found = []
    for match in NUMBER.finditer(line.text):
        subjects = SUBJECT.findall(line.text.lower()[: match.start()])
        if not subject or (subjects and subjects[-1].startswith(subject)):
            found.append(Said(line, *match.span()))
    return found

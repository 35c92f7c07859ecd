"""What a program prints: its lines, the numbers in them, and what they seem to be of."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cifar_repro.audits.events import Place
from cifar_repro.audits.judge.numbers import Numbers
from cifar_repro.audits.story import Loop, Story

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\d)")
PAIR = re.compile(r"(?<![\d.])(\d+)(?:\.0*)?\s*/\s*(\d+)(?:\.0*)?(?![\d.])")
ROLES = {"test": "test", "val": "validation", "train": "training"}


@dataclass
class Said:
    """A number that is printed. role: of which loop it seems to be; share: as per cent."""

    line: int
    text: str
    number: float
    decimals: int
    role: str
    at: list[Place]
    written: str

    def means(self, value: float | None) -> bool:
        """Whether it is this value, as it is written."""
        if value is None or not math.isfinite(value):
            return False
        near = 0.5 * 10.0**-self.decimals * 1.001 + 2e-6 * abs(value)
        return abs(self.number - value) <= near


def words(story: Story) -> Iterator[tuple[int, str, list[Place]]]:
    for n, event in story.prints:
        if not story.judged(n):
            continue
        for text in event.text.splitlines():
            yield n, text, event.at


def role_of(before: str, text: str) -> str:
    """By the last such word before the number, else by the first in the line."""
    found = [(before.rfind(word), role) for word, role in ROLES.items() if word in before]
    if found:
        return max(found)[1]
    return next((role for word, role in ROLES.items() if word in text), "")


def numbers_after(n: int, text: str, at: list[Place], subject: str) -> Iterator[Said]:
    """The numbers of a line that follow a word of the subject ("loss", "acc")."""
    low = text.lower()
    for match in NUMBER.finditer(low):
        before = low[: match.start()]
        subjects = [
            (m.end(), m.group()) for m in re.finditer(r"loss|acc|error|correct|lr|epoch|time|batch|step|iter", before)
        ]
        if not subjects or not re.match(subject, max(subjects)[1]):
            continue
        written = match.group()
        decimals = len(written.partition(".")[2].partition("e")[0]) - int(written.partition("e")[2] or 0)
        yield Said(n, text, float(written), max(0, decimals), role_of(before, low), at, written)


def loops_before(story: Story, n: int) -> dict[str, list[Loop]]:
    """The loops of each role that had begun when something was printed, the latest last."""
    kinds = {"training": story.training, "validation": story.validations, "test": story.tests}
    others = [loop for loop in story.evaluations if not any(loop in loops for loops in kinds.values())]
    return {name: [loop for loop in loops if loop.number < n] for name, loops in {**kinds, "": others}.items()}


def so_far(loop: Loop, n: int, story: Story) -> Numbers:
    return Numbers([p for p in loop.passes if p.number < n], story.labels)


def ended(loop: Loop, n: int) -> bool:
    return loop.complete and n > loop.last


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else text[:67] + "..."

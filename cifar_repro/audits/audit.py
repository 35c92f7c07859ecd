"""An audit of a program: it is run, watched and judged."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from cifar_repro.audits.events import Batch, Event, of_kind
from cifar_repro.audits.judge import judge
from cifar_repro.audits.judge.finding import Finding, unusual, wrong
from cifar_repro.audits.program import Launch, run_program
from cifar_repro.audits.repeated import compare
from cifar_repro.audits.small_data import FEWEST, MOST, OFFICIAL, Images, SmallSet, sizes, small_set
from cifar_repro.audits.story import Story
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.formats import Form

Ended = Literal["finished", "failed", "stopped"]
TWICE = "two runs print the same"


class Audit(Form, frozen=True, kw_only=True):
    """What an audit found. data: which images, for people; error: how the program failed; notes: what was bridged."""

    file: str
    data: str
    train_images: int
    test_images: int
    seconds: float
    ended: Ended
    error: str
    epochs: int
    findings: list[Finding]
    notes: list[str]

    def with_outcome(self, outcome: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.outcome == outcome]

    @property
    def undecided(self) -> bool:
        """The program failed, or no epoch of training was seen."""
        return self.ended == "failed" or not self.epochs


def check_numbers(images: int, timeout: float) -> None:
    """Raises InputError for those with which no program can be run."""
    if not FEWEST <= images <= MOST:
        raise InputError(f"images: {images}: give a number from {FEWEST} to {MOST:,}")
    if not 0 < timeout < math.inf:
        raise InputError(f"timeout: {timeout:g}: give a number of seconds above 0")


def audit(
    file: Path,
    data: Cifar10,
    images: int = 600,
    timeout: float = 300.0,
    repeat: bool = False,
    say: Callable[[str], None] = lambda line: None,
    launch: Launch | None = None,
) -> Audit:
    """Runs the program in `file` on about `images` training images and judges it.

    say: is told what is being done; launch: as for `run_program`.

    Raises InputError for a number that cannot be used.
    """
    check_numbers(images, timeout)
    started = time.monotonic()
    small = small_set(data, *sizes(images))
    say(f"running {file.name} on {len(small.train_labels)} training images and {len(small.test_labels)} test images")
    events = run_program(file, small, timeout, launch)
    story = tell(file, events, small)
    ragged, finding = _ragged(story), None
    if ragged:
        full = ragged.full or 1
        even = small_set(data, *sizes(images, full))
        say(f"it fails at a batch of {ragged.size}: running it again on numbers of images that {full} divides")
        again = tell(file, run_program(file, even, timeout, launch), even)
        if again.finished or (again.failed != story.failed and len(again.loops) > len(story.loops)):
            finding = _of_ragged(story, ragged)
            story, small, events = again, even, list(again.events)
    findings = [finding if finding and f.rule == finding.rule else f for f in judge(story)]
    if repeat:
        say("running it a second time")
        findings.append(msgspec.structs.replace(compare(events, run_program(file, small, timeout, launch)), rule=TWICE))
    return Audit(
        file=file.name,
        data=small.source,
        train_images=len(small.train_labels),
        test_images=len(small.test_labels),
        seconds=round(time.monotonic() - started, 1),
        ended="failed" if story.failed else "stopped" if story.timed_out else "finished",
        error=_error(story),
        epochs=sum(loop.complete or loop.iteration is None for loop in story.training),
        findings=findings,
        notes=story.bridges,
    )


def tell(file: Path, events: list[Event], small: SmallSet) -> Story:
    return Story(events, Images(small).labels, _sources(file, events))


def _sources(file: Path, events: list[Event]) -> dict[str, str]:
    """The text of each place that the events name."""
    if file.suffix == ".ipynb":
        cells = [c for c in json.loads(file.read_bytes())["cells"] if c.get("cell_type") == "code"]
        texts = ["".join(cell.get("source", "")) for cell in cells]
        return {f"cell {k}": text for k, text in enumerate(texts, 1)}
    names = {name for event in events for name, _ in event.at}
    files = {name: file.parent / name for name in names}
    return {name: path.read_text(encoding="utf-8", errors="replace") for name, path in files.items() if path.is_file()}


def _ragged(story: Story) -> Batch | None:
    """The smaller batch at which the program failed."""
    batches = of_kind(story.events, Batch)
    if (
        not story.failed
        or not batches
        or story.failed.error not in ("IndexError", "ValueError", "RuntimeError", "TypeError")
    ):
        return None
    last = batches[-1]
    return last if last.full and last.size < last.full and last.iteration > batches[0].iteration else None


def _of_ragged(story: Story, batch: Batch) -> Finding | None:
    """None where that batch is the first of its loop, too: the small set is smaller than a batch, which is no fault."""
    assert story.failed is not None
    if sum(each.iteration == batch.iteration for each in of_kind(story.events, Batch)) == 1:
        return None
    tests = sum(i is not None and i < 0 for i in batch.images) > batch.size / 2
    rule = "each test image is counted once" if tests else "each training image once an epoch"
    says = (
        f"the program counts on full batches: with {batch.size} images in the last one, in place of {batch.full}, "
        f"it fails ({story.failed.error}: {story.failed.message})"
    )
    if tests and batch.full and OFFICIAL["test"] % batch.full == 0:
        finding = unusual(
            f"{says}. CIFAR-10 has 10,000 test images, which {batch.full} divides: there it goes well", story.failed.at
        )
    else:
        finding = wrong(f"{says}. Use the batch's own size, len(labels)", story.failed.at)
    return msgspec.structs.replace(finding, rule=rule)


def _error(story: Story) -> str:
    if story.failed:
        where = f"{place(story.failed.at[0])}: " if story.failed.at else ""
        return f"{where}{story.failed.error}: {story.failed.message}".rstrip(": ")
    return f"stopped after {story.timed_out.seconds:g} seconds" if story.timed_out else ""


def place(at: tuple[str, int]) -> str:
    """As people read it: "cell 3, line 5" or "train.py, line 31"."""
    return f"{at[0]}, line {at[1]}"

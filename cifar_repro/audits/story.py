"""What a program did, put together: its passes over batches, and its loops over them, in order.

A pass is one batch through the network and what followed from it. A loop is a run over a DataLoader, or passes without
one that belong together. A loop trains if a gradient was computed or a step was made in it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from cifar_repro.audits.events import (
    Backward,
    Batch,
    Bridge,
    E,
    End,
    Event,
    Failed,
    Finished,
    Forward,
    Loss,
    Network,
    Optimizer,
    Place,
    Plateau,
    Print,
    Restore,
    Save,
    Step,
    TimedOut,
    Unchanged,
    of_kind,
)


@dataclass
class Pass:
    """order: what happened after the call, in order: b for backward, s for a step."""

    number: int
    call: Forward
    batch: Batch | None
    losses: list[Loss] = field(default_factory=list)
    backwards: list[Backward] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    order: str = ""
    parts: list[int] = field(default_factory=list)

    def go_on(self, call: Forward) -> None:
        """The output of the call so far went into another network."""
        self.parts.append(call.network)
        self.call = msgspec.structs.replace(
            self.call,
            active=self.call.active + call.active,
            minding=self.call.minding + call.minding,
            grad=call.grad,
            predicted=call.predicted,
        )

    @property
    def networks(self) -> list[int]:
        """More than one where the output of one goes into the next."""
        return [self.call.network, *self.parts]

    @property
    def size(self) -> int:
        return len(self.call.images)

    @property
    def loss(self) -> float | None:
        """The mean over its images."""
        if self.losses:
            return self.losses[-1].mean
        return self.backwards[-1].value if self.backwards else None


@dataclass
class Loop:
    """number, last: the events at which it begins and at which its last pass was; cut: made short, to save time."""

    number: int
    iteration: int | None
    passes: list[Pass] = field(default_factory=list)
    complete: bool = False
    cut: bool = False

    @property
    def last(self) -> int:
        return self.passes[-1].number

    @cached_property
    def trains(self) -> bool:
        return any(p.order for p in self.passes)

    @cached_property
    def images(self) -> list[int]:
        return [i for p in self.passes for i in p.call.images if i is not None]

    @property
    def known(self) -> bool:
        """All its images are known."""
        return all(i is not None for p in self.passes for i in p.call.images)

    @property
    def tests(self) -> bool:
        """Most of its images are test images."""
        return sum(i < 0 for i in self.images) > len(self.images) / 2

    @property
    def at(self) -> list[Place]:
        return self.passes[0].call.at


class Story:
    """labels: the class of each image; sources: the text of each file or cell. train, test: how many images of each."""

    def __init__(self, events: Sequence[Event], labels: dict[int, int], sources: dict[str, str]):
        self.events, self.labels, self.sources = events, labels, sources
        self.train, self.test = (sum(sign * (i + 0.5) > 0 for i in labels) for sign in (1, -1))
        self.networks = of_kind(events, Network)
        self.optimizers = {o.optimizer: o for o in of_kind(events, Optimizer)}
        self.unchanged = of_kind(events, Unchanged)
        self.prints, self.saves = self._numbered(Print), self._numbered(Save)
        self.restores, self.plateaus = self._numbered(Restore), self._numbered(Plateau)
        self.bridges = [e.what for e in of_kind(events, Bridge)]
        self.failed = next(iter(of_kind(events, Failed)), None)
        self.finished = bool(of_kind(events, Finished)) and self.failed is None
        self.timed_out = next(iter(of_kind(events, TimedOut)), None)
        self.loops = self._loops()

    def _numbered(self, kind: type[E]) -> list[tuple[int, E]]:
        return [(n, event) for n, event in enumerate(self.events) if isinstance(event, kind)]

    def _loops(self) -> list[Loop]:
        loops: list[Loop] = []
        by_iteration: dict[int, Loop] = {}
        batches: dict[int, Batch] = {}
        current: Pass | None = None
        for n, event in enumerate(self.events):
            match event:
                case Batch():
                    batches[event.iteration] = event
                case End() if event.iteration in by_iteration:
                    by_iteration[event.iteration].complete = True
                case Bridge() if "to save time" in event.what and loops:
                    loops[-1].cut = True
                case Forward(onward=False, iteration=i):
                    current = Pass(n, event, None if i is None else batches.get(i))
                    loop = loops[-1] if i is None and loops and _goes_on(loops[-1], current) else None
                    if i in by_iteration:
                        loop = by_iteration[i]
                    if loop is None:
                        loop = Loop(n, i)
                        loops.append(loop)
                        by_iteration |= {} if i is None else {i: loop}
                    loop.passes.append(current)
                case Forward() if current:
                    current.go_on(event)
                case Loss() if current and event.size == current.size:
                    current.losses.append(event)
                case Backward() if current:
                    current.backwards.append(event)
                    current.order += "b"
                case Step() if current:
                    current.steps.append(event)
                    current.order += "s"
        self.hurried = next((loop.number for loop in loops if loop.cut), None)
        for loop in loops:
            loop.cut = self.hurried is not None and loop.number >= self.hurried and not loop.tests
        return loops

    def judged(self, n: int) -> bool:
        """Whether the numbers at this event are those of whole loops: before loops were made short, or in the test."""
        tested = self.final_tests[0].number if self.final_tests else len(self.events)
        return self.hurried is None or n < self.hurried or n > tested

    @cached_property
    def training(self) -> list[Loop]:
        """The loops that train, one an epoch."""
        return [loop for loop in self.loops if loop.trains and loop not in self.mistaken]

    @cached_property
    def mistaken(self) -> list[Loop]:
        """Evaluations that learn: loops that train in evaluation mode, on images that others do not train on."""
        trains = [loop for loop in self.loops if loop.trains]
        evaluating = [loop for loop in trains if not any(p.call.training for p in loop.passes)]
        learned = {i for loop in trains if loop not in evaluating for i in loop.images}
        return [loop for loop in evaluating if learned and len(learned & set(loop.images)) < len(loop.images) / 2]

    @cached_property
    def trained(self) -> Counter[int]:
        """How often each image was trained on."""
        return Counter(i for loop in self.training for i in loop.images)

    @cached_property
    def evaluations(self) -> list[Loop]:
        """Loops that do not train, and are more than a look at one batch."""
        return [loop for loop in self.loops if (not loop.trains or loop in self.mistaken) and self._evaluates(loop)]

    def _evaluates(self, loop: Loop) -> bool:
        whole = self.test if loop.tests else self.train / 5
        return bool(loop.images) and (loop.complete or len(loop.passes) > 1 or len(loop.images) > whole / 2)

    @cached_property
    def validations(self) -> list[Loop]:
        """Evaluations on training images, but for those on just the images that were trained on."""
        first = self.training[0].number if self.training else 0
        found = [loop for loop in self.evaluations if not loop.tests and loop.number > first]
        apart = [loop for loop in found if not set(loop.images) <= set(self.trained)]
        unused = self.train - len(self.trained)
        return apart or [
            loop for loop in found if unused > self.train / 50 or len(set(loop.images)) < 0.9 * len(self.trained)
        ]

    @cached_property
    def tests(self) -> list[Loop]:
        return [loop for loop in self.evaluations if loop.tests]

    @property
    def roles(self) -> dict[str, list[Loop]]:
        return {"training": self.training, "validation": self.validations, "test": self.tests}

    @cached_property
    def final_tests(self) -> list[Loop]:
        """The tests after the last training; where there are others, without those that each epoch has."""
        last = self.training[-1].last if self.training else -1
        each_epoch = [loop.at for loop in self.tests if loop.number < last]
        after = [loop for loop in self.tests if loop.number > last]
        return [loop for loop in after if loop.at not in each_epoch] or after


def _goes_on(loop: Loop, new: Pass) -> bool:
    """Whether a pass without a DataLoader belongs to the loop before it: images of the same kind, none again."""
    images = set(new.call.images) - {None}
    before = loop.passes[-1].call
    earlier = {i for p in loop.passes for i in p.call.images}
    return (
        loop.iteration is None
        and before.grad == new.call.grad
        and before.training == new.call.training
        and not images & earlier
        and {i < 0 for i in images if i is not None} == {i < 0 for i in earlier if i is not None}
    )

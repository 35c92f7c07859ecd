"""The numbers of a loop over batches, computed from what was watched: what a program should have printed."""

from collections.abc import Sequence
from functools import cached_property

from cifar_repro.audits.story import Loop, Pass, Story


class Numbers:
    """Of some passes. sizes, means: images and mean loss of each batch, without those whose loss was not seen."""

    def __init__(self, passes: Sequence[Pass], labels: dict[int, int]):
        self.passes, self._labels = passes, labels
        seen = [(p.size, p.loss) for p in passes if p.loss is not None]
        self.sizes, self.means = [n for n, _ in seen], [m for _, m in seen]
        self.batches = len(passes)
        self.images = sum(p.size for p in passes)
        self.full = max((p.batch.full or p.size if p.batch else p.size for p in passes), default=0)

    @cached_property
    def weighted(self) -> float:
        """The sum over images of the loss."""
        return sum(n * m for n, m in zip(self.sizes, self.means, strict=True))

    @cached_property
    def plain(self) -> float:
        """The sum over batches of the mean loss."""
        return sum(self.means)

    @property
    def loss(self) -> float | None:
        return self.weighted / sum(self.sizes) if self.sizes else None

    @cached_property
    def counted(self) -> list[tuple[int, int]]:
        """(right ones, images) of each batch."""
        return [(sum(true == guess for true, guess in self._guesses(p)), p.size) for p in self.passes]

    @property
    def correct(self) -> int:
        return sum(right for right, _ in self.counted)

    @property
    def accuracy(self) -> float | None:
        return self.correct / self.images if self.images else None

    @cached_property
    def per_class(self) -> list[tuple[int, int]]:
        """(right ones, images) of each class."""
        guesses = [pair for p in self.passes for pair in self._guesses(p)]
        return [
            (sum(true == guess == k for true, guess in guesses), sum(true == k for true, _ in guesses))
            for k in range(10)
        ]

    def _guesses(self, p: Pass) -> list[tuple[int, int]]:
        """(class, predicted class) of each image that is known."""
        pairs = zip(p.call.images, p.call.predicted, strict=False)
        return [(self._labels[image], guess) for image, guess in pairs if image is not None]


def numbers(story: Story, loop: Loop, before: int | None = None) -> Numbers:
    """Of a loop; before: of what had been done of it at this event."""
    return Numbers([p for p in loop.passes if before is None or p.number < before], story.labels)


def loops_before(story: Story, event: int) -> dict[str, list[Loop]]:
    """The loops of each role that had begun at this event, the latest last."""
    others = [loop for loop in story.evaluations if not any(loop in loops for loops in story.roles.values())]
    every = {**story.roles, "": others}
    return {role: [loop for loop in loops if loop.number < event] for role, loops in every.items()}

"""The numbers of a loop over batches, computed from what was watched: what a program should have printed."""

from collections.abc import Sequence
from functools import cached_property

from cifar_repro.audits.story import Loop, Pass, Story


class Numbers:
    """Of some passes. sizes, means: images and mean loss of each batch, without those whose loss was not seen."""

    def __init__(self, passes: Sequence[Pass], labels: dict[int, int]):
        self.passes = passes
        seen = [(p.size, p.loss) for p in passes if p.loss is not None]
        self.sizes, self.means = [n for n, _ in seen], [m for _, m in seen]
        self.batches = len(passes)
        self.images = sum(p.size for p in passes)
        self.full = max((p.batch.full or p.size if p.batch else p.size for p in passes), default=0)
        # (images, right ones) of each batch
        self.counted = [_right(p, labels) for p in passes]
        self._labels = labels

    @cached_property
    def weighted(self) -> float:
        """The sum over images of the loss."""
        return sum(n * m for n, m in zip(self.sizes, self.means, strict=True))

    @property
    def plain(self) -> float:
        """The sum over batches of the mean loss."""
        return sum(self.means)

    @property
    def loss(self) -> float | None:
        return self.weighted / sum(self.sizes) if self.sizes else None

    @property
    def correct(self) -> int:
        return sum(right for _, right in self.counted)

    @property
    def accuracy(self) -> float | None:
        return self.correct / self.images if self.images else None

    @cached_property
    def per_class(self) -> list[tuple[int, int]]:
        """(right ones, images) of each class."""
        right, total = [0] * 10, [0] * 10
        for p in self.passes:
            for image, predicted in zip(p.call.images, p.call.predicted, strict=False):
                if image is not None:
                    total[self._labels[image]] += 1
                    right[self._labels[image]] += predicted == self._labels[image]
        return list(zip(right, total, strict=True))


def _right(p: Pass, labels: dict[int, int]) -> tuple[int, int]:
    pairs = zip(p.call.images, p.call.predicted, strict=False)
    return p.size, sum(image is not None and labels[image] == predicted for image, predicted in pairs)


def of_loop(loop: Loop, story: Story) -> Numbers:
    return Numbers(loop.passes, story.labels)

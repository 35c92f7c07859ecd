"""What the watch must remember from one event to the next: which images, which networks, which weights."""

import weakref
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from cifar_repro.audits import events
from cifar_repro.audits.small_data import Images, SmallSet
from cifar_repro.audits.watch.log import Log


@dataclass
class Found:
    images: list[int | None]
    looks: tuple[int, int, int]
    low: list[float | None]
    high: list[float | None]


@dataclass
class Known:
    """A network that was called. first: a checksum of each parameter as it was then."""

    number: int
    first: dict[str, int]
    trained: bool = False


class State:
    """What must be remembered from one event to the next."""

    def __init__(self, data: SmallSet):
        self.known = Images(data)
        self.reads: list[int] = []  # images read since the last batch
        self.batches: deque[tuple[torch.Tensor, list[int | None], int]] = deque(maxlen=4)
        # Loops over batches: how many; that of the last call, of the last step, and the last one weighed; how many
        # trained and came to their end.
        self.iterations = self.ended_training = 0
        self.iteration: int | None = None
        self.stepped: int | None = None
        self.weighed: int | None = None
        # The call of a network that goes on, or the last one.
        self.networks: weakref.WeakKeyDictionary[nn.Module, Known] = weakref.WeakKeyDictionary()
        self.network: nn.Module | None = None
        self.images: list[int | None] = []
        self.output: torch.Tensor | None = None
        self.depth = self.active = self.minding = self.steps = 0
        self.parameters: dict[int, int] = {}
        self.kept: list[Any] = []  # what has a number must live on: another object could get its place
        self.reached: set[int] = set()  # parameters that had a gradient in one of the first steps

    def identify(self, batch: torch.Tensor) -> Found:
        """Which images these are: by their numbers, else by what was read for them."""
        n, numbers = len(batch), batch.detach().cpu()
        if numbers.dim() == 2 and numbers.shape[1] == 3072:
            numbers = numbers.view(n, 3, 32, 32)
        if numbers.dim() == 4 and numbers.shape[-1] == 3:
            numbers = numbers.permute(0, 3, 1, 2)
        images: list[int | None] = [None] * n
        looks, low, high = [2] * n, [], []
        if n and numbers.dim() == 4:
            array = np.ascontiguousarray(numbers.to(torch.float32).numpy())
            low, high = array.min((0, 2, 3)).tolist(), array.max((0, 2, 3)).tolist()
            if array.shape[1:] == (3, 32, 32):
                images, looks = self.known.of_numbers(array)
        if len(self.reads) == n:
            images = list(self.reads)
        return Found(images, (looks.count(0), looks.count(1), looks.count(2)), low, high)

    def keep(self, batch: torch.Tensor, images: list[int | None], iteration: int) -> None:
        self.batches.append((batch, images, iteration))

    def which(self, batch: torch.Tensor) -> tuple[list[int | None], int | None]:
        """The images that a network is called on, and the loop over a DataLoader that gave them."""
        n = len(batch)
        for given, images, iteration in reversed(self.batches):
            if (start := _start(given, batch)) is not None:
                return images[start : start + n], iteration
        found = self.identify(batch)
        last = self.batches[-1] if self.batches else None
        if last is not None and len(last[1]) == n and (None in found.images or found.images == last[1]):
            return last[1], last[2]
        if None in found.images and len(self.reads) > n:
            found.images = list(self.reads[-n:])
        self.reads.clear()
        return found.images, None

    def ended(self, log: Log, iteration: int) -> None:
        """A loop over a DataLoader came to its end."""
        if self.stepped == iteration:
            self.ended_training += 1
            if self.ended_training <= 2:
                self.compare(log)

    def compare(self, log: Log) -> None:
        for module, known in list(self.networks.items()):
            if known.trained:
                same = [name for name, p in module.named_parameters() if checksum([p]) == known.first.get(name)]
                numbers = {name: self.number(p) for name, p in module.named_parameters()}
                lacking = [name for name in same if numbers[name] not in self.reached]
                log.write(events.Unchanged(network=known.number, names=same, unreached=lacking))

    def number(self, parameter: torch.Tensor) -> int:
        if id(parameter) not in self.parameters:
            self.kept.append(parameter)
            self.parameters[id(parameter)] = len(self.parameters)
        return self.parameters[id(parameter)]


def _start(given: torch.Tensor, piece: torch.Tensor) -> int | None:
    """Which of its images is the first of a piece of a batch, as chunk() and slices give; None of all else."""
    if given.untyped_storage().data_ptr() != piece.untyped_storage().data_ptr():
        return None
    row = given.stride(0)
    start, rest = divmod(int(piece.storage_offset()) - int(given.storage_offset()), row or 1)
    in_order = rest == 0 and (len(piece) == 1 or piece.stride(0) == row)
    return start if in_order and 0 <= start <= len(given) - len(piece) else None


def checksum(tensors: Any) -> int:
    total = 0
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous()
        total = zlib.crc32(
            plain.flatten().view(torch.uint8).numpy().data if plain.dim() else bytes(str(plain), "ascii"), total
        )
    return total


def weights_in(saved: Any, depth: int = 2) -> int | None:
    """The checksum of the network's weights in what is saved."""
    if isinstance(saved, nn.Module):
        saved = saved.state_dict()
    if isinstance(saved, Mapping) and saved:
        if all(isinstance(value, torch.Tensor) for value in saved.values()):
            return checksum(saved.values())
        for value in saved.values():
            if depth and (found := weights_in(value, depth - 1)) is not None:
                return found
    return None

"""What a watched program did, as the lines of its log: one typed event a line, in the order in which it happened.

An image is a whole number here: k is training image k of the small CIFAR-10, -1 - k is test image k of it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from cifar_repro.formats import Form

E = TypeVar("E", bound="Event")
Place = tuple[str, int]  # a file or "cell 3", and a line in it


class Event(Form, frozen=True, kw_only=True, tag_field="kind", tag=str.lower):
    """at: where in the program, the innermost place first."""

    at: list[Place] = []  # noqa: RUF012 - msgspec copies it


class Batch(Event, frozen=True, kw_only=True):
    """A DataLoader gave a batch.

    size: images in it; full: the batch size asked for; images: which, in order (None: not known); looks: how many are
    as they are, how many mirrored, how many changed otherwise; low, high: the least and the largest number in each
    channel, which black and white have become.
    """

    iteration: int
    size: int
    full: int | None
    images: list[int | None]
    looks: tuple[int, int, int]
    low: list[float | None]
    high: list[float | None]


class End(Event, frozen=True, kw_only=True):
    """A DataLoader had no more batches."""

    iteration: int


class Network(Event, frozen=True, kw_only=True):
    """A network is called for the first time. parameters: a number for each; frozen: those without gradient."""

    network: int
    name: str
    parameters: dict[str, int]
    frozen: list[str]


class Forward(Event, frozen=True, kw_only=True):
    """A network was called on a batch; onward: on the output of the last call, as the next part of the whole network.

    training: its flag; active, minding: of its calls of dropout and batch normalisation, how many behaved as in
    training, and how many there were; grad: gradients were recorded; predicted: the class of the largest output;
    weights: a checksum, at the first batch of a loop.
    """

    network: int
    iteration: int | None
    images: list[int | None]
    training: bool
    active: int
    minding: int
    grad: bool
    predicted: list[int]
    weights: int | None
    onward: bool = False


class Loss(Event, frozen=True, kw_only=True):
    """A loss function was called. found: what its first argument is; given: the labels, where they are not the true
    ones. A number that is none (JSON has no NaN) is None."""

    function: str
    size: int
    mean: float | None
    found: str
    outputs: int
    given: list[int]


class Backward(Event, frozen=True, kw_only=True):
    """stale: the network's gradients were not zero before."""

    value: float | None
    stale: bool


class Optimizer(Event, frozen=True, kw_only=True):
    """An optimizer was made."""

    optimizer: int
    name: str
    parameters: list[int]


class Step(Event, frozen=True, kw_only=True):
    """An optimizer's step. gradients: there were some that are not zero."""

    optimizer: int
    gradients: bool


class Plateau(Event, frozen=True, kw_only=True):
    """ReduceLROnPlateau was told how good the network is, by which it chooses the learning rate."""

    value: float


class Unchanged(Event, frozen=True, kw_only=True):
    """Parameters that are as they were when the network was called first, after it was trained.

    unreached: those of them that had no gradient in the first steps.
    """

    network: int
    names: list[str]
    unreached: list[str]


class Save(Event, frozen=True, kw_only=True):
    """torch.save; weights: the checksum of those in it."""

    weights: int | None


class Restore(Event, frozen=True, kw_only=True):
    """load_state_dict, or torch.load of a network; live: the weights loaded were the network's own, and no copy."""

    weights: int
    live: bool


class Print(Event, frozen=True, kw_only=True):
    text: str


class Seed(Event, frozen=True, kw_only=True):
    """A global generator was seeded: of "torch", "numpy" or "random"."""

    generator: str


class Bridge(Event, frozen=True, kw_only=True):
    """Something that would not run here, or not today, was made to run."""

    what: str


class Failed(Event, frozen=True, kw_only=True):
    """The program ended with an error."""

    error: str
    message: str


class Finished(Event, frozen=True, kw_only=True):
    """The program came to its end."""


class TimedOut(Event, frozen=True, kw_only=True):
    """The program was stopped."""

    seconds: float


AnyEvent = (
    Batch | End | Network | Forward
    | Loss | Backward | Optimizer | Step | Plateau | Unchanged | Save | Restore | Print | Seed
    | Bridge | Failed | Finished | TimedOut
)  # fmt: skip


def read_events(log: Path) -> list[Event]:
    """The events of a log, up to the last whole line: the program may have been killed while it wrote."""
    lines = log.read_bytes().splitlines(keepends=True) if log.exists() else []
    decoder = msgspec.json.Decoder(AnyEvent)
    return [decoder.decode(line) for line in lines if line.endswith(b"\n")]


def of_kind(events: Iterable[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]

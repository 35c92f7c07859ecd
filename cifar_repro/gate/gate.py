"""The speed gate: is B slower than A? Both run the same workload in turn, and nothing is called that A against itself
could show, too.

1. A against A, a process each: what this machine makes of no difference at all.
2. A against B, two processes each, which take turns.

A round measures one process of either side once, one after the other, and in half of the rounds B comes first: what the
machine does meanwhile meets both, and a trend favours neither. It gives log(second / first). A phase is summed up by
the median of these: a few rounds that something disturbed do not move it. Its intervals are percentiles of the
bootstrap over rounds (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).

`detectable` is the ratio farthest from 1, either way, in the 99 % interval of A against A, and not less than
LEAST_DETECTABLE. B is slower where its 95 % interval is above 1 and its ratio above `detectable`. Where that calls
nothing, `rounds_to_tell` estimates how many rounds would.
"""

import math
import os
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from cifar_repro.core import files
from cifar_repro.core.errors import InputError
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.formats import Form, Whole, convert, loads
from cifar_repro.gate.side import Measurement, Side, Worker
from cifar_repro.statistics import relative_difference

SCHEMA = 1
ROUNDS = 40
LEAST_ROUNDS = 10  # with fewer, an interval from resampling is much too narrow
# Two processes that run the same code differ by about 1 % (one standard deviation) for as long as they live, by where
# their memory lies. More rounds do not average that out, and one pair of processes cannot tell how large it is.
LEAST_DETECTABLE = 1.03
MOST_ROUNDS = 1_000  # some minutes where a machine is quiet; who needs more needs a quieter one
RESAMPLES = 2_000

WORKLOADS = {
    "step": "10 training steps (udacity: Net, SGD 0.01, batch 20) on synthetic images in memory",
    "epoch-part": "a short epoch (udacity, batch 20) through fit: 12 steps, 3 validation batches, synthetic images",
}


@dataclass(frozen=True)
class Comparison:
    """The second of two over the first: ratio of times, and its 95 % and 99 % intervals."""

    ratio: float
    interval: tuple[float, float]
    wide_interval: tuple[float, float]


def compare(first: list[float], second: list[float]) -> Comparison:
    """Sums up the seconds of two sides, one of each a round. The same seconds always give the same numbers."""
    logs = np.log(np.asarray(second)) - np.log(np.asarray(first))
    rng = np.random.default_rng(0)
    resampled = np.median(logs[rng.integers(len(logs), size=(RESAMPLES, len(logs)))], axis=1)
    low, lower, upper, high = np.exp(np.quantile(resampled, [0.005, 0.025, 0.975, 0.995])).tolist()
    return Comparison(float(np.exp(np.median(logs))), (lower, upper), (low, high))


def detectable(same: Comparison) -> float:
    """The smallest slowdown that can be told from none, from A against A."""
    return max(same.wide_interval[1], 1 / same.wide_interval[0], LEAST_DETECTABLE)


def call(ratio: float, interval: Sequence[float], detectable: float) -> str | None:
    """ "slower" or "faster" where B is, beyond what A against A shows; None where the two cannot be told apart."""
    if interval[0] > 1 and ratio > detectable:
        return "slower"
    return "faster" if interval[1] < 1 and ratio < 1 / detectable else None


Positive = Annotated[float, msgspec.Meta(gt=0)]


class MeasuredSide(Form, frozen=True, kw_only=True):
    """A side as it was given. environment: as in a record, as much of it as the side's package can tell.

    package: the folder of the cifar_repro that it ran.
    """

    side: str
    environment: dict[str, str | int | bool | None]
    package: str
    seconds_a_step: float


class GateResult(Form, frozen=True, kw_only=True):
    """What a gate found, as `cifar-repro gate --json` prints it.

    ratio and interval (95 %): B over A. detectable: the smallest ratio that counts. loss_difference: the largest
    relative difference between the losses of the two sides: 0 where they compute the same. seconds: of each
    measurement, by side and phase; `a_first` and `a_again` are those of A against A.
    """

    gate: Whole = SCHEMA
    workload: str
    rounds: Whole
    a: MeasuredSide
    b: MeasuredSide
    ratio: Positive
    interval: tuple[Positive, Positive]
    detectable: Positive
    slower: bool
    faster: bool
    loss_difference: float
    seconds: dict[Literal["a", "b", "a_first", "a_again"], list[float]]


def rounds_to_tell(found: GateResult) -> int | None:
    """About how many rounds would probably call a difference as large as the one that was measured.

    An estimate from the spread of this gate: both the limit that A against A sets and the interval of B shrink with the
    square root of the number of rounds. The logarithm of the ratio must exceed the shrunk logarithm of `detectable`,
    which stays above LEAST_DETECTABLE, and the shrunk half of B's interval, each by one standard error of B's ratio:
    then about half of such gates call it (in simulations 20 to 98 %, by the noise that the first one met). None for
    more than MOST_ROUNDS, and for a difference below LEAST_DETECTABLE, which is never called.
    """
    difference, least = abs(math.log(found.ratio)), math.log(LEAST_DETECTABLE)
    if difference <= least:
        return None
    half = math.log(found.interval[1] / found.interval[0]) / 2
    error = max(half / 1.96, 1e-9)
    shrink = min(difference / (max(math.log(found.detectable), half) + error), (difference - least) / error)
    needed = math.ceil(found.rounds / shrink**2)
    return needed if needed <= MOST_ROUNDS else None


def read_gate(path: Path) -> GateResult | None:
    """What `cifar-repro gate --json` printed, if that is what the file holds; None for another file.

    The file is in the encoding of the shell that wrote it: UTF-8, or UTF-16 as by PowerShell. Raises InputError for one
    that is damaged.
    """
    try:
        content = loads(files.read(path, files.TEXT, "give what 'cifar-repro gate --json' printed"))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or "gate" not in content:
        return None
    try:
        if content["gate"] != SCHEMA:
            raise ValueError(f"gate is {content['gate']!r}, not {SCHEMA}")
        return convert(content, GateResult, "gate")
    except ValueError as error:
        raise InputError(
            f"{path}: is no result of a gate ({error}): give what 'cifar-repro gate --json' printed"
        ) from error


def gate(
    a: Side,
    b: Side,
    workload: str,
    rounds: int = ROUNDS,
    after_same: Callable[[Comparison], None] = lambda same: None,
    progress: Progress = no_progress,
) -> GateResult:
    """Runs both phases; `after_same` is told of A against A before B is measured.

    Raises InputError for an unknown workload, for too few rounds, and for a side that does not work.
    """
    if workload not in WORKLOADS:
        raise InputError(f"workload: {workload!r} is not known: give one of {', '.join(WORKLOADS)}")
    if rounds < LEAST_ROUNDS:
        raise InputError(f"rounds: {rounds} are too few: give {LEAST_ROUNDS} or more")
    with ExitStack() as stack:
        core = _core(a, b)
        workers = [stack.enter_context(Worker(side, workload, core)) for side in (a, b, a, b)]
        described = [worker.describe() for worker in progress(workers, total=len(workers), desc="starting")]
        for worker in workers:
            worker.measure()  # the first one pays for what torch does once
        a1, b1, a2, b2 = workers
        rng = random.Random(0)
        same = _phase([(a1, a2)], rounds, rng, progress, "A against A")
        after_same(compare(*_seconds(same)))
        both = _phase([(a1, b1), (a2, b2)], rounds, rng, progress, "A against B")
    return sum_up(workload, described[0], described[1], same, both)


Rounds = list[tuple[Measurement, Measurement]]


def sum_up(workload: str, a: dict[str, Any], b: dict[str, Any], same: Rounds, both: Rounds) -> GateResult:
    """What was found. a, b: the sides, as `Worker.describe` has them. same: A against A. both: A against B.

    Raises InputError where the sides run another number of steps.
    """
    (a_first, a_again), (a_seconds, b_seconds) = _seconds(same), _seconds(both)
    one_a, one_b = both[0]
    if len(one_a.losses) != len(one_b.losses):
        raise InputError("side: the two run another number of steps: give two packages with the same public interface")
    found, least = compare(a_seconds, b_seconds), detectable(compare(a_first, a_again))
    called = call(found.ratio, found.interval, least)
    return GateResult(
        workload=workload,
        rounds=len(both),
        a=MeasuredSide(**a, seconds_a_step=median(a_seconds) / one_a.steps),
        b=MeasuredSide(**b, seconds_a_step=median(b_seconds) / one_b.steps),
        ratio=found.ratio,
        interval=found.interval,
        detectable=least,
        slower=called == "slower",
        faster=called == "faster",
        loss_difference=relative_difference(one_a.losses, one_b.losses),
        seconds={"a": a_seconds, "b": b_seconds, "a_first": a_first, "a_again": a_again},
    )


def _phase(
    pairs: Sequence[tuple[Worker, Worker]], rounds: int, rng: random.Random, progress: Progress, name: str
) -> Rounds:
    """The measurements of `rounds` rounds, in which the pairs take turns; each in the order of its pair."""
    forward = [True, False] * (rounds // 2) + [True] * (rounds % 2)  # as often one way as the other
    rng.shuffle(forward)
    measured: Rounds = []
    for number in progress(range(rounds), total=rounds, desc=name):
        first, second = pairs[number % len(pairs)]
        if forward[number]:
            one = first.measure()
            measured.append((one, second.measure()))
        else:
            two = second.measure()
            measured.append((first.measure(), two))
    return measured


def _seconds(measured: Rounds) -> tuple[list[float], list[float]]:
    return [first.seconds for first, _ in measured], [second.seconds for _, second in measured]


def _core(a: Side, b: Side) -> int | None:
    """The one core for all workers where each has one thread: cores differ by their neighbours."""
    if a.threads > 1 or b.threads > 1 or not hasattr(os, "sched_getaffinity"):
        return None
    return max(os.sched_getaffinity(0))

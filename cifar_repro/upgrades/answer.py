"""The answer to the question of an upgrade: what upgrade.json holds, and how it is made of what the wings find."""

import re
from typing import Literal

from cifar_repro.formats import Form, Whole
from cifar_repro.gate.gate import GateResult
from cifar_repro.runs.environment import Environment
from cifar_repro.runs.record import Data
from cifar_repro.studies.study_file import Study
from cifar_repro.traces.diff import Parting
from cifar_repro.traces.trace_file import Trace
from cifar_repro.verdicts.against import against
from cifar_repro.verdicts.verdict import BITWISE, DIFFERENT, INCONCLUSIVE, accuracy

SCHEMA = 1
Place = Literal["step", "epoch"]


class Bits(Form, frozen=True, kw_only=True):
    """Whether the two sides compute the same, to the last bit.

    first: what differs first; None: nothing. where: whether it is a tensor of the traced steps, or an entry of the
    epoch's record. kind: of tensor. growth: after each traced step its number, the difference of the losses, and the
    relative difference of the weights, as in `traces.gap.growth`; empty where the traces are equal.
    """

    steps: Whole
    first: str | None
    where: Place | None
    kind: str | None
    sentence: str
    growth: list[tuple[Whole, float, float | None]]

    @property
    def same(self) -> bool:
        return self.first is None


class Statistics(Form, frozen=True, kw_only=True):
    """Whether runs of several seeds come to the same.

    outcome: the word of the verdict on both sides' runs. checks: each comparison behind it, whether it holds (None:
    cannot be told), and a sentence. seeds and accuracies, in percent: of each run of either side, without those that
    diverged. runs_needed: with about how many runs a side it could be told, where it cannot and that is known.
    """

    answer: Literal["same", "different", "cannot be told"]
    outcome: str
    checks: list[tuple[str, bool | None, str]]
    notes: list[str]
    seeds: tuple[list[Whole], list[Whole]]
    accuracies: tuple[list[float], list[float]]
    runs_needed: Whole | None

    @property
    def runs(self) -> int:
        """Of the side that has fewer."""
        return min(map(len, self.accuracies))


class Speed(Form, frozen=True, kw_only=True):
    """What the gate found: times of the new side over those of the old one, with the 95 % interval.

    detectable: the smallest ratio that counts. milliseconds: a training step of either side.
    """

    answer: Literal["faster", "slower", "cannot be told"]
    ratio: float
    interval: tuple[float, float]
    detectable: float
    milliseconds: tuple[float, float]
    threads: Whole
    rounds: Whole


class Upgrade(Form, frozen=True, kw_only=True):
    """What upgrade.json holds. before, after: where the two sides were traced."""

    upgrade: Whole = SCHEMA
    before: Environment
    after: Environment
    data: Data
    bits: Bits
    statistics: Statistics
    speed: Speed

    @property
    def result(self) -> Literal["same bits", "same statistics", "different", "cannot be told"]:
        if self.bits.same:
            return "same bits"
        answer = self.statistics.answer
        return "same statistics" if answer == "same" else answer

    @property
    def fine(self) -> bool | None:
        """Whether nothing speaks against the upgrade: True, False, or None where that cannot be told."""
        if self.speed.answer == "slower" or self.result == "different":
            return False
        return None if self.result == "cannot be told" else True


def judge_bits(steps: int, parting: Parting, one: Study, other: Study) -> Bits:
    """From what two traces of so many steps differ in, and from a run of one epoch of either side with equal seeds."""
    if not parting.identical:
        first = parting.first or [*parting.missing, *parting.extra][0]
        return Bits(
            steps=steps,
            first=first,
            where="step",
            kind=parting.kind,
            sentence=parting.sentence,
            growth=list(parting.growth),
        )
    check = next(check for check in against(one, other).checks if check.name == BITWISE)
    if check.holds:
        sentence = "Every tensor of the traced steps is equal, and so are the losses, weights and test of an epoch."
        return Bits(steps=steps, first=None, where=None, kind=None, sentence=sentence, growth=[])
    sentence = f"Every tensor of the traced steps is equal, but then {check.sentence}."
    name = str(check.numbers.get("name", "the run"))
    return Bits(steps=steps, first=name, where="epoch", kind=None, sentence=sentence, growth=[])


def judge_statistics(one: Study, other: Study) -> Statistics:
    """From several runs of either side, of equal seeds. That torch differs is no news, so no note says that alone."""
    found = against(one, other, names=("the runs before", "the runs after"))
    answers: dict[str, Literal["different", "cannot be told"]] = {
        DIFFERENT: "different",
        INCONCLUSIVE: "cannot be told",
    }
    return Statistics(
        answer=answers.get(found.outcome, "same"),
        outcome=found.outcome,
        checks=[(check.name, check.holds, check.sentence) for check in found.checks],
        notes=[note for note in found.notes if not re.fullmatch("The environments differ: torch: [^;]*", note)],
        seeds=([run.seeds.split for run in one.runs], [run.seeds.split for run in other.runs]),
        accuracies=([accuracy(run) for run in one.runs], [accuracy(run) for run in other.runs]),
        runs_needed=found.runs_needed,
    )


def judge_speed(gate: GateResult) -> Speed:
    return Speed(
        answer="slower" if gate.slower else "faster" if gate.faster else "cannot be told",
        ratio=gate.ratio,
        interval=gate.interval,
        detectable=gate.detectable,
        milliseconds=(1000 * gate.a.seconds_a_step, 1000 * gate.b.seconds_a_step),
        threads=int(gate.a.environment["threads"] or 1),
        rounds=gate.rounds,
    )


def sum_up(traces: tuple[Trace, Trace], bits: Bits, statistics: Statistics, gate: GateResult) -> Upgrade:
    before, after = (trace.header for trace in traces)
    return Upgrade(
        before=before.environment,
        after=after.environment,
        data=after.data,
        bits=bits,
        statistics=statistics,
        speed=judge_speed(gate),
    )

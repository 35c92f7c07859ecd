"""The rounds of the speed gate: who is measured, in which order and where."""

import random
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cifar_repro.cli import main
from cifar_repro.core.progress import no_progress
from cifar_repro.gate.gate import Rounds, _phase, compare, gate
from cifar_repro.gate.side import Measurement, Side
from tests.workers import Shown


class Drifting:
    """A worker in a machine in which everything takes 1 % longer than what was before."""

    made = 0

    def measure(self) -> Measurement:
        Drifting.made += 1
        return Measurement(1.01**Drifting.made, 1, [])


def drifting(rounds: int) -> Rounds:
    """What so many rounds of two such workers measure."""
    pair: Any = (Drifting(), Drifting())  # as much of a worker as a phase needs
    return _phase([pair], rounds, random.Random(0), no_progress, "")


class Counting:
    """A worker that counts how often it is asked."""

    every: ClassVar[list["Counting"]] = []

    def __init__(self, side: Side, workload: str, core: int | None) -> None:
        self.side, self.core, self.measured = side.given, core, 0
        self.every.append(self)

    def __enter__(self) -> "Counting":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def describe(self) -> dict[str, Any]:
        return {"side": self.side, "package": "p", "environment": {"threads": 1}}

    def measure(self) -> Measurement:
        self.measured += 1
        return Measurement(0.08, 10, [1.0])


def test_every_process_has_its_share_of_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of A's are measured in each round of A against A; then two pairs of processes take turns."""
    monkeypatch.setattr(Counting, "every", [])
    monkeypatch.setattr("cifar_repro.gate.gate.Worker", Counting)
    a, b = (Side(name, Path("python"), None, "contiguous", 1) for name in ("a", "b"))
    gate(a, b, "step", 20)
    # Once to warm up, 20 rounds of A against A, and 10 of each pair.
    assert [(worker.side, worker.measured) for worker in Counting.every] == [("a", 31), ("b", 11), ("a", 31), ("b", 11)]


def test_as_many_rounds_are_made_as_the_help_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no number is given."""
    monkeypatch.setattr(Counting, "every", [])
    monkeypatch.setattr("cifar_repro.gate.gate.Worker", Counting)
    a = Side("a", Path("python"), None, "contiguous", 1)
    with pytest.raises(SystemExit):
        main(["gate", "--help"])
    assert f"measurements of each side (default: {gate(a, a, 'step').rounds})" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.parametrize(("threads", "core"), [((1, 1), 6), ((1, 2), None), ((2, 1), None)])
def test_all_processes_share_a_core_where_each_has_one_thread(
    threads: tuple[int, int], core: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of those that this process may use; where a side has more threads, the system places them."""
    monkeypatch.setattr(Counting, "every", [])
    monkeypatch.setattr("cifar_repro.gate.gate.Worker", Counting)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0: {2, 6}}[process], raising=False)
    shown = Shown()

    a, b = (Side(name, Path("python"), None, "contiguous", n) for name, n in zip("ab", threads, strict=True))
    gate(a, b, "step", 20, progress=shown)
    assert [worker.core for worker in Counting.every] == [core] * 4
    bars = {"starting": 4, "A against A": 20, "A against B": 20}
    assert shown.bars == [{"total": total, "desc": desc} for desc, total in bars.items()]


@pytest.mark.parametrize(("rounds", "forward"), [(20, 10), (21, 11)])
def test_either_side_is_first_in_half_of_the_rounds(rounds: int, forward: int) -> None:
    """Of an odd number of rounds, the first side in one more."""
    measured = drifting(rounds)
    assert sum(a.seconds < b.seconds for a, b in measured) == forward


def test_either_side_of_each_pair_is_first_now_and_then() -> None:
    """The order does not change in step with the pairs: else one pair would always begin with A, the other with B."""
    pairs: Any = [(Drifting(), Drifting()), (Drifting(), Drifting())]
    measured = _phase(pairs, 40, random.Random(0), no_progress, "")
    for k in (0, 1):
        assert 5 <= sum(a.seconds < b.seconds for a, b in measured[k::2]) <= 15


def test_a_trend_favours_neither_side() -> None:
    """Either side is first in half of the rounds: what takes longer and longer makes neither of them slower."""
    measured = drifting(40)
    ratio = compare([a.seconds for a, _ in measured], [b.seconds for _, b in measured]).ratio
    assert abs(ratio - 1) < 0.005

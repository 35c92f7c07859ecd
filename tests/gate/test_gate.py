"""The speed gate: what it calls and what not, on simulated times."""

import math

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.stats import binom

from cifar_repro.core.errors import InputError
from cifar_repro.gate import text as gate_text
from cifar_repro.gate.gate import (
    LEAST_DETECTABLE,
    MOST_ROUNDS,
    GateResult,
    Rounds,
    compare,
    gate,
    rounds_to_tell,
    sum_up,
)
from cifar_repro.gate.side import Measurement, parse_side

Seconds = tuple[list[float], list[float]]  # of the first and the second, in each round


def by(ratio: float) -> Seconds:
    """40 rounds in which the second takes `ratio` times as long."""
    return [0.08] * 40, [0.08 * ratio] * 40


def simulated(rng: np.random.Generator, slowdown: float, *, noise: float, process: float, drift: float) -> GateResult:
    """A gate of 40 rounds in a machine with heavy-tailed noise, one round in ten disturbed, processes that differ and a
    common drift; all as standard deviations of the logarithm, the drift from the first to the last round."""

    def phase(*sides: list[float]) -> Seconds:
        trend = np.linspace(0, drift, 40)
        seconds = []
        for offsets in sides:
            logs = trend + noise * rng.standard_t(3, 40) / math.sqrt(3) + np.resize(offsets, 40)
            seconds.append((0.08 * np.exp(logs + rng.exponential(1.0, 40) * (rng.random(40) < 0.1))).tolist())
        return seconds[0], seconds[1]

    a1, a2, b1, b2 = (process * rng.standard_normal(4)).tolist()
    more = math.log(slowdown)
    same, found = phase([a1], [a2]), phase([a1, a2], [b1 + more, b2 + more])
    return made(same, found)


def made(same: Seconds, found: Seconds, losses: tuple[float, float] = (1.0, 1.0)) -> GateResult:
    """What is found where the rounds of A against A, and of A against B, took these seconds."""
    side = {
        "side": "x",
        "package": "p",
        "environment": {"torch": "1", "python": "3", "threads": 1, "memory_format": "contiguous"},
    }

    def rounds(seconds: Seconds) -> Rounds:
        return [
            (Measurement(a, 10, [losses[0]]), Measurement(b, 10, [losses[1]])) for a, b in zip(*seconds, strict=True)
        ]

    return sum_up("step", side, side, rounds(same), rounds(found))


def test_equal_sides_are_rarely_called_different() -> None:
    """Of 60 gates between equals, with noise of 4 %, processes that differ by 1 % and a drift of 50 %, one at most
    calls B slower."""
    rng = np.random.default_rng(1)
    gates = [simulated(rng, 1.0, noise=0.04, process=0.01, drift=0.5) for _ in range(60)]
    assert sum(g.slower for g in gates) <= 1
    assert sum(g.interval[0] > 1 for g in gates) > 3, "the interval alone would do: this test shows nothing"


def test_a_slowdown_of_a_tenth_is_found() -> None:
    """In the same machine 29 of 30 slowdowns of 10 % are found, and measured to within 4 %."""
    rng = np.random.default_rng(2)
    gates = [simulated(rng, 1.1, noise=0.04, process=0.01, drift=0.5) for _ in range(30)]
    assert sum(g.slower for g in gates) >= 29
    assert all(abs(g.ratio - 1.1) < 0.045 for g in gates)


def test_the_interval_holds_the_truth() -> None:
    """Of 100 intervals for a known ratio about 95 hold it: as many as chance gives 999 times in 1,000."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        low, high = compare(*np.exp(0.05 * rng.standard_normal((2, 40)) + [[0], [0.1]]).tolist()).interval
        held += low <= math.exp(0.1) <= high
    fewest, most = binom(100, 0.95).interval(0.999)
    assert fewest <= held <= most


def test_the_same_seconds_give_the_same_numbers() -> None:
    """Resampling is seeded; a ratio without noise comes out as it is, whatever the machine's drift."""
    first = [0.08, 0.09, 0.2, 0.07] * 10
    second = [1.25 * seconds for seconds in first]
    found = compare(first, second)
    assert found.ratio == pytest.approx(1.25)
    assert found.interval == pytest.approx((1.25, 1.25))
    noisy = (0.08 * np.exp(0.05 * np.random.default_rng(4).standard_normal((2, 40)))).tolist()
    assert compare(*noisy) == compare(*noisy)


def test_a_few_disturbed_rounds_weigh_nothing() -> None:
    """A round in seven in which B took ten times as long does not move the ratio."""
    first = [0.08] * 42
    second = [0.8 if n % 7 == 0 else 0.08 for n in range(42)]
    assert compare(first, second).ratio == 1


def test_nothing_below_the_detectable_is_called() -> None:
    """What A against A shows is the limit, in both directions; and no gate calls less than the least."""
    quiet, tilted, tilted_back = by(1), by(1.05), by(1 / 1.05)
    assert made(quiet, by(1.02)).detectable == LEAST_DETECTABLE
    assert not made(quiet, by(1.02)).slower
    assert made(quiet, by(1.04)).slower
    assert made(tilted, by(1.04)).detectable == pytest.approx(1.05)
    assert not made(tilted, by(1.04)).slower
    assert made(tilted_back, by(1.04)).detectable == pytest.approx(1.05)
    assert made(tilted, by(1.06)).slower
    assert made(quiet, by(0.9)).faster
    assert not made(quiet, by(0.98)).faster
    assert not made(quiet, by(0.9)).slower
    assert not made(by(1.5), by(1 / 1.49)).faster  # as far from 1 as 1.49, though not as far as 0.5
    assert made(by(1.5), by(1 / 1.51)).faster
    # A ratio whose interval holds 1 is none that counts, however large it is.
    wild: Seconds = ([0.08] * 41, [0.08 * 3.0 ** (n - 19) for n in range(41)])
    found = made(quiet, wild)
    assert found.ratio == pytest.approx(3)
    assert found.interval[0] < 1
    assert not found.slower
    assert not made(quiet, (wild[1], wild[0])).faster


def test_what_counts_of_a_against_a_is_its_wide_interval() -> None:
    """Its 99 % interval, which for a median of many rounds is about 2.58 / 1.96 times as wide as the 95 % one."""
    rng = np.random.default_rng(4)
    same: Seconds = ([0.08] * 400, (0.08 * np.exp(0.5 * rng.standard_normal(400))).tolist())
    found = compare(*same)
    narrow, wide = (math.log(high / low) for low, high in (found.interval, found.wide_interval))
    assert 1.2 < wide / narrow < 1.45
    assert made(same, by(1)).detectable == max(found.wide_interval[1], 1 / found.wide_interval[0])
    further_down = spread(0.7, 0.5)
    assert made(further_down, by(1)).detectable == 1 / compare(*further_down).wide_interval[0] > 1.5


def test_what_was_measured_is_told_by_side_and_phase() -> None:
    """Round by round, so that anyone can sum it up in another way."""
    same, found = ([0.25, 0.5], [0.75, 1.0]), ([1.25, 1.5], [1.75, 2.0])
    assert made(same, found).seconds == {"a": found[0], "b": found[1], "a_first": same[0], "a_again": same[1]}


def test_the_seconds_of_a_step_are_those_of_a_round_by_its_steps() -> None:
    """The median round of either side, of ten steps, over ten."""
    found = made(by(1), ([0.08] * 39 + [8.0], [0.1] * 39 + [10.0]))
    assert (found.a.seconds_a_step, found.b.seconds_a_step) == pytest.approx((0.008, 0.01))


@pytest.mark.parametrize("place", range(3))
def test_losses_that_differ_anywhere_are_told(place: int) -> None:
    """In the first step, between, or in the last: the largest difference of two losses, in parts of the larger one."""
    ours, theirs = [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]
    theirs[place] /= 2
    side = {"side": "x", "package": "p", "environment": {}}
    rounds = [(Measurement(1.0, 3, ours), Measurement(1.0, 3, theirs))] * 10
    assert sum_up("step", side, side, rounds, rounds).loss_difference == 0.5


def test_the_verdict_in_words() -> None:
    """Slower, faster and neither are told apart, and so is another computation."""
    quiet, slow, fast = by(1), by(1.25), by(0.75)
    assert "B is SLOWER: it takes 25.0 % more time" in gate_text.verdict(made(quiet, slow))
    assert "B is faster: it takes 25.0 % less time" in gate_text.verdict(made(quiet, fast))
    assert "No difference is called: the interval includes 1" in gate_text.verdict(made(quiet, quiet))
    assert "same losses, to the last bit" in gate_text.verdict(made(quiet, quiet))
    assert "do not compute the same" in gate_text.verdict(made(quiet, quiet, losses=(1.0, 1.5)))


@pytest.mark.parametrize(("ratio", "told"), [(1, "3.0 %"), (1.01, "3.0 %"), (1.25, "25.0 %"), (0.8, "25.0 %")])
def test_what_a_against_a_says_of_b_in_words(ratio: float, told: str) -> None:
    """What can be told is what A against A differs by, whichever was the slower one, and never less than 3 %."""
    ends = f"the smallest slowdown that can be told here just now is {told}"
    assert gate_text.same(compare(*by(ratio))).endswith(ends)


def spread(ratio: float, width: float, rounds: int = 40) -> Seconds:
    """Rounds in which the second takes `ratio` times as long, with evenly spread logarithms from -width to width."""
    logs = width * np.linspace(-1, 1, rounds)
    return [0.08] * rounds, (0.08 * ratio * np.exp(logs)).tolist()


def test_what_is_too_small_to_be_told_here_is_said() -> None:
    """A difference that its interval shows, but A against A could, too, is neither called nor denied: both are said."""
    found = made(by(1.259), spread(0.84, 0.05))
    assert found.interval[1] < 1
    assert not found.faster
    said = gate_text.verdict(found).splitlines()
    assert said[-3:-1] == [
        "No difference is called: the interval leaves 1 out, but A against A, the same twice, spreads as far",
        "This machine can tell only 25.9 % more or 20.6 % less time just now: 16.0 % less is too small to be told",
    ]
    needed = rounds_to_tell(found)
    assert needed is not None
    assert said[-1] == f"If 16.0 % less is right, about {needed} rounds would probably tell it (--rounds {needed})"


def test_less_than_the_least_is_never_promised() -> None:
    """Below 3 %, no number of rounds is given; nor one above a thousand, which a quieter machine is better for."""
    small, tiny = made(by(1), spread(1.02, 0.005)), made(by(1.03), by(1.0301))
    said = gate_text.verdict(small)
    assert "the interval leaves 1 out, but less than 3 % is never called" in said
    assert "2.0 % more is too small to be told" in said
    assert "rounds would" not in said
    assert rounds_to_tell(small) is None
    assert rounds_to_tell(tiny) is not None  # of sides without noise, a little above
    for ratio, change in ((1.05, "5.0 % more"), (0.95, "5.0 % less")):
        noisy = made(by(1.9), spread(ratio, 0.6))
        assert rounds_to_tell(noisy) is None
        needed = f"If {change} is right, more than 1,000 rounds would be needed: use a quieter machine"
        assert gate_text.verdict(noisy).splitlines()[-1] == needed


def test_as_many_rounds_as_are_named_do_tell() -> None:
    """Of 12 gates with the named number of rounds most call a difference, of those with a quarter of it few do."""
    rng, slowdown = np.random.default_rng(5), 1.12
    # The estimate is for the ratio that was measured: that of these is the true one.
    found = [noisy(rng, slowdown, 40) for _ in range(7)]
    needed = int(np.median([rounds_to_tell(as_measured(each, slowdown)) or 9999 for each in found]))
    called = {n: sum(noisy(rng, slowdown, n).slower for _ in range(12)) for n in (needed, needed // 4)}
    assert called[needed] >= 7
    assert called[needed // 4] <= 4


def test_half_the_difference_takes_four_times_the_rounds() -> None:
    """Of the logarithm of the ratio, for limit and interval shrink with the square root of the number of rounds."""
    found = made(by(1.4), spread(1.2, 0.2))
    whole, half = (rounds_to_tell(as_measured(found, ratio)) for ratio in (1.12**2, 1.12))
    assert whole is not None
    assert half is not None
    assert 4 * whole - 4 <= half <= 4 * whole


def test_rounds_are_named_up_to_the_most_that_there_can_be() -> None:
    """And none for a difference of the least that is ever called, which must be exceeded."""
    found = made(by(1.4), spread(1.2, 0.2))
    named = {rounds_to_tell(as_measured(found, ratio)) for ratio in np.linspace(1.04, 1.2, 4_000).tolist()}
    assert max(n for n in named if n) == MOST_ROUNDS
    assert None in named
    assert rounds_to_tell(as_measured(found, LEAST_DETECTABLE)) is None


def test_near_the_least_that_is_called_what_exceeds_it_decides() -> None:
    """Of a difference of 4 % with an error of 3 %, 1.0441 % are beyond the least: 40 * (3 / 1.0441) ** 2 rounds."""
    low, high = (math.exp(0.04 + ends * 1.96 * 0.03) for ends in (-1, 1))
    found = replace(made(by(1), by(1)), ratio=math.exp(0.04), interval=(low, high))
    assert rounds_to_tell(found) == 331


def test_what_cannot_be_compared_is_refused() -> None:
    """What is no workload, a handful of rounds, and sides of which one runs more steps than the other."""
    side = parse_side("threads=1")
    with pytest.raises(InputError, match=r"workload: 'walk' is not known: give one of step, epoch-part$"):
        gate(side, side, "walk")
    with pytest.raises(InputError, match=r"rounds: 9 are too few: give 10 or more$"):
        gate(side, side, "step", 9)
    same, longer = Measurement(0.08, 10, [1.0]), Measurement(0.08, 10, [1.0, 1.0])
    with pytest.raises(InputError, match=r"^side: the two run another number of steps: give two packages with"):
        sum_up("step", {}, {}, [(same, same)] * 10, [(same, longer)] * 10)


@pytest.mark.parametrize(
    ("same", "found"),
    [(1.4, (1.2, 0.2)), (1.4, (1 / 1.2, 0.2)), (1.0, (1.1, 0.3)), (1.0, (1 / 1.1, 0.3)), (1.0, (1.04, 0.05))],
)
def test_the_rounds_that_are_named_are_the_fewest(same: float, found: tuple[float, float]) -> None:
    """The first number whose shrunk limits the difference reaches: what A against A shows, but 3 % at least, and half
    of B's interval, each with one standard error of the ratio."""
    gate = made(by(same), spread(*found))
    half = math.log(gate.interval[1] / gate.interval[0]) / 2

    def told(rounds: int) -> bool:
        shrunk = math.sqrt(gate.rounds / rounds)
        limits = (shrunk * math.log(gate.detectable), math.log(LEAST_DETECTABLE), shrunk * half)
        return abs(math.log(gate.ratio)) >= max(limits) + shrunk * half / 1.96

    assert rounds_to_tell(gate) == next(rounds for rounds in range(1, MOST_ROUNDS) if told(rounds))


def as_measured(found: GateResult, ratio: float) -> GateResult:
    """A gate that measured this ratio, with the same spread."""
    low, high = (ratio * end / found.ratio for end in found.interval)
    return replace(found, ratio=ratio, interval=(low, high))


def noisy(rng: np.random.Generator, slowdown: float, rounds: int) -> GateResult:
    """A gate in a machine whose measurements vary by 25 %, of sides with this ratio."""
    times = 0.08 * np.exp(0.25 * rng.standard_normal((4, rounds)))
    times[3] *= slowdown
    a, again, first, second = times.tolist()
    return made((a, again), (first, second))

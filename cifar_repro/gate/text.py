"""What the speed gate prints for people to read."""

from cifar_repro.answers import Answer, Check, Outcome
from cifar_repro.gate.gate import (
    LEAST_DETECTABLE,
    MOST_ROUNDS,
    WORKLOADS,
    Comparison,
    GateResult,
    detectable,
    rounds_to_tell,
)


def same(found: Comparison) -> str:
    """What A against A says, before B is measured."""
    return (
        f"A against A, the same code twice: ratio of times {_ratio(found.ratio, found.interval)}\n"
        f"So the smallest slowdown that can be told here just now is {100 * (detectable(found) - 1):.1f} %"
    )


def verdict(gate: GateResult) -> str:
    """What was compared, and whether B is slower."""
    lines = [f"Workload {gate.workload}: {WORKLOADS[gate.workload]}; {gate.rounds} rounds"]
    for name, side in (("A", gate.a), ("B", gate.b)):
        environment, many = side.environment, side.environment["threads"] != 1
        lines.append(
            f"{name}: {1000 * side.seconds_a_step:.2f} ms a step: {side.side} (torch {environment['torch']}, python "
            f"{environment['python']}, {environment['threads']} thread{'s' * many}, {environment['memory_format']}, "
            f"{side.package})"
        )
    lines += _measured(gate)
    lines += _called(gate)
    return "\n".join(lines)


def answer(gate: GateResult) -> Answer:
    """One check. It is skipped where B seems slower, but by too little to be told here, or may be slower by more."""
    headline, *more = _called(gate)
    seems = gate.interval[0] > 1 and gate.ratio > LEAST_DETECTABLE
    told = gate.faster or not (seems or gate.interval[1] > gate.detectable)
    outcome: Outcome = "failed" if gate.slower else "passed" if told else "skipped"
    losses, measured = _measured(gate)
    workload = f"Workload {gate.workload}: {WORKLOADS[gate.workload]}; {gate.rounds} rounds"
    sides = [f"{name}: {side.side}" for name, side in (("A", gate.a), ("B", gate.b))]
    return Answer(headline, [Check("B is not slower than A", outcome, measured)], [*more, losses, workload, *sides])


def _measured(gate: GateResult) -> tuple[str, str]:
    """Whether both compute the same, and the ratio of their times."""
    losses = "Both compute the same losses, to the last bit"
    if gate.loss_difference:
        losses = f"They do not compute the same: their losses differ, relatively by up to {gate.loss_difference:.2g}"
    return losses, f"B against A: ratio of times {_ratio(gate.ratio, gate.interval)}"


def _called(gate: GateResult) -> list[str]:
    """What is called; where it is nothing: what can be told here, and how many rounds would tell more."""
    change = _change(gate.ratio)
    if gate.slower:
        return [f"B is SLOWER: it takes {change} time"]
    if gate.faster:
        return [f"B is faster: it takes {change} time"]
    limits = (1 / gate.detectable, gate.detectable)
    least = gate.detectable == LEAST_DETECTABLE
    if gate.interval[0] <= 1 <= gate.interval[1]:
        lines = ["No difference is called: the interval includes 1"]
    elif least:
        lines = ["No difference is called: the interval leaves 1 out, but less than 3 % is never called"]
    else:
        lines = ["No difference is called: the interval leaves 1 out, but A against A, the same twice, spreads as far"]
    told = f"This machine can tell {'' if least else 'only '}{_change(limits[1])} or {_change(limits[0])} time just now"
    too_small = limits[0] <= gate.ratio <= limits[1]
    lines.append(f"{told}: {change} is too small to be told" if too_small else told)
    if needed := rounds_to_tell(gate):
        lines.append(f"If {change} is right, about {needed:,} rounds would probably tell it (--rounds {needed})")
    elif not 1 / LEAST_DETECTABLE <= gate.ratio <= LEAST_DETECTABLE:
        lines.append(f"If {change} is right, more than {MOST_ROUNDS:,} rounds would be needed: use a quieter machine")
    return lines


def _change(ratio: float) -> str:
    return f"{100 * abs(ratio - 1):.1f} % {'less' if ratio < 1 else 'more'}"


def _ratio(ratio: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{ratio:.4f} (95 % interval {low:.4f} to {high:.4f})"

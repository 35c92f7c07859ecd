"""What the speed gate prints for people to read."""

from cifar_repro.gate.gate import WORKLOADS, Comparison, GateResult, detectable


def same(found: Comparison) -> str:
    """What A against A says, before B is measured."""
    return (
        f"A against A: ratio {_ratio(found.ratio, found.interval)}\n"
        f"The smallest slowdown that can be detected here: {100 * (detectable(found) - 1):.1f} %"
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
    if gate.loss_difference:
        lines.append(
            f"They do not compute the same: their losses differ, relatively by up to {gate.loss_difference:.2g}"
        )
    else:
        lines.append("Both compute the same losses, to the last bit")
    lines.append(f"B against A: ratio {_ratio(gate.ratio, gate.interval)}")
    change = 100 * abs(gate.ratio - 1)
    if gate.slower:
        lines.append(f"B is SLOWER, by {change:.1f} %")
    elif gate.faster:
        lines.append(f"B is faster: it takes {change:.1f} % less time")
    else:
        lines.append(f"No difference that A against A could not show, too ({100 * (gate.detectable - 1):.1f} %)")
    return "\n".join(lines)


def _ratio(ratio: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{ratio:.4f} (95 % interval {low:.4f} to {high:.4f})"

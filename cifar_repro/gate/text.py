"""What the speed gate prints for people to read."""

from cifar_repro.gate.gate import WORKLOADS, Comparison, Gate, detectable


def same(found: Comparison) -> str:
    """What A against A says, before B is measured."""
    return (
        f"A against A: ratio {_ratio(found)}\n"
        f"The smallest slowdown that can be detected here: {100 * (detectable(found) - 1):.1f} %"
    )


def verdict(gate: Gate) -> str:
    """What was compared, and whether B is slower."""
    lines = [f"Workload {gate.workload}: {WORKLOADS[gate.workload]}; {gate.rounds} rounds"]
    for name, side, seconds in zip("AB", (gate.a, gate.b), gate.seconds_a_step, strict=True):
        environment, many = side["environment"], side["environment"]["threads"] != 1
        lines.append(
            f"{name}: {1000 * seconds:.2f} ms a step: {side['side']} (torch {environment['torch']}, python "
            f"{environment['python']}, {environment['threads']} thread{'s' * many}, {environment['memory_format']}, "
            f"{side['package']})"
        )
    if gate.loss_difference:
        lines.append(
            f"They do not compute the same: their losses differ, relatively by up to {gate.loss_difference:.2g}"
        )
    else:
        lines.append("Both compute the same losses, to the last bit")
    lines.append(f"B against A: ratio {_ratio(gate.found)}")
    change = 100 * abs(gate.found.ratio - 1)
    if gate.slower:
        lines.append(f"B is SLOWER, by {change:.1f} %")
    elif gate.faster:
        lines.append(f"B is faster: it takes {change:.1f} % less time")
    else:
        lines.append(f"No difference that A against A could not show, too ({100 * (gate.detectable - 1):.1f} %)")
    return "\n".join(lines)


def _ratio(found: Comparison) -> str:
    low, high = found.interval
    return f"{found.ratio:.4f} (95 % interval {low:.4f} to {high:.4f})"

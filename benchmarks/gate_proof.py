"""What the speed gate calls when nothing differs, and when something does: run by hand, on the machine in question.

    python -m benchmarks.gate_proof [--same 50] [--planted 10] [--rounds N] [--json FILE]

First `--planted` gates between this package and a copy whose `train_epoch` runs one more forward and backward pass for
every ten batches, without any effect on the numbers: about a tenth more of the same kind of work. Then `--same` gates
between this package and itself. Prints a line for each gate, and the table for docs/performance.md.
"""

import argparse
import json
import shutil
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from cifar_repro.formats import plain
from cifar_repro.gate.gate import ROUNDS, GateResult, compare, gate
from cifar_repro.gate.side import HERE, Side, parse_side

PLANTED = """

_plain_train_epoch = train_epoch


def train_epoch(network, batches, optimizer):
    def with_more_work():
        for number, (images, labels) in enumerate(batches):
            if number % 10 == 0:
                state = torch.get_rng_state()  # of dropout
                torch.autograd.grad(F.cross_entropy(network(images), labels), list(network.parameters()))
                torch.set_rng_state(state)
            yield images, labels

    return _plain_train_epoch(network, with_more_work(), optimizer)
"""


def planted(folder: Path) -> Path:
    """A checkout in `folder` whose training does a tenth more."""
    shutil.copytree(HERE / "cifar_repro", folder / "cifar_repro", ignore=shutil.ignore_patterns("__pycache__"))
    training = folder / "cifar_repro" / "core" / "training.py"
    training.write_text(training.read_text() + PLANTED)
    return folder


def run(name: str, a: Side, b: Side, times: int, rounds: int, log: Path | None) -> list[GateResult]:
    gates = []
    for number in range(1, times + 1):
        start = time.perf_counter()
        made = gate(a, b, "step", rounds)
        gates.append(made)
        low, high = made.interval
        same = compare(made.seconds["a_first"], made.seconds["a_again"])
        called = "SLOWER" if made.slower else "faster" if made.faster else "no difference"
        print(
            f"{name} {number:2}: ratio {made.ratio:.4f} ({low:.4f} to {high:.4f}), A against A "
            f"{same.ratio:.4f}, detectable {made.detectable:.4f}: {called}, {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        if log is not None:
            with log.open("a") as file:
                file.write(json.dumps({"kind": name, **plain(made)}) + "\n")
    return gates


def row(name: str, gates: list[GateResult]) -> str:
    def of(values: list[float]) -> str:
        return f"{median(values):.3f} ({min(values):.3f} to {max(values):.3f})"

    ratios, limits = [g.ratio for g in gates], [g.detectable for g in gates]
    called: Any = (len(gates), sum(g.slower for g in gates), sum(g.faster for g in gates), of(ratios), of(limits))
    return "| " + " | ".join([name, *map(str, called)]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--same", type=int, default=50, metavar="N")
    parser.add_argument("--planted", type=int, default=10, metavar="N")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append every gate to this file, a line each")
    options = parser.parse_args()
    here = parse_side("threads=1")
    with tempfile.TemporaryDirectory() as folder:
        more = parse_side(str(planted(Path(folder))))
        tables = [
            (name, run(name, here, b, times, options.rounds, options.json))
            for name, b, times in (("planted", more, options.planted), ("same", here, options.same))
            if times
        ]
    print(f"\n{datetime.now(timezone.utc):%Y-%m-%d}, {options.rounds} rounds\n")
    print("| B | gates | called slower | called faster | ratio: median (range) | detectable: median (range) |")
    print("|---|---|---|---|---|---|")
    for name, gates in tables:
        print(row(name, gates))


if __name__ == "__main__":
    main()

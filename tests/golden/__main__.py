"""Renews the goldens of this machine and says what changed: `python -m tests.golden [DEVICE]`."""

import sys
from pathlib import Path

from cifar_repro.core.seeding import make_deterministic
from cifar_repro.runs import text
from cifar_repro.runs.environment import choose_device
from cifar_repro.traces.diff import diff
from cifar_repro.traces.trace_file import read_trace
from tests import golden


def main() -> None:
    device = choose_device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    for threads in (1, 2):
        make_deterministic(threads)
        path, made = golden.golden_path(device), golden.traced(device)
        if not path.exists():
            renew(path, made, "new")
            continue
        was = read_trace(path)
        changes, parting = golden.differs_in(was[0], made[0]), diff(was, made)
        if changes or not parting.identical:
            renew(
                path, made, "\n".join(["it was of another environment, or is another", *changes, text.parting(parting)])
            )
        else:
            print(f"{path.name}: equal")

    make_deterministic(1)
    exact = golden.FLOAT64
    if not exact.exists():
        renew(exact, golden.reference(), "new")
    elif far := golden.too_far(read_trace(exact)[1], golden.small_entries(device)):
        renew(exact, golden.reference(), "\n".join(["this machine was not within its tolerance", *far]))
    else:
        print(f"{exact.name}: this machine is within its tolerance")


def renew(path: Path, made: golden.Trace, why: str) -> None:
    golden.write(path, made)
    print(f"{path.name}: written: {why}")


if __name__ == "__main__":
    main()

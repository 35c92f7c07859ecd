"""Renews the goldens of this machine and says what changed: `python -m tests.golden [DEVICE]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from cifar_repro.core.seeding import make_deterministic
from cifar_repro.runs.environment import choose_device
from cifar_repro.traces import text
from cifar_repro.traces.diff import diff
from cifar_repro.traces.trace_file import Entry, TraceHeader
from tests import golden


def main() -> None:
    device = choose_device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    for threads in (1, 2):
        make_deterministic(threads)
        path, made = golden.golden_path(device), golden.traced(device)
        if not path.exists():
            renew(path, *made, "new")
            continue
        was = golden.read(path)
        changes, parting = golden.differs_in(was.header, made.header), diff(was, made)
        if changes or not parting.identical:
            why = ["it was of another environment, or is another", *changes, text.parting(parting)]
            renew(path, *made, "\n".join(why))
        else:
            print(f"{path.name}: equal")

    make_deterministic(1)
    exact = golden.FLOAT64
    if not exact.exists():
        renew(exact, *golden.reference(), "new")
    elif far := golden.too_far(golden.read_exact()[1], golden.small_entries(device)):
        renew(exact, *golden.reference(), "\n".join(["this machine was not within its tolerance", *far]))
    else:
        print(f"{exact.name}: this machine is within its tolerance")


def renew(path: Path, first: TraceHeader, entries: Sequence[Entry], why: str) -> None:
    golden.write(path, first, entries)
    print(f"{path.name}: written: {why}")


if __name__ == "__main__":
    main()

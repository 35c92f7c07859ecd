"""What a gate found, a trace and a study, all typed in."""

import json
from pathlib import Path
from typing import Any

from cifar_repro.formats import convert
from cifar_repro.gate.gate import GateResult
from cifar_repro.traces.trace_file import Entry, Trace, TraceHeader
from tests.make_studies import ENVIRONMENT, HEADER, make_study, write_study
from tests.traces.hand_made import entry


def a_gate(ratio: float = 1.0, before: str = "2.14.1", after: str = "2.14.1") -> GateResult:
    """Of two sides with these versions of torch; a ratio beyond 1.03, either way, is called."""
    sides: dict[str, Any] = {
        name: {
            "side": f"torch {torch}",
            "environment": {**ENVIRONMENT, "torch": torch},
            "package": "p",
            "seconds_a_step": seconds,
        }
        for name, torch, seconds in (("a", before, 0.004), ("b", after, 0.004 * ratio))
    }
    found = {
        "gate": 1,
        "workload": "step",
        "rounds": 40,
        **sides,
        "ratio": ratio,
        "interval": (0.99 * ratio, 1.01 * ratio),
        "detectable": 1.03,
        "slower": ratio > 1.03,
        "faster": ratio < 1 / 1.03,
        "loss_difference": 0.0,
        "seconds": {"a": [], "b": [], "a_first": [], "a_again": []},
    }
    return convert(found, GateResult, "gate")


def a_trace(torch: str, mask: float = 1.0) -> Trace:
    """Of one step with that version of torch. mask: what its dropout keeps."""
    header, *entries = _lines(torch, mask)
    return Trace(convert(header, TraceHeader, "header"), [convert(each, Entry, "entry") for each in entries])


def write_a_trace(path: Path, torch: str, mask: float = 1.0) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in _lines(torch, mask)))


def _lines(torch: str, mask: float) -> list[dict[str, Any]]:
    header = {**HEADER, "environment": {**ENVIRONMENT, "torch": torch}}
    update = entry("step 1/update/fc1.weight", 2.0 - mask)
    return [header, entry("step 1/mask/dropout#1", mask), entry("step 1/loss", 2.5), update]


def write_a_study(folder: Path, torch: str, accuracies: list[float]) -> None:
    """The study, and its first run alone, in place of what may be there; runs of equal accuracy are equal."""
    (folder / "study.json").unlink(missing_ok=True)
    for where, some in ((folder / "new", accuracies), (folder / "seed-0", accuracies[:1])):
        if not where.exists():
            study = make_study(some)
            for run in study["runs"]:
                run["environment"]["torch"] = torch
                run["epochs"][0]["train_loss"] = 100 / run["test"]["correct"]
            write_study(where, study)
    (folder / "new" / "study.json").rename(folder / "study.json")
    (folder / "new").rmdir()

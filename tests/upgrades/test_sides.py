"""What of a side's work is there already, and what is none of its own."""

import json
from dataclasses import asdict
from pathlib import Path

from cifar_repro.core.recipe import Seeds
from cifar_repro.upgrades.environments import Installed, Interpreter
from cifar_repro.upgrades.sides import Side
from tests.make_studies import make_study, write_study
from tests.upgrades.crafted import write_a_trace


def side(folder: Path, torch: str) -> Side:
    interpreter = Interpreter(Path("python"), Installed(torch=torch, torchvision="0", python="3"), own=True)
    return Side(interpreter, folder, folder, "synthetic", "cpu")


def test_runs_that_diverged_are_done_too(tmp_path: Path) -> None:
    """Else the same command would train them again each time, to no other end; more seeds than these are not done."""
    file = write_study(tmp_path / "study", make_study([50.0, 51.0])) / "study.json"
    stopped = {"epoch": 1, "phase": "training", "step": 1, "loss": "nan"}
    content = json.loads(file.read_text())
    content["diverged"] = [{"folder": "seed-2", "seeds": asdict(Seeds.all(2)), "stopped": stopped}]
    file.write_text(json.dumps(content))
    own = side(tmp_path, "2.14.1")
    assert [own.trained(seeds) is not None for seeds in (2, 3, 4)] == [True, True, False]


def test_what_another_torch_made_is_not_taken(tmp_path: Path) -> None:
    """Neither a trace nor a study, be it of the same version for another processor."""
    write_study(tmp_path / "study", make_study([50.0, 51.0]))
    write_a_trace(tmp_path / "trace.jsonl", "2.14.1")
    own, other = side(tmp_path, "2.14.1"), side(tmp_path, "2.14.1+cpu")
    assert own.traced() is not None
    assert own.trained(2) is not None
    assert other.traced() is None
    assert other.trained(2) is None

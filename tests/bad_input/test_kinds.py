"""A command that is given what another one is for says what it was given, and what that is for."""

import json
import shutil
from pathlib import Path

import pytest

from tests.bad_input.shell import Shell
from tests.bad_input.test_traces import GATE
from tests.make_data import tiny_set, write_binary_folder
from tests.make_studies import HEADER, make_study, write_study

# Commands, each with the kinds of what they read as their last argument; --data stands for all that takes data.
COMMANDS = {
    "verify": (["verify"], {"run"}),
    "evaluate": (["evaluate"], {"run", "weights"}),
    "diff": (["diff", "good.json"], {"trace"}),
    "matrix": (["matrix", "good.json"], {"trace", "gate"}),
    "report": (["report"], {"run", "study", "begun", "each"}),
    "verdict": (["verdict"], {"run", "study", "begun", "each"}),
    "against": (["verdict", "a run", "--against"], {"run", "study", "begun", "each"}),
    "audit": (["audit"], {"program"}),
    "resume": (["run", "--resume"], {"run"}),
    "tests": (["trace", "--out", "made.json", "--tests"], set()),
    "data": (["data"], {"data"}),
    "--data": (["run", "--data"], {"data"}),
}
KINDS = {  # paths, and what the line says of each
    "run": (["a run", "a run/record.json"], ["holds a run", "'cifar-repro verdict A --against B'", "'report A B'"]),
    "study": (["study", "study/study.json"], ["holds a study", "'cifar-repro verdict'", "study/seed-*"]),
    "begun": (["begun"], ["holds a study", "begun/seed-*"]),
    "each": (["each"], ["holds the studies of --vary each", "each/init"]),
    "trace": (["trace.json"], ["holds a trace", "'cifar-repro diff A B'", "'matrix A B ...'"]),
    "gate": (["gate.json", "gate of PowerShell.json"], ["holds what a gate printed", "'cifar-repro matrix'"]),
    "upgrade": (["upgrade", "upgrade/upgrade.json"], ["holds an upgrade", "upgrade.html"]),
    "weights": (
        ["a run/model_cifar.pt", "w.pth", "w.ckpt", "w.safetensors"],
        ["holds weights", "'cifar-repro evaluate'"],
    ),
    "metrics": (["a run/metrics.jsonl"], ["holds the metrics of a run", "give the folder"]),
    "program": (["train.py", "lesson.ipynb"], ["holds a program", "'cifar-repro audit'"]),
    "data": (["set", "set/cifar-10-batches-bin"], ["holds a data set", "--data"]),
}


@pytest.fixture
def things(shell: Shell, run: Path) -> None:
    """One of each kind; of what no test here reads, no more than shows its kind."""
    shutil.move(run, "a run")
    shutil.copytree("a run", "begun/seed-0")
    write_study(Path("study"), make_study([70.0, 71.0]))
    shutil.copytree("study", "each/init")
    Path("trace.json").write_text(json.dumps(HEADER))
    Path("gate.json").write_text(json.dumps(GATE, indent=1))
    Path("gate of PowerShell.json").write_text(json.dumps(GATE), encoding="utf-16")
    Path("upgrade").mkdir()
    Path("upgrade/upgrade.json").write_text('{"upgrade": 1}')
    for name in ("w.pth", "w.ckpt", "w.safetensors", "train.py", "lesson.ipynb"):
        Path(name).write_text("")
    write_binary_folder(Path("set"), tiny_set())


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("things")
def test_what_another_command_is_for_is_told_so(shell: Shell, command: str) -> None:
    """All pairs of a command and a kind that it does not take."""
    arguments, taken = COMMANDS[command]
    taker = "--data does not take" if "data" in command else f"'{arguments[0]}' does not take"
    for kind in KINDS.keys() - taken:
        paths, naming = KINDS[kind]
        for path in paths:
            shell.refuses(*arguments, path, naming=(path, taker, *naming))


@pytest.mark.usefixtures("things")
def test_a_run_is_taken_by_its_record_too(shell: Shell) -> None:
    """`evaluate` takes record.json for the folder that it is in, as other commands do."""
    assert shell.run("evaluate", "a run/record.json", "--data", "set")[0] == 0


def test_a_folder_is_never_said_not_to_be_there(shell: Shell) -> None:
    """A folder in the place of a trace or of results of tests is told from one that is missing."""
    (shell.folder / "empty").mkdir()
    for command in (["diff", "empty", "empty"], ["matrix", "empty"], ["trace", "--out", "made", "--tests", "empty"]):
        assert "no such file" not in shell.refuses(*command, naming=("empty: is no regular file",))

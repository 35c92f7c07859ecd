"""An upgrade whose two sides are this process, and which has no gate and no pip to wait for."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_repro.cli import main
from cifar_repro.gate import gate as gates
from cifar_repro.gate.gate import GateResult
from cifar_repro.studies import jobs
from cifar_repro.upgrades import environments, sides
from cifar_repro.upgrades.environments import Installed, Interpreter
from tests.make_data import tiny_set, write_binary_folder
from tests.upgrades.crafted import a_gate, write_a_study, write_a_trace
from tests.workers import in_this_process

HERE = str(torch.__version__)


class Machine:
    """What happens in place of pip, of a side's processes and of the gate, in no time.

    done: the work that was done, with the folder of its side. apart: whether the side `after` draws other masks.
    accuracies: of its runs, those of the other are 50, 51 and so on. ratio: what the gate finds. stop: after how much
    work Ctrl-C comes; None: never. real: the commands of this package do the work of a side, in this process.
    installed: the torch that pip says it installed. timed: those that the gate finds in the two sides.
    """

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.apart = False
        self.accuracies = [50.0, 51.0, 52.0, 53.0]
        self.ratio = 1.0
        self.stop: int | None = None
        self.real = False
        self.installed = HERE
        self.timed = (HERE, HERE)

    def step(self, side: str, what: str) -> None:
        if self.stop is not None and len(self.done) >= self.stop:
            raise KeyboardInterrupt
        self.done.append((side, what))

    def make(self, version: str, cache: Path) -> Interpreter:
        installed = Installed(torch=self.installed, torchvision="0", python=platform.python_version())
        return Interpreter(Path(sys.executable), installed, own=True)

    def run(self, command: Sequence[str], log: Path, what: str, cwd: Path, env: dict[str, str]) -> None:
        assert command[1:3] == ["-m", "cifar_repro"]
        assert (Path(env["PYTHONPATH"].split(os.pathsep)[0]) / "cifar_repro" / "__main__.py").is_file()
        name, *arguments = command[3:]
        at = arguments.index("--out") + 1
        out = cwd / arguments[at]
        seeds = arguments[arguments.index("--seeds") + 1] if name == "study" else ""
        self.step(cwd.name, f"{name} {seeds}".strip())
        after = cwd.name == "after"
        assert name != "trace" or not out.exists(), "the command itself writes over no file"
        if self.real:
            with pytest.MonkeyPatch.context() as monkeypatch:
                monkeypatch.chdir(cwd)
                assert main([name, *arguments]) == 0
        elif name == "trace":
            write_a_trace(out, HERE, mask=0.0 if self.apart and after else 1.0)
        else:
            write_a_study(out, HERE, (self.accuracies if after else [50.0, 51.0, 52.0, 53.0])[: int(seeds)])

    def gate(self, a: Any, b: Any, workload: str, rounds: int, **_: Any) -> GateResult:
        self.step("both", "gate")
        return a_gate(self.ratio, *self.timed)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(environments, "make", made.make)
    monkeypatch.setattr(sides, "run", made.run)
    monkeypatch.setattr(sides, "STEPS", 2)
    monkeypatch.setattr(gates, "gate", made.gate)
    monkeypatch.setattr(jobs, "run_here", in_this_process)
    return made


@pytest.fixture(scope="session")
def few_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 random training images, 2 steps an epoch, and 20 test images."""
    return write_binary_folder(tmp_path_factory.mktemp("few"), tiny_set(per_batch=10, test=20))

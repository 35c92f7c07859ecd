"""What a side does: it traces and trains in its own interpreter, by the commands of this package.

A result that is there, whole and of the side's torch, is taken as it is: an interrupted upgrade goes on where it was.
"""

from dataclasses import dataclass
from pathlib import Path

from cifar_repro.core.errors import InputError
from cifar_repro.runs.environment import Environment
from cifar_repro.runs.folders import STUDY
from cifar_repro.studies.results import read_results
from cifar_repro.studies.study_file import Study
from cifar_repro.traces.trace_file import Trace, read_trace
from cifar_repro.upgrades.environments import Interpreter, variables
from cifar_repro.upgrades.processes import run

TRACE = "trace.jsonl"
STEPS, EPOCHS = 20, 1
THREADS = "1"  # a run: several run at a time, and the bits do not hang on how many cores there are


@dataclass(frozen=True)
class Side:
    """An interpreter, the folder of its results, and the folder that holds the cifar_repro that it runs.

    data, device: as --data and --device take them.
    """

    interpreter: Interpreter
    folder: Path
    package: Path
    data: str
    device: str

    @property
    def name(self) -> str:
        return f"torch {self.interpreter.installed.torch}"

    def traced(self) -> Trace | None:
        """The trace of the first steps, if there is one."""
        try:
            found = read_trace(self.folder / TRACE)
        except InputError:
            return None
        return found if self._own(found.header.environment) else None

    def trace(self) -> Trace:
        """The trace, made if need be. Raises InputError where the side cannot do it."""
        if (found := self.traced()) is None:
            (self.folder / TRACE).unlink(missing_ok=True)  # a damaged one
            self._run("trace", "--out", TRACE, "--steps", str(STEPS))
            found = read_trace(self.folder / TRACE)
            self._check(found.header.environment)
        return found

    def trained(self, seeds: int) -> Study | None:
        """The study of that many seeds or more, if there is one."""
        try:
            study = read_results(self.folder / "study" / STUDY)
        except InputError:
            return None
        whole = len(study.runs) + len(study.diverged) >= seeds
        return study if whole and self._own(study.runs[0].environment) else None

    def train(self, seeds: int) -> Study:
        """The study, made or added to if need be. Raises InputError as `trace` does."""
        if (found := self.trained(seeds)) is None:
            self._run("study", "--out", "study", "--seeds", str(seeds), "--epochs", str(EPOCHS))
            found = read_results(self.folder / "study")
            self._check(found.runs[0].environment)
        return found

    def first_run(self) -> Study:
        """The run of seed 0 alone, as a study, once it has been trained."""
        return read_results(self.folder / "study" / "seed-0")

    def _run(self, command: str, *arguments: str) -> None:
        common = ["--data", self.data, "--device", self.device, "--threads", THREADS]
        run(
            [str(self.interpreter.path), "-m", "cifar_repro", command, *arguments, *common],
            self.folder / "log.txt",
            f"{self.name}: {command}",
            cwd=self.folder,  # where nothing is to import
            env=variables(self.interpreter, self.package),
        )

    def _own(self, environment: Environment) -> bool:
        return environment.torch == self.interpreter.installed.torch

    def _check(self, environment: Environment) -> None:
        """Raises InputError where the interpreter found another torch than its own."""
        if not self._own(environment):
            raise InputError(f"{self.name}: {self.interpreter.path} found torch {environment.torch}: unset PYTHONPATH")

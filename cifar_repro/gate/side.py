"""What a speed gate compares, and the processes that run it and answer line by line."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import cifar_repro
from cifar_repro.core.errors import InputError

WORKER = Path(__file__).with_name("worker.py")
HERE = Path(cifar_repro.__file__).parents[1]
MEMORY_FORMATS = ("contiguous", "channels_last")
SETTINGS = ("memory_format", "threads")


@dataclass(frozen=True)
class Side:
    """What runs a workload: this interpreter, package and settings, but for what was given.

    given: as on the command line. package: the folder that holds the side's cifar_repro; None: what its interpreter
    finds.
    """

    given: str
    interpreter: Path
    package: Path | None
    memory_format: str
    threads: int


def parse_side(given: str, threads: int = 1) -> Side:
    """A side from the path of a Python interpreter, that of a checkout, or settings ("threads=1,memory_format=F").

    Raises InputError if it is none of them.
    """
    _threads(str(threads))
    here = Path(sys.executable)
    path = Path(given)
    if given and path.is_dir():
        if not (path / "cifar_repro" / "__init__.py").is_file():
            raise InputError(f"side: {given!r} is a folder without cifar_repro in it: give a checkout")
        return Side(given, here, path.absolute(), "contiguous", threads)
    settings = dict(part.partition("=")[::2] for part in given.split(","))
    if "=" in given and not path.exists():
        if unknown := [name for name in settings if name not in SETTINGS]:
            raise InputError(f"side: {unknown[0]!r} of {given!r} is no setting: give {' or '.join(SETTINGS)}")
        memory_format = settings.get("memory_format", "contiguous")
        if memory_format not in MEMORY_FORMATS:
            raise InputError(f"memory_format: {memory_format!r} is not known: give one of {', '.join(MEMORY_FORMATS)}")
        return Side(given, here, HERE, memory_format, _threads(settings.get("threads", str(threads))))
    found = shutil.which(given)
    if found is None:
        raise InputError(f"side: {given!r} is no interpreter, checkout or setting: give one")
    # Not resolved: the link in a virtual environment is what makes it one.
    return Side(given, Path(found).absolute(), None, "contiguous", threads)


def _threads(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= 1024:
        raise InputError(f"threads: {given!r} is out of range: give a whole number from 1 to 1024")
    return int(given)


@dataclass(frozen=True)
class Measurement:
    """seconds: of all steps together. losses: what the workload computed, to compare."""

    seconds: float
    steps: int
    losses: list[float]


class Worker:
    """A process that runs a side's workload, once for each `measure`, and sleeps in between. A context manager.

    core: the one CPU core to run on, or None for all. Raises InputError, with the last line of its stderr, if it dies.
    """

    def __init__(self, side: Side, workload: str, core: int | None) -> None:
        self.side = side
        settings = {
            "workload": workload,
            "package": None if side.package is None else str(side.package),
            "memory_format": side.memory_format,
            "threads": side.threads,
            "core": core,
        }
        # Threads that spin while they wait would take the cores from the other side.
        variables = {**os.environ, "OMP_WAIT_POLICY": "passive", "PYTHONHASHSEED": "0"}
        self._folder = tempfile.TemporaryDirectory(prefix="cifar-repro-gate-")  # nothing to import there
        self._stderr = Path(self._folder.name) / "stderr"
        try:
            with self._stderr.open("w") as stderr:
                self._process = subprocess.Popen(
                    [str(side.interpreter), "-c", WORKER.read_text(encoding="utf-8"), json.dumps(settings)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                    cwd=self._folder.name,
                    env=variables,
                )
        except OSError as error:
            self._folder.cleanup()
            raise InputError(f"side: {side.given!r} cannot be run ({error.strerror}): give an interpreter") from error

    def describe(self) -> dict[str, Any]:
        """`environment` and `package` of the side; waits until the worker is ready. To be called first, and once."""
        return {"side": self.side.given, **self._answer("environment", "package")}

    def measure(self) -> Measurement:
        """One run of the workload."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("measure\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it is dead, and `_answer` says of what
        return Measurement(**self._answer("seconds", "steps", "losses"))

    def _answer(self, *names: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            answer: dict[str, Any] = json.loads(line)
            return {name: answer[name] for name in names}
        except (ValueError, KeyError, TypeError) as error:
            if line:
                self._process.kill()  # it lives, and talks nonsense
            status = self._process.wait()
            said = self._stderr.read_text(errors="replace").strip().splitlines()
            why = ": ".join([f"it ended with status {status}", *said[-1:]])
            if missing := [name for name in ("torch", "cifar_repro") if f"No module named '{name}'" in why]:
                why += f": install {missing[0]} there"
            else:
                why += ": see that the workload runs there"
            raise InputError(f"side: {self.side.given!r} does not work: {why}") from error

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

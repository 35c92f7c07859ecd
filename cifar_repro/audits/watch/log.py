"""The log of a watched program, and the places in it."""

import functools
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import cifar_repro
from cifar_repro.audits.events import Bridge, Event, Failed, Place

DEEPEST = 4  # places of the program that an event names


def put(owner: Any, name: str, value: Any) -> None:
    """Puts something in the place of a function of torch, say, for the rest of this process."""
    setattr(owner, name, value)


def around(owner: Any, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates what is put in the place of a function: it is called with the original, and then as that."""
    original = getattr(owner, name)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def instead(*args: Any, **kwargs: Any) -> Any:
            return function(original, *args, **kwargs)

        put(owner, name, instead)
        return function

    return decorate


class Log:
    """Writes events as they happen, so that all of them are there however the program ends."""

    def __init__(self, path: Path, program: Path):
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - as long as the process
        self._program = program
        self._folder = str(program.parent) + "/"
        # Packages may lie below the program's folder, too: a virtual environment, this package.
        self._packages = (sys.prefix + "/", str(Path(cifar_repro.__file__).parent) + "/")
        self.cells: dict[str, str] = {}  # of a notebook: what Python calls a cell's file -> "cell 3"
        self._bridged: set[str] = set()

    def write(self, event: Event) -> None:
        self._file.write(msgspec.json.encode(event) + b"\n")

    def bridged(self, what: str) -> None:
        """Notes once that something was made to run."""
        if what not in self._bridged:
            self._bridged.add(what)
            self.write(Bridge(what=what, at=self.here()))

    def failed(self, error: BaseException) -> None:
        """Notes the error with which the program ended."""
        places: list[Place] = []
        step = error.__traceback__
        while step is not None:
            if name := self._name(step.tb_frame.f_code.co_filename):
                places.insert(0, (name, step.tb_lineno))
            step = step.tb_next
        if isinstance(error, SyntaxError) and error.lineno and (name := self._name(error.filename or "")):
            places.insert(0, (name, error.lineno))
        lines = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines()
        self.write(Failed(error=type(error).__name__, message=lines[0] if lines else "", at=places[:DEEPEST]))

    def here(self) -> list[Place]:
        """Where the program is, the innermost place first."""
        places: list[Place] = []
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None and len(places) < DEEPEST:
            if name := self._name(frame.f_code.co_filename):
                places.append((name, frame.f_lineno))
            frame = frame.f_back
        return places

    def _name(self, file: str) -> str | None:
        """What people call a file of the program; None for all other files."""
        if file in self.cells:
            return self.cells[file]
        if file.startswith(self._folder) and not file.startswith(self._packages) and "site-packages" not in file:
            return file[len(self._folder) :]
        return None

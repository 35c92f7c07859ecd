"""Runs somebody else's program, unchanged, in a process of its own, and brings back what happened in it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np

import cifar_repro
from cifar_repro.audits.events import Event, Failed, Finished, TimedOut, of_kind, read_events
from cifar_repro.audits.small_data import SmallSet
from cifar_repro.audits.watch import VARIABLE, Setting
from cifar_repro.core.errors import InputError

SHORT_AFTER = 0.4  # of the time that it may take: after that, epochs are made short so that its end is seen
KINDS = {".py": "cifar_repro.audits.watch.script", ".ipynb": "cifar_repro.audits.watch.notebook"}


# Runs the program that the setting names in a folder, its output in a file, for some seconds at most: its exit status,
# None if it was stopped.
Launch = Callable[[Setting, Path, Path, float], int | None]


def check_program(file: Path) -> None:
    """Raises InputError where this file cannot be run at all."""
    if not file.is_file():
        raise InputError(f"{file}: {'is no file' if file.exists() else 'no such file'}: give a notebook or a script")
    if file.suffix not in KINDS:
        raise InputError(f"{file}: is neither .py nor .ipynb: give a notebook or a script")
    if file.suffix == ".ipynb":
        try:
            if not isinstance(json.loads(file.read_bytes())["cells"], list):
                raise ValueError("its cells are no list")
        except (ValueError, LookupError, TypeError) as error:
            raise InputError(f"{file}: is no notebook ({error}): give one of format 4") from error
        if not (find_spec("nbclient") and find_spec("ipykernel")):
            raise InputError(f"{file}: notebooks need more packages: python -m pip install 'cifar-repro[audit]'")


def run_program(file: Path, data: SmallSet, timeout: float, launch: Launch | None = None) -> list[Event]:
    """What happened while the program ran, at most for `timeout` seconds; its last event says how it ended.

    launch: another way to start it than a new process of Python.
    """
    with tempfile.TemporaryDirectory(prefix="cifar-repro-audit-", ignore_cleanup_errors=True) as scratch:
        log, images, words = (Path(scratch) / name for name in ("log", "images.npz", "words"))
        folder = Path(scratch) / "work"
        folder.mkdir()
        np.savez(images, **{name: value for name, value in asdict(data).items() if name != "source"})
        said = Setting(file=str(file.resolve()), data=str(images), log=str(log), hurry=SHORT_AFTER * timeout)
        status = (launch or _python)(said, folder, words, timeout)
        events = read_events(log)
        if status is None:
            return [*events, TimedOut(seconds=timeout)]
        if not of_kind(events, Failed) and not of_kind(events, Finished):
            said_last = words.read_text(errors="replace").strip().splitlines()[-1:]
            events.append(Failed(error=f"exit status {status}", message=" ".join(said_last)))
        return events


def _python(said: Setting, folder: Path, words: Path, timeout: float) -> int | None:
    """The exit status of a process that runs the program in this folder; None if it had to be stopped."""
    file = Path(said.file)
    with open(words, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", KINDS[file.suffix]],
            cwd=folder,
            env=_environment(file, said),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all that it starts can be stopped with it
        )
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and what it started; a notebook's kernel, which has a group of its own, ends with it."""
    for sign, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        try:
            os.killpg(process.pid, sign)
            process.wait(seconds)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _environment(file: Path, said: Setting) -> dict[str, str]:
    package = Path(cifar_repro.__file__).parents[1]
    paths = [str(file.resolve().parent)] if file.suffix == ".ipynb" else []
    if package.name != "site-packages":  # from there it is found anyway, and its place in the order is the last
        paths.insert(0, str(package))
    paths += filter(None, [os.environ.get("PYTHONPATH")])
    return {
        **os.environ,
        VARIABLE: msgspec.json.encode(said).decode(),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "TQDM_DISABLE": "1",
        "WANDB_MODE": "disabled",
    }

"""Runs programs, and pytest, in copies of a process in which torch is loaded already: a tenth of the time of new ones.

The copies are of a server, and not of the process of the tests: torch cannot be forked once it has computed gradients.
"""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pytest
import torch
import torchvision  # noqa: F401 - so that the copies have it

import cifar_repro.audits.watch.data
import cifar_repro.audits.watch.training  # noqa: F401 - so that the copies have it
from cifar_repro.audits.watch import Setting, script

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([__name__])


def _stand(folder: Path, output: Path, errors: Path | None = None) -> None:
    """This process works in the folder and writes to the files; the same one where errors have none of their own."""
    for stream, path in ((1, output), (2, errors or output)):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND), stream)
    sys.stdin, sys.stdout, sys.stderr = open(os.devnull), open(1, "w"), open(2, "w")  # noqa: SIM115 - as long as the process
    os.chdir(folder)
    torch.set_num_threads(1)  # others work beside it


def _run(said: Setting, folder: Path, words: Path) -> None:
    _stand(folder, words)
    torch.seed(), np.random.seed(), random.seed()  # noqa: NPY002 - a new process does not start as its parent is
    status = 1
    try:
        script.run(said)
        sys.stdout.flush()
        status = 0
    finally:
        os._exit(status)


def launch(said: Setting, folder: Path, words: Path, timeout: float) -> int | None:
    """As `program.run_program` starts a script, in such a copy."""
    child = SERVER.Process(target=_run, args=(said, folder, words))
    child.start()
    child.join(timeout)
    if child.exitcode is None:
        child.kill()
        child.join()
        return None
    return child.exitcode


def _pytest(arguments: list[str], folder: Path, path: list[Path], output: Path, errors: Path) -> None:
    _stand(folder, output, errors)
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a process in the background ignores
    for name in [name for name in sys.modules if name.partition(".")[0] in ("cifar_repro", "tests", "benchmarks")]:
        del sys.modules[name]
    sys.path[:0] = ["", *map(str, path)]
    sys.argv = ["pytest"]
    status = 70
    try:
        status = int(pytest.main(arguments))
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)


def run_pytest(arguments: list[str], folder: Path, path: list[Path]) -> subprocess.CompletedProcess[str]:
    """`python -m pytest` with no plugin but those named, in that folder, with `path` before all that is installed."""
    with tempfile.TemporaryDirectory() as scratch:
        output, errors = Path(scratch) / "stdout", Path(scratch) / "stderr"
        child = SERVER.Process(target=_pytest, args=(arguments, folder, path, output, errors))
        child.start()
        child.join()
        assert child.exitcode is not None
        return subprocess.CompletedProcess(arguments, child.exitcode, output.read_text(), errors.read_text())

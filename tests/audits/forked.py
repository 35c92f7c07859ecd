"""Runs programs in copies of a process in which torch is loaded already: a tenth of the time of new ones.

The copies are of a server, and not of the process of the tests: torch cannot be forked once it has computed gradients.
"""

import multiprocessing
import os
import random
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import torch
import torchvision  # noqa: F401 - so that the copies have it

import cifar_repro.audits.watch.data
import cifar_repro.audits.watch.training  # noqa: F401 - so that the copies have it
from cifar_repro.audits.watch import Setting, script

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([__name__])


def _run(said: Setting, folder: Path, words: Path) -> None:
    output = os.open(words, os.O_CREAT | os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.stdin, sys.stdout, sys.stderr = open(os.devnull), open(1, "w"), open(2, "w")  # noqa: SIM115 - as long as the process
    os.chdir(folder)
    torch.set_num_threads(1)
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

"""Runs programs in copies of this process, in which torch is loaded already: a tenth of the time of new ones."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import torch
import torchvision  # noqa: F401 - so that the copies have it

import cifar_repro.audits.watch.data
import cifar_repro.audits.watch.training  # noqa: F401
from cifar_repro.audits.watch import Setting, script


def launch(said: Setting, folder: Path, words: Path, timeout: float) -> int | None:
    """As `program.run_program` starts a script, in a fork."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        status = 1
        try:
            output = os.open(words, os.O_CREAT | os.O_WRONLY)
            for stream in (1, 2):
                os.dup2(output, stream)
            sys.stdin, sys.stdout, sys.stderr = open(os.devnull), open(1, "w"), open(2, "w")  # noqa: SIM115
            os.chdir(folder)
            torch.set_num_threads(1)
            torch.seed(), np.random.seed(), random.seed()  # noqa: NPY002 - a new process does not start as its parent is
            script.run(said)
            sys.stdout.flush()
            status = 0
        finally:
            os._exit(status)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        done, how = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(how)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None

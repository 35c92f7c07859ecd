"""Processes of a study that are killed as they start. Imports nothing that takes time."""

import os
import signal

STUDY = "PROCESS_OF_THE_STUDY"


def killed_at_start(*arguments: object) -> None:
    """Never called: a process other than that of the study is killed as it imports this module."""


if os.environ.get(STUDY, pid := str(os.getpid())) != pid:
    os.kill(os.getpid(), signal.SIGINT)  # which it never hears: else the status would be another
    os.kill(os.getpid(), signal.SIGKILL)

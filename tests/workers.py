"""What does the jobs of a study in a test."""

from collections.abc import Generator

from cifar_repro.core.data import Cifar10
from cifar_repro.studies.jobs import EpochDone, Job, Outcome, finish


def in_this_process(jobs: list[Job], data: Cifar10, processes: int = 1) -> Generator[EpochDone | Outcome]:
    """Does them one after the other in this process: a process of its own takes seconds to start."""
    for job in jobs:
        epochs: list[EpochDone] = []
        outcome = finish(job, data, lambda: epochs.append(EpochDone()))  # noqa: B023 - called at once
        yield from [*epochs, outcome]

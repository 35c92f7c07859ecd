"""What stands in, in a test, for what takes time: processes of a study, and figures."""

from collections.abc import Generator

import pytest

from cifar_repro.core.data import Cifar10
from cifar_repro.studies.jobs import EpochDone, Job, Outcome, finish


def in_this_process(jobs: list[Job], data: Cifar10, processes: int = 1) -> Generator[EpochDone | Outcome]:
    """Does them one after the other in this process: a process of its own takes seconds to start."""
    for job in jobs:
        epochs: list[EpochDone] = []
        outcome = finish(job, data, lambda: epochs.append(EpochDone()))  # noqa: B023 - called at once
        yield from [*epochs, outcome]


def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take most of the time of a tiny run."""
    for name in ("draw_data", "draw_results"):
        monkeypatch.setattr(f"cifar_repro.report.run_figures.{name}", lambda *arguments: None)

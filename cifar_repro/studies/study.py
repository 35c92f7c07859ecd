"""A study: one recipe with many seeds, each an ordinary run in a folder of its own, and what they say together.

The folders of the runs are all that a study is made of. `study.json` is made from them once every run is done; so a
study that was interrupted, or begun by `cifar-repro run`, goes on from what is there.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.formats import encode
from cifar_repro.runs.folders import A_STUDY, SOURCES, STUDIES, STUDY, Source, alone, check_only
from cifar_repro.runs.record import NAME as RECORD
from cifar_repro.runs.record import PARTS, Data, Record, describe_data, plain_with_changes, read_record
from cifar_repro.runs.run import check_unused
from cifar_repro.studies.jobs import Job, Outcome, Workers
from cifar_repro.studies.results import read_study
from cifar_repro.studies.study_file import Diverged, Study, StudyRun
from cifar_repro.studies.summary import sum_up

MOST_SEEDS = 10_000  # more is a slip of the keyboard
FIXED = Seeds()  # what does not vary, unless told otherwise


@dataclass(frozen=True)
class Plan:
    """What a study is to be. vary: the one source of randomness that varies, the others staying as in `base`; or None.

    device: as the workers are to choose it. torch: the version that every run must have, by default that of here.
    """

    folder: Path
    recipe: Recipe
    first_seed: int = 0
    seeds: int = 10
    vary: Source | None = None
    base: Seeds = FIXED
    device: str = "cpu"
    memory_format: str = "contiguous"
    threads: int = 1
    torch: str = torch.__version__

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise InputError(f"seeds: {self.seeds} is out of range: give a whole number from 1 to {MOST_SEEDS:,}")
        if self.vary is not None and self.vary not in SOURCES:
            raise InputError(f"vary: {self.vary!r} is not known: give one of {', '.join(SOURCES)}")

    def jobs(self) -> list[Job]:
        """One a seed, in the order of the seeds. Raises InputError where a seed is out of range."""
        settings = (self.device, self.memory_format, self.threads, self.torch)
        return [
            Job(self.folder / f"seed-{s}", self.recipe, self._seeds(s), *settings)
            for s in range(self.first_seed, self.first_seed + self.seeds)
        ]

    def _seeds(self, s: int) -> Seeds:
        return Seeds.all(s) if self.vary is None else Seeds(**{**asdict(self.base), self.vary: s})

    def of_each_source(self) -> list["Plan"]:
        """The plans of a study of each source alone, in folders of their names. Raises InputError as `check_only`."""
        check_only(STUDIES, self.folder)
        return [replace(self, vary=source, folder=self.folder / source) for source in SOURCES]


def run_study(
    plan: Plan,
    data: Cifar10,
    workers: Workers,
    after_run: Callable[[str, Record], None] = lambda name, record: None,
    progress: Progress = no_progress,
) -> tuple[Study, int]:
    """Does what is left to do of a study, writes its study.json and returns it, with the number of epochs trained.

    `after_run(name, record)` follows each run that is done, with the name of its folder and its record. Raises
    InputError, before any work, where the folder holds what is not of this study or another process works in it;
    KeyboardInterrupt on Ctrl-C or SIGTERM, once no worker is left: what was finished, epochs included, stays. Diverged
    runs are listed, and left out of all statistics; where all are, there is no study.json.
    """
    jobs = plan.jobs()
    done = epochs_done(plan, data)  # before the lock: a folder that is refused stays as it was
    plan.folder.mkdir(parents=True, exist_ok=True)
    with alone(plan.folder, "study"), interrupted_by_sigterm():
        bits: dict[str, str | None] = {}
        trained = 0
        total = len(jobs) * (plan.recipe.epochs + 1) - done  # testing counts as an epoch
        with closing(workers(jobs, data)) as events:
            for event in progress(events, total=total, desc=f"{len(jobs)} seeds"):
                if isinstance(event, Outcome):
                    bits[event.folder] = event.correct_bits
                    after_run(event.folder, read_record(plan.folder / event.folder))
                else:
                    trained += 1
        study = _study(plan, jobs, data, bits)
        if study.runs:
            with replacing(plan.folder / STUDY) as file:
                file.write(encode(plain_with_changes(study)))
        return study, trained


def epochs_done(plan: Plan, data: Cifar10) -> int:
    """The number of epochs of a study that its folder holds. Raises InputError for anything there of another study."""
    check_only(A_STUDY, plan.folder)
    jobs, described = plan.jobs(), describe_data(data)
    folders = {job.folder.name for job in jobs}
    there = {path.name for path in plan.folder.glob("seed-*")} | set(_runs_in(plan.folder / STUDY))
    if others := sorted(there - folders, key=lambda name: (len(name), name)):
        raise InputError(
            f"out: {str(plan.folder)!r} holds {others[0]}, which is not one of {jobs[0].folder.name} to "
            f"{jobs[-1].folder.name}: give all its seeds, by first-seed and seeds, or a new folder"
        )
    done = 0
    for job in jobs:
        if (job.folder / RECORD).exists():
            record = read_record(job.folder)
            _check_belongs(job, record, described)
            done += len(record.epochs)
        else:
            check_unused(job.folder)
    return done


def _runs_in(path: Path) -> list[str]:
    """The folders of the runs that a study.json tells of; none where there is no such file."""
    if not path.exists():
        return []
    try:
        study = read_study(path)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no study of this version ({error}): give a new folder") from error
    return [*(run.folder for run in study.runs), *(run.folder for run in study.diverged)]


def _check_belongs(job: Job, record: Record, described: Data) -> None:
    """Raises InputError unless the record is one of the job."""
    recorded = record.environment
    pairs: list[tuple[str, Any, Any]] = [
        *((f.name, getattr(record.recipe, f.name), getattr(job.recipe, f.name)) for f in fields(Recipe)),
        *((f"{name}-seed", getattr(record.seeds, name), getattr(job.seeds, name)) for name in SOURCES),
        *(
            (f"{part} images", getattr(record.data.fingerprints, part)[:12], getattr(described.fingerprints, part)[:12])
            for part in PARTS
        ),
        ("device", recorded.device.split(":")[0], job.device.split(":")[0]),
        *((name, getattr(recorded, name), getattr(job, name)) for name in ("torch", "threads", "memory_format")),
    ]
    for name, was, wanted in pairs:
        if was != wanted:
            raise InputError(
                f"out: {job.folder} is no run of this study ({name}: {was}, not {wanted}): give the same options as "
                "before, or a new folder"
            )


def _study(plan: Plan, jobs: list[Job], data: Cifar10, bits: dict[str, str | None]) -> Study:
    """The study, from the records of the runs and the bits of their test images."""
    runs, diverged = [], []
    for job in jobs:
        record, name = read_record(job.folder), job.folder.name
        correct = bits[name]
        if correct is not None:
            runs.append(StudyRun.of(record, name, correct))
        elif record.stopped is not None:
            diverged.append(Diverged(folder=name, seeds=record.seeds, stopped=record.stopped))
    return sum_up(plan.recipe, plan.vary, describe_data(data), runs, diverged)


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Inside, SIGTERM is as good as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

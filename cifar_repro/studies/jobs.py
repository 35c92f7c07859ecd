"""The runs of a study, each in its folder, by as many processes as there are cores."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.core.seeding import make_deterministic
from cifar_repro.runs.environment import choose_device
from cifar_repro.runs.record import NAME, read_record
from cifar_repro.runs.run import Run
from cifar_repro.studies.summary import pack_bits


@dataclass(frozen=True)
class Job:
    """One run of a study, and where it is kept. torch: the version that all runs of the study must have."""

    folder: Path
    recipe: Recipe
    seeds: Seeds
    device: str
    memory_format: str
    threads: int
    torch: str


@dataclass(frozen=True)
class Outcome:
    """A job that is done. correct_bits: see `pack_bits`; None where the run diverged."""

    folder: str
    correct_bits: str | None


@dataclass(frozen=True)
class EpochDone:
    """A job has finished one more epoch."""


# What does the jobs of a study: yields what happens as it happens.
Workers = Callable[[list[Job], Cifar10], Generator[EpochDone | Outcome]]


def finish(job: Job, data: Cifar10, after_epoch: Callable[[], None] = lambda: None) -> Outcome:
    """Starts the job's run, or goes on with it, or takes it as it is; sets up this process for it.

    A run that is complete is only tested again, for which images it gets right. Raises InputError where this process
    cannot give the same bits, or where the run's weights do not give its recorded test result.
    """
    make_deterministic(job.threads)
    if torch.__version__ != job.torch:
        raise InputError(f"torch: {torch.__version__} here is not the {job.torch} of the study: install that one")
    name = job.folder.name
    if (job.folder / NAME).exists():
        record = read_record(job.folder)
        if record.status == "diverged":
            return Outcome(name, None)
        complete = record.status == "complete"
        run = Run(job.folder, record, data, None) if complete else Run.resume(job.folder, record, data)
    else:
        complete = False
        device = choose_device(job.device)
        run = Run.start(job.folder, job.recipe, job.seeds, data, device, job.memory_format)
    with closing(run):
        if not complete:
            try:
                run.train(lambda epoch, previous_best: after_epoch())
            except NonFiniteLoss:  # which is in the record
                return Outcome(name, None)
        recorded = run.record.test
        result = run.test()
        if not complete:
            run.complete()
        elif recorded is None or result.confusion.tolist() != recorded.confusion:
            raise InputError(
                f"{job.folder}: its weights give {result.correct} correct test images here, its record says "
                f"{recorded.correct if recorded else 'nothing'}: move the folder away and the seed is run again"
            )
    return Outcome(name, pack_bits((result.predicted == data.test.labels).numpy()))


def default_processes(device: str, threads: int) -> int:
    """As many as have a core for each of their threads; on a GPU, which they would share, one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // threads) if device == "cpu" else 1


def run_here(jobs: list[Job], data: Cifar10, processes: int) -> Generator[EpochDone | Outcome]:
    """Finishes the jobs in `processes` processes and yields what happens as it happens.

    Each process is told its jobs one by one. However this generator ends, the processes end with it, at once; so they
    do where this process is killed. Raises what `finish` raises, and InputError where a process dies.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    content = pickle.dumps(data)  # in one piece, as torch's own way through a pipe needs shared memory
    workers: dict[Connection, BaseProcess] = {}
    todo = list(reversed(jobs))
    at: dict[Connection, str] = {}

    @contextmanager
    def alive(connection: Connection) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError):
            workers[connection].join()
            raise InputError(_died(at[connection], workers[connection].exitcode)) from None

    def next_job(connection: Connection) -> None:
        if not todo:
            del at[connection]
            with suppress(ConnectionError):  # it has done all its jobs
                connection.send(None)
            return
        job = todo.pop()
        at[connection] = job.folder.name
        with alive(connection):
            connection.send(job)

    try:
        for _ in range(min(processes, len(jobs))):
            connection, theirs = context.Pipe()
            with _interrupted_later():
                started = context.Process(target=_work, args=(theirs,), daemon=True)
                started.start()
                workers[connection] = started
            theirs.close()
        for connection in workers:
            next_job(connection)
            # Not among what the process is started with: the pipe of that is never closed here, so that the write of
            # the data would wait for ever for a process that was killed.
            with alive(connection):
                connection.send_bytes(content)
        del content  # as large as the data
        while at:
            ready = wait(list(at))
            for connection in [connection for connection in at if connection in ready]:
                with alive(connection):
                    event = connection.recv()
                if isinstance(event, Exception):
                    raise event
                if isinstance(event, Outcome):
                    next_job(connection)
                yield event
    finally:
        for process in workers.values():
            process.terminate()
        for process in workers.values():
            process.join()


def _died(name: str, status: int | None) -> str:
    if status is not None and status < 0:
        return (
            f"jobs: the process of {name} was killed by signal {-status} (is the memory full?): try fewer jobs; the "
            "same command goes on"
        )
    return f"jobs: the process of {name} ended with status {status}: see its last words above"


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Inside, Ctrl-C waits; what is started there never gets it, though it reaches all processes of a terminal."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which lets Ctrl-C through when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection) -> None:
    """What each process does: a job after the other, until there is none."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job: Job | None = connection.recv()
    data: Cifar10 = pickle.loads(connection.recv_bytes())
    while job is not None:
        try:
            connection.send(finish(job, data, lambda: connection.send(EpochDone())))
        except (InputError, OSError) as error:
            connection.send(error)
        job = connection.recv()


def _end_with_parent() -> None:
    """Ends this process when its parent is gone, however that came."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)

"""The runs of a study on a Ray cluster: one task a seed; what a task writes comes back and is kept as a local run's."""

import logging
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from cifar_repro import __version__
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.files import WEIGHTS, read
from cifar_repro.runs.last_state import LAST
from cifar_repro.runs.record import NAME, parse_record, write_record
from cifar_repro.runs.run import BEST, METRICS
from cifar_repro.studies.jobs import EpochDone, Job, Outcome, Workers, finish

FILES = (LAST, BEST, METRICS, NAME)  # in the order in which a run writes them
RETRIES = 3  # of a task whose worker was lost
CONNECT_SECONDS = 10


@contextmanager
def connected(address: str) -> Iterator[Workers]:
    """Inside, what does the jobs of a study on the Ray cluster at `address`, as `run_here` does them here.

    address: "HOST:PORT" of a running cluster, "auto" for the one of this machine, "local" for one that is started on
    this machine and ends with this. Raises InputError where there is no such cluster.
    """
    if address == "local":
        # Who reaches a cluster may run code there, so this one listens on the loopback interface alone, as Ray by
        # itself does on the systems in this name. Ray reads it when it is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError:
        raise InputError("cluster: Ray is not installed: give it with pip install 'cifar-repro[cluster]'") from None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        if there := re.fullmatch(r"(?:ray://)?(.+):(\d+)", address):  # Ray itself tries for minutes
            socket.create_connection((there[1], int(there[2])), timeout=CONNECT_SECONDS).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, OverflowError, RuntimeError, ray.exceptions.RayError) as error:
        raise InputError(
            f"cluster: {address!r} cannot be reached ({error}): give HOST:PORT, auto or local, and set "
            "RAY_AUTH_MODE=token where it asks for a token"
        ) from error
    try:
        yield _run
    finally:
        ray.shutdown()  # ends what is still running


def _run(jobs: list[Job], data: Cifar10) -> Generator[EpochDone | Outcome]:
    """Finishes the jobs and yields what `run_here` does, a job's epochs all at its end.

    A task gets the images and what its run's folder holds; it takes `job.threads` CPUs, and one GPU where the job's
    device is "cuda". The workers must have this version of cifar_repro and the study's torch. Raises InputError where
    no node has what a task takes, or where workers are lost again and again; and what `finish` raises.
    """
    import ray

    cpus, gpus = jobs[0].threads, int(jobs[0].device == "cuda")
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
        raise InputError(
            f"cluster: no node has the {cpus} CPUs and {gpus} GPUs that a seed takes: give another cluster"
        )
    task = ray.remote(_task).options(num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES)
    images = ray.put(data)
    running = {task.remote(__version__, job, images, _files(job.folder)): job for job in jobs}
    while running:
        (ready, *_), _ = ray.wait(list(running), num_returns=1)
        job = running.pop(ready)
        try:
            result = ray.get(ready)
        except ray.exceptions.RayTaskError:  # an error in this package
            raise
        except ray.exceptions.RayError as error:
            raise InputError(f"cluster: {job.folder.name} was lost ({error}): start the study again") from error
        if isinstance(result, Exception):
            raise result
        files, outcome = result
        before = _epochs(_files(job.folder))
        _keep(job.folder, files)
        yield from [EpochDone()] * (_epochs(files) - before)
        yield outcome


def _task(
    version: str, job: Job, data: Cifar10, files: dict[str, bytes]
) -> tuple[dict[str, bytes], Outcome] | Exception:
    """One job on a worker, in a folder of its own: its files and its outcome, or what the user should read."""
    if version != __version__:
        return InputError(f"cluster: a worker has cifar-repro {__version__}, not {version}: install the same one")
    scratch = Path(tempfile.mkdtemp())
    try:
        folder = scratch / job.folder.name
        if files:
            folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        outcome = finish(replace(job, folder=folder), data)
        return _files(folder), outcome
    except (InputError, OSError) as error:
        return error
    finally:
        shutil.rmtree(scratch)


def _files(folder: Path) -> dict[str, bytes]:
    """The files of a run, by name."""
    there = [name for name in FILES if (folder / name).exists()]
    return {name: read(folder / name, WEIGHTS, "give the folder of a run") for name in there}


def _epochs(files: dict[str, bytes]) -> int:
    return len(parse_record(files[NAME]).epochs) if NAME in files else 0


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    """Writes the files of a run such that it can be gone on with if this process is killed between two of them."""
    if not (folder / NAME).exists():
        folder.mkdir(parents=True, exist_ok=True)
        record = parse_record(files[NAME])
        as_started = structs.replace(
            record, status="unfinished", ended=None, epochs=[], best=None, stopped=None, test=None
        )
        write_record(folder, as_started)
    for name, content in files.items():
        with replacing(folder / name) as file:
            file.write(content)

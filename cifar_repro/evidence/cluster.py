"""The runs of a study on a Ray cluster: one task a seed; what a task writes comes back and is kept as a local run's."""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cifar_repro import __version__
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.evidence.jobs import EpochDone, Job, Outcome, finish
from cifar_repro.evidence.record import NAME, write_record
from cifar_repro.evidence.run import BEST, LAST, METRICS

FILES = (LAST, BEST, METRICS, NAME)  # in the order in which a run writes them
AS_STARTED: dict[str, Any] = {"status": "unfinished", "epochs": [], "best": None, "stopped": None, "test": None}
RETRIES = 3  # of a task whose worker was lost


def run_on_cluster(jobs: list[Job], data: Cifar10, address: str) -> Generator[EpochDone | Outcome]:
    """Finishes the jobs on the Ray cluster at `address` and yields what `run_here` does, a job's epochs all at its end.

    address: "HOST:PORT" of a running cluster, "auto" for the one of this machine, "local" for one that is started on
    this machine and ends with the study. A task gets the images and what its run's folder holds, and takes
    `job.threads` CPUs, and one GPU where the job's device is "cuda". The workers must have this version of cifar_repro
    and the study's torch. Raises InputError where there is no such cluster, or it has not what a task takes, and what
    `finish` raises.
    """
    try:
        import ray
    except ImportError:
        raise InputError("cluster: Ray is not installed: install it with pip install 'cifar-repro[cluster]'") from None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cluster: {address!r} cannot be reached ({reason}): give HOST:PORT, auto or local") from error
    try:
        needed = {"CPU": jobs[0].threads, "GPU": int(jobs[0].device == "cuda")}
        there = ray.cluster_resources()
        for name, count in needed.items():
            if there.get(name, 0) < count:
                raise InputError(
                    f"cluster: {address!r} has {there.get(name, 0):g} {name}, a seed takes {count}: give another one"
                )
        remote = ray.remote(_task).options(num_cpus=needed["CPU"], num_gpus=needed["GPU"], max_retries=RETRIES)
        images = ray.put(data)
        running = {remote.remote(__version__, job, images, _files(job.folder)): job for job in jobs}
        while running:
            (ready, *_), _ = ray.wait(list(running), num_returns=1)
            job = running.pop(ready)
            try:
                result = ray.get(ready)
            except ray.exceptions.WorkerCrashedError as error:
                raise InputError(
                    f"cluster: the workers of {job.folder.name} were lost: start the study again"
                ) from error
            if isinstance(result, Exception):
                raise result
            files, outcome = result
            before = _epochs(_files(job.folder))
            _keep(job.folder, files)
            yield from [EpochDone()] * (_epochs(files) - before)
            yield outcome
    finally:
        ray.shutdown()  # ends the tasks of this study


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
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}


def _epochs(files: dict[str, bytes]) -> int:
    return len(json.loads(files[NAME])["epochs"]) if NAME in files else 0


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    """Writes the files of a run such that it can be gone on with if this process is killed between two of them."""
    if not (folder / NAME).exists():
        folder.mkdir(parents=True, exist_ok=True)
        record: dict[str, Any] = json.loads(files[NAME])
        write_record(folder, {**record, **AS_STARTED})
    for name, content in files.items():
        with replacing(folder / name) as file:
            file.write(content)

"""A study on a Ray cluster, with a stand-in for Ray: `tests/study_equality.py --cluster` has a real one."""

import os
import shutil
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_repro import __version__
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import Seeds
from cifar_repro.runs.last_state import LAST
from cifar_repro.runs.record import NAME, Record, read_record, write_record
from cifar_repro.runs.run import BEST, METRICS, Run
from cifar_repro.studies import cluster
from cifar_repro.studies.cluster import connected
from cifar_repro.studies.jobs import EpochDone, Outcome
from cifar_repro.studies.study import run_study
from tests.studies.fake_ray import Ray
from tests.studies.small import RECIPE, plan, without_seconds


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Ray:
    """A cluster with the one CPU that a seed takes, no more, and no GPU."""
    made = Ray(CPU=1.0)
    monkeypatch.setitem(sys.modules, "ray", made)
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    return made


class Killed(Exception):
    """Stands for SIGKILL."""


def begin(folder: Path, data: Cifar10, seed: int) -> None:
    """A run that is killed after its first epoch."""

    def killed(*_: object) -> None:
        raise Killed

    run = Run.start(folder / f"seed-{seed}", RECIPE, Seeds.all(seed), data, torch.device("cpu"), "contiguous")
    with pytest.raises(Killed):
        run.train(killed)
    run.close()


def test_a_study_on_a_cluster_is_the_one_done_here(ray: Ray, data: Cifar10, whole: Path, tmp_path: Path) -> None:
    """Its file, each record but for the seconds, and all files of a run; a task takes the CPUs that a seed does."""
    with connected("local") as workers:
        made, trained = run_study(plan(tmp_path / "there", threads=1), data, workers)
    assert trained == 6
    assert [run.folder for run in made.runs] == ["seed-0", "seed-1", "seed-2"]
    for name in ("study.json", *(f"seed-{s}/record.json" for s in range(3))):
        assert without_seconds(tmp_path / "there" / name) == without_seconds(whole / name)
    assert {path.name for path in (tmp_path / "there" / "seed-1").iterdir()} == {
        path.name for path in (whole / "seed-1").iterdir() if path.name != ".lock"
    }
    assert ray.said[0]["address"] == "local"
    assert ray.said[1:] == [{"num_cpus": 1, "num_gpus": 0, "max_retries": 3}, {"shutdown": True}]


def test_what_was_begun_here_is_gone_on_with_there(ray: Ray, data: Cifar10, whole: Path, tmp_path: Path) -> None:
    """A worker gets the run as far as it is; only the epochs that it trains are counted."""
    begin(tmp_path, data, 1)
    with connected("local") as workers:
        events = list(workers(plan(tmp_path).jobs(), data))
    assert [type(event) for event in events].count(EpochDone) == 5
    assert [event.folder for event in events if isinstance(event, Outcome)] == ["seed-2", "seed-1", "seed-0"]
    for s in range(3):
        record = f"seed-{s}/record.json"
        assert without_seconds(tmp_path / record) == without_seconds(whole / record)


@pytest.mark.parametrize("write", range(1, 6))
def test_a_study_killed_while_it_keeps_a_run_goes_on(
    ray: Ray, data: Cifar10, whole: Path, tmp_path: Path, write: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any of the five files that come back: what is there is a run that can be gone on with, or none."""
    one, rename, count = plan(tmp_path, seeds=1), os.replace, 0

    def replace_until_killed(source: Path, target: Path) -> None:
        nonlocal count
        count += Path(target).parent.parent == tmp_path
        if count == write:
            raise Killed
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_until_killed)
        with pytest.raises(Killed), connected("local") as workers:
            list(workers(one.jobs(), data))
    if (tmp_path / "seed-0" / NAME).exists():
        assert read_record(tmp_path / "seed-0").status == "unfinished"
    with connected("local") as workers:
        list(workers(one.jobs(), data))
    assert without_seconds(tmp_path / "seed-0" / NAME) == without_seconds(whole / "seed-0" / NAME)


def test_a_run_that_diverges_there_is_kept_as_here(
    ray: Ray, data: Cifar10, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where this process is killed after the first of its files: then the seed is run again."""
    one = plan(tmp_path, seeds=1, recipe=RECIPE.with_changes({"learning_rate": 1e6}))

    def killed(folder: Path, record: Record) -> None:
        write_record(folder, record)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(cluster, "write_record", killed)
        with pytest.raises(Killed), connected("local") as workers:
            list(workers(one.jobs(), data))
    assert read_record(tmp_path / "seed-0").stopped is None
    with connected("local") as workers:
        (outcome,) = workers(one.jobs(), data)
    assert outcome == Outcome("seed-0", None)
    assert read_record(tmp_path / "seed-0").status == "diverged"


@pytest.mark.parametrize("node", [{"CPU": 1.0}, {}])
def test_a_cluster_without_what_a_seed_takes_is_named(ray: Ray, data: Cifar10, tmp_path: Path, node: Any) -> None:
    """A node that is gone does not count; nothing is begun."""
    ray.resources = node
    with connected("auto") as workers, pytest.raises(InputError, match="no node has the 2 CPUs and 0 GPUs that a seed"):
        list(workers(plan(tmp_path, threads=2).jobs(), data))
    assert ray.tasks == 0
    ray.resources = {"CPU": 2.0, "GPU": 0.0}
    with connected("auto") as workers, pytest.raises(InputError, match="no node has the 1 CPUs and 1 GPUs that a seed"):
        list(workers(plan(tmp_path, device="cuda").jobs(), data))
    assert ray.tasks == 0
    ray.resources = {"CPU": 1.0, "GPU": 1.0}  # no less than it takes
    with connected("auto") as workers, suppress(InputError):  # of torch here, which may see no GPU
        list(workers(plan(tmp_path, device="cuda", threads=1).jobs(), data))
    assert ray.tasks > 0


def test_a_worker_that_is_lost_for_good_is_named(ray: Ray, data: Cifar10, tmp_path: Path) -> None:
    """With its seed and the remedy; the runs that came back stay."""
    ray.lost = {0}
    with connected("auto") as workers, pytest.raises(InputError, match=r"seed-0 was lost \(the worker died\): start"):
        list(workers(plan(tmp_path).jobs(), data))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-1", "seed-2"]


def test_what_a_worker_refuses_is_told_here(ray: Ray, data: Cifar10, tmp_path: Path, monkeypatch: Any) -> None:
    """Another torch there, or a full disk; the worker's scratch folder is gone in any case."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with connected("auto") as workers, pytest.raises(InputError, match=r"torch: .* here is not the 1\.0 of the study"):
        list(workers(plan(tmp_path / "out", torch="1.0").jobs(), data))
    assert not list(tmp_path.iterdir())

    def full(*_: object) -> Outcome:
        raise OSError("no space left on device")

    monkeypatch.setattr(cluster, "finish", full)
    said = cluster._task(__version__, plan(tmp_path / "out").jobs()[0], data, {})
    assert repr(said) == "OSError('no space left on device')"
    assert not list(tmp_path.iterdir())


def test_a_worker_of_another_version_says_so(data: Cifar10, tmp_path: Path) -> None:
    """Before it does anything."""
    (job, *_) = plan(tmp_path).jobs()
    said = cluster._task("0.0", job, data, {})
    assert str(said) == f"cluster: a worker has cifar-repro {__version__}, not 0.0: install the same one"


def test_the_files_that_travel_are_those_of_a_run(whole: Path, tmp_path: Path) -> None:
    """In the order in which a run writes them, its record last; of a folder with nothing, nothing."""
    run = shutil.copytree(whole / "seed-0", tmp_path / "run")
    (run / "notes.txt").write_text("mine")
    files = cluster._files(run)
    assert list(files) == [LAST, BEST, METRICS, NAME]
    assert files[METRICS] == (run / METRICS).read_bytes()
    assert cluster._epochs(files) == 2
    assert cluster._files(tmp_path) == {}
    assert cluster._epochs({}) == 0


def test_a_cluster_that_is_not_there_is_named(ray: Ray, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, where Ray itself tries for minutes; and so where Ray is not installed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(InputError, match=f"cluster: '{address}' cannot be reached"), connected(address):
        pass
    assert ray.said == []
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="Ray is not installed: give it with pip install"), connected("auto"):
        pass


def test_a_cluster_of_this_machine_is_for_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before Ray is imported, which is when it looks, it is told to listen on the loopback interface alone."""
    name = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
    lines = [
        "import os",
        f"told = os.environ.get('{name}')",
        "init = lambda **options: None",
        "shutdown = lambda: None",
    ]
    (tmp_path / "ray.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setenv(name, "")
    monkeypatch.delenv(name)
    with connected("local"):
        assert sys.modules.pop("ray").told == "0"

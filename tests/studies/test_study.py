"""Studies: many runs, each as it would be alone, interrupted or not, here or elsewhere."""

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from msgspec import structs

from cifar_repro.core.checkpoint import load_weights
from cifar_repro.core.data import Cifar10, synthetic
from cifar_repro.core.errors import InputError
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.runs.folders import SOURCES
from cifar_repro.runs.last_state import LAST
from cifar_repro.runs.record import Stopped, plain_with_changes, read_record, write_record
from cifar_repro.runs.run import BEST, Run, evaluate_images
from cifar_repro.studies import jobs
from cifar_repro.studies.jobs import EpochDone, Job, Outcome, finish, run_here
from cifar_repro.studies.study import Plan, epochs_done, run_study
from cifar_repro.studies.study_file import Diverged
from cifar_repro.studies.summary import unpack_bits
from tests.make_data import snapshot
from tests.studies.killed import STUDY, killed_at_start
from tests.studies.small import RECIPE, plan, without_seconds
from tests.workers import Shown, in_this_process


@pytest.fixture
def study(whole: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(whole, tmp_path / "study"))


def test_each_run_is_the_one_it_would_be_alone(data: Cifar10, whole: Path, tmp_path: Path) -> None:
    """The record of seed 2 in a study is, but for the seconds, that of an ordinary run with seed 2."""
    run = Run.start(tmp_path / "alone", RECIPE, Seeds.all(2), data, torch.device("cpu"), "contiguous")
    run.train()
    run.test()
    run.complete()
    assert without_seconds(whole / "seed-2" / "record.json") == without_seconds(tmp_path / "alone" / "record.json")


def test_study_json_holds_every_run_in_the_order_of_the_seeds(whole: Path) -> None:
    """Its runs are the records' entries, unchanged, and all of them differ."""
    study = json.loads((whole / "study.json").read_text())
    assert study["study"] == 1
    assert [run["folder"] for run in study["runs"]] == ["seed-0", "seed-1", "seed-2"]
    for run in study["runs"]:
        record = plain_with_changes(read_record(whole / run["folder"]))
        assert (study["recipe"], study["data"]) == (record["recipe"], record["data"])
        for name in ("seeds", "environment", "epochs", "best", "test"):
            assert run[name] == record[name]
    assert len({run["epochs"][-1]["weights_sha256"] for run in study["runs"]}) == 3


def test_the_bits_are_those_of_the_best_weights(data: Cifar10, whole: Path) -> None:
    """Bit j tells whether the kept weights put test image j into its class."""
    for run in json.loads((whole / "study.json").read_text())["runs"]:
        network = Net(0.0)
        load_weights(whole / run["folder"] / BEST, network)
        cpu = torch.device("cpu")
        predicted = evaluate_images(
            network, data, RECIPE, cpu, "contiguous", lambda steps, total, desc: steps
        ).predicted
        bits = unpack_bits(run["correct_bits"], len(data.test))
        assert np.array_equal(bits, (predicted == data.test.labels).numpy())
        assert bits.sum() == run["test"]["correct"]


def test_a_complete_run_is_tested_again_and_nothing_else(data: Cifar10, study: Path, whole: Path) -> None:
    """It needs no state to go on from, its files stay as they were, and no epoch is trained."""
    (study / "seed-1" / LAST).unlink()
    before = snapshot(study / "seed-1")
    shown = Shown()

    _, trained = run_study(plan(study), data, in_this_process, progress=shown)
    assert trained == 0
    assert shown.bars == [{"total": 3, "desc": "3 seeds"}], "testing counts as an epoch"
    assert snapshot(study / "seed-1") == before
    assert without_seconds(study / "study.json") == without_seconds(whole / "study.json")


@pytest.mark.parametrize("after", [1, 2, 4])
def test_an_interrupted_study_ends_as_if_it_had_not_been(
    data: Cifar10, whole: Path, tmp_path: Path, after: int
) -> None:
    """Interrupted within a run, after its last epoch or in the next run, and gone on with: the same study.json.

    What is left to do is what was not done: no epoch is trained twice.
    """

    def interrupted(jobs: list[Job], data: Cifar10) -> Generator[EpochDone | Outcome]:
        done = 0

        def press_ctrl_c() -> None:
            nonlocal done
            done += 1
            if done == after:
                raise KeyboardInterrupt

        for job in jobs:
            yield finish(job, data, press_ctrl_c)

    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        run_study(plan(folder), data, interrupted)
    assert not (folder / "study.json").exists()
    _, trained = run_study(plan(folder), data, in_this_process)
    assert trained == 3 * 2 - after
    assert without_seconds(folder / "study.json") == without_seconds(whole / "study.json")


def test_more_seeds_add_to_a_study(data: Cifar10, study: Path, tmp_path: Path) -> None:
    """The runs that are there are kept, only the new one is trained, and the result is that of a study of four."""
    before = (study / "seed-1" / "last.pt").stat().st_mtime_ns
    made, trained = run_study(plan(study, seeds=4), data, in_this_process)
    assert trained == 2
    assert len(made.runs) == 4
    assert (study / "seed-1" / "last.pt").stat().st_mtime_ns == before
    assert made.test is not None
    assert made.test.loss.mean == np.mean([run.test.loss for run in made.runs if run.test])


@pytest.mark.parametrize("source", SOURCES)
def test_one_source_varies_alone(source: str, tmp_path: Path) -> None:
    """Its seeds are those of the study, the other three stay as they were set."""
    base = Seeds(split=91, init=92, order=93, dropout=94)
    jobs = Plan(tmp_path, RECIPE, first_seed=5, seeds=2, vary=source, base=base).jobs()
    assert [job.folder.name for job in jobs] == ["seed-5", "seed-6"]
    assert [job.seeds for job in jobs] == [replace(base, **{source: seed}) for seed in (5, 6)]
    with pytest.raises(InputError, match=r"^vary: 'wind' is not known: give one of split, init, order, dropout$"):
        Plan(tmp_path, RECIPE, first_seed=5, seeds=2, vary="wind")


def test_the_ends_of_the_range_of_seeds_are_within_it(tmp_path: Path) -> None:
    """As many as the error says may be given, and not one more."""
    assert [Plan(tmp_path, RECIPE, seeds=seeds).seeds for seeds in (1, 10_000)] == [1, 10_000]
    with pytest.raises(InputError, match=r"^seeds: 10001 is out of range: give a whole number from 1 to 10,000$"):
        Plan(tmp_path, RECIPE, seeds=10_001)


@pytest.mark.parametrize(
    ("changes", "naming"),
    [
        ({"recipe": RECIPE.with_changes({"learning_rate": 0.02})}, ["learning_rate", "0.01", "0.02"]),
        ({"recipe": RECIPES["udacity-augmented"].with_changes({"epochs": 2})}, ["udacity", "udacity-augmented"]),
        ({"vary": "init"}, ["seed-1", "split-seed", "1", "0"]),
        ({"vary": "dropout", "base": Seeds.all(7)}, ["seed-0", "split-seed"]),
        ({"threads": 2}, ["threads", "1", "2"]),
        ({"memory_format": "channels_last"}, ["memory_format", "contiguous"]),
        ({"device": "cuda"}, ["device", "cpu", "cuda"]),
        ({"torch": "1.0"}, ["torch", "1.0"]),
        ({"seeds": 2}, ["seed-2"]),
        ({"first_seed": 1}, ["seed-0"]),
    ],
)
def test_a_folder_of_another_study_is_refused(
    data: Cifar10, whole: Path, changes: dict[str, Any], naming: list[str]
) -> None:
    """Another recipe, source, setting or range of seeds than the folder's is named before anything is done."""
    with pytest.raises(InputError) as caught:
        run_study(plan(whole, **changes), data, never)
    assert all(part in str(caught.value) for part in [str(whole), *naming]), caught.value


def test_runs_on_any_gpu_belong_to_a_study_on_one(data: Cifar10, study: Path) -> None:
    """A run's record names the GPU, by its number, that a worker chose; those of a study need not be the same."""
    for s in range(3):
        record = read_record(study / f"seed-{s}")
        environment = structs.replace(record.environment, device=f"cuda:{s}")
        write_record(study / f"seed-{s}", structs.replace(record, environment=environment))
    assert epochs_done(plan(study, device="cuda"), data) == 6
    assert epochs_done(plan(study, device="cuda:1"), data) == 6
    with pytest.raises(InputError, match="device: cuda, not cpu"):
        epochs_done(plan(study), data)


def test_the_first_run_that_is_not_of_a_study_is_named(data: Cifar10, tmp_path: Path) -> None:
    """By its seed, and not by the letters of its name."""
    for s in (10, 9):
        (tmp_path / f"seed-{s}").mkdir()
    with pytest.raises(InputError, match="holds seed-9, which is not one of seed-0 to seed-2"):
        run_study(plan(tmp_path), data, never)


def never(jobs: list[Job], data: Cifar10) -> Generator[EpochDone | Outcome]:
    raise AssertionError("no job may start")
    yield


def test_other_data_is_refused(whole: Path) -> None:
    """Images of another fingerprint are named."""
    with pytest.raises(InputError, match="test images"):
        run_study(plan(whole), synthetic(train=60, test=29), never)


def test_a_study_whose_runs_are_gone_is_not_overwritten(data: Cifar10, study: Path) -> None:
    """A study.json that tells of a run that is neither there nor asked for is not replaced by one that does not."""
    (study / "seed-2").rename(study / "kept")
    with pytest.raises(InputError, match="seed-2"):
        run_study(plan(study, seeds=2), data, never)
    (study / "kept").rename(study / "seed-2")
    stopped = Stopped(epoch=2, phase="training", step=1, loss="nan")
    write_record(study / "seed-2", structs.replace(read_record(study / "seed-2"), status="diverged", stopped=stopped))
    run_study(plan(study), data, in_this_process)
    shutil.rmtree(study / "seed-2")
    with pytest.raises(InputError, match="seed-2"):
        run_study(plan(study, seeds=2), data, never)


@pytest.mark.parametrize("content", ["{", "[]", '{"runs": 1}', '{"runs": [{}], "diverged": []}'])
def test_a_file_that_is_no_study_is_not_overwritten(data: Cifar10, tmp_path: Path, content: str) -> None:
    """A study.json of another kind is named and stays."""
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(InputError, match=r"study\.json"):
        run_study(plan(tmp_path), data, never)
    assert (tmp_path / "study.json").read_text() == content


def test_two_studies_do_not_share_a_folder(data: Cifar10, study: Path) -> None:
    """While one is at work in a folder another is refused; afterwards it may go on."""
    with FileLock(study / ".lock"), pytest.raises(InputError, match="another study is at work"):
        run_study(plan(study), data, never)
    run_study(plan(study), data, in_this_process)


def test_weights_that_are_not_the_runs_are_refused(data: Cifar10, study: Path) -> None:
    """A finished run whose weights are not its record's, or do not give its recorded result, is named, not counted."""
    record = read_record(study / "seed-1")
    assert record.test is not None
    test = structs.replace(record.test, confusion=[[0] * 10] * 10)
    write_record(study / "seed-1", structs.replace(record, test=test))
    with pytest.raises(InputError, match=r"seed-1.*correct test images here"):
        run_study(plan(study), data, in_this_process)
    write_record(study / "seed-1", record)
    shutil.copy(study / "seed-0" / BEST, study / "seed-1" / BEST)
    with pytest.raises(InputError, match=r"seed-1.*not the weights of the best epoch"):
        run_study(plan(study), data, in_this_process)


def test_another_torch_does_not_go_on_with_a_study(
    data: Cifar10, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose torch is not that of the study, as on another machine, is told which to install.

    It is set up for the study's number of threads before it does anything.
    """
    threads: list[int | None] = []
    monkeypatch.setattr(jobs, "make_deterministic", threads.append)
    job = Job(tmp_path / "seed-0", RECIPE, Seeds.all(0), "cpu", "contiguous", 3, "1.5.0")
    with pytest.raises(InputError, match=r"is not the 1\.5\.0 of the study: install that one"):
        finish(job, data)
    assert threads == [3]
    assert not job.folder.exists()


def test_a_diverged_run_is_listed_and_left_out(data: Cifar10, study: Path) -> None:
    """The statistics are those of the other runs; the study says which diverged and where."""
    record = read_record(study / "seed-1")
    stopped = Stopped(epoch=2, phase="training", step=1, loss="nan")
    write_record(study / "seed-1", structs.replace(record, status="diverged", stopped=stopped))
    made, _ = run_study(plan(study), data, in_this_process)
    assert made.diverged == [Diverged(folder="seed-1", seeds=record.seeds, stopped=stopped)]
    assert [run.folder for run in made.runs] == ["seed-0", "seed-2"]
    assert made.test is not None
    assert made.test.loss.mean == np.mean([run.test.loss for run in made.runs if run.test])


def test_where_all_runs_diverge_there_is_no_study(data: Cifar10, tmp_path: Path) -> None:
    """Each run's record says where it stopped; nothing is computed from none."""
    recipe = RECIPE.with_changes({"learning_rate": 1e6})
    made, _ = run_study(plan(tmp_path, recipe=recipe, seeds=2), data, in_this_process)
    assert [entry.folder for entry in made.diverged] == ["seed-0", "seed-1"]
    assert made.runs == []
    assert read_record(tmp_path / "seed-1").status == "diverged"
    assert not (tmp_path / "study.json").exists()


def test_how_a_process_ended_is_told() -> None:
    """By a signal, which is likely that of a full memory, or by itself; None: it is not known to have ended."""
    killed = (
        "jobs: the process of seed-3 was killed by signal 9 (is the memory full?): try fewer jobs; the same command"
    )
    assert jobs._died("seed-3", -9) == f"{killed} goes on"
    for status in (0, 3, None):
        said = f"jobs: the process of seed-3 ended with status {status}: see its last words above"
        assert jobs._died("seed-3", status) == said


@pytest.mark.parametrize(
    ("device", "threads", "processes"), [("cpu", 1, 3), ("cpu", 2, 1), ("cpu", 4, 1), ("cuda", 1, 1)]
)
def test_as_many_processes_as_have_a_core_for_each_thread(
    device: str, threads: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the cores that this process may use; one where no core is left for all threads, and one on a GPU."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 4, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert jobs.default_processes(device, threads) == processes


@pytest.mark.parametrize(("processes", "started"), [(1, 1), (2, 2), (9, 3)])
def test_no_more_processes_start_than_there_are_jobs(
    data: Cifar10, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int, started: int
) -> None:
    """However many there may be; each job is done once, by one process alone in the order of the seeds."""
    there: list[threading.Thread] = []

    class Process(threading.Thread):
        """Stands for one, which takes seconds to start."""

        def __init__(self, target: Any, args: tuple[Connection], daemon: bool) -> None:
            super().__init__(target=target, args=(Connection(os.dup(args[0].fileno())),), daemon=daemon)
            there.append(self)

        def terminate(self) -> None:
            pass

    context = SimpleNamespace(Pipe=multiprocessing.Pipe, Process=Process)
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: context)
    monkeypatch.setattr(jobs, "_interrupted_later", nullcontext)
    monkeypatch.setattr(jobs, "_end_with_parent", lambda: None)
    monkeypatch.setattr(jobs, "finish", lambda job, data, after_epoch: Outcome(job.folder.name, None))
    done = [event.folder for event in run_here(plan(tmp_path).jobs(), data, processes) if isinstance(event, Outcome)]
    assert len(there) == started
    assert (done if processes == 1 else sorted(done)) == ["seed-0", "seed-1", "seed-2"]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signals to hold back here")
def test_ctrl_c_waits_while_a_process_starts_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the study that is at work, however the start went."""

    def held_back() -> set[int]:
        return signal.pthread_sigmask(signal.SIG_BLOCK, ())

    monkeypatch.setattr(jobs.resource_tracker, "ensure_running", lambda: None)
    before = held_back()
    with suppress(OSError), jobs._interrupted_later():
        assert held_back() == before | {signal.SIGINT}
        raise OSError("no processes left")
    after = held_back()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert after == before


def test_what_the_disk_refuses_a_process_is_told_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the error that it is, and not as the death of the process."""

    def full(*_: object) -> Outcome:
        raise OSError("no space left on device")

    monkeypatch.setattr(jobs, "finish", full)
    monkeypatch.setattr(jobs, "_end_with_parent", lambda: None)
    here, there = multiprocessing.Pipe()
    here.send(plan(tmp_path).jobs()[0])
    here.send_bytes(pickle.dumps(None))
    here.send(None)
    jobs._work(there)
    assert repr(here.recv()) == "OSError('no space left on device')"


def test_a_process_gives_the_same_run_and_its_death_is_told(
    data: Cifar10, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of its own, with another hash seed, gives the record that this one gave, to the bit.

    Where one is killed, its seed and signal are named.
    """
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    (first, second, *_) = plan(tmp_path).jobs()
    endless = replace(second, recipe=RECIPE.with_changes({"epochs": 10_000}))
    events = run_here([first, endless], data, 1)
    assert [type(next(events)) for _ in range(3)] == [EpochDone, EpochDone, Outcome]
    assert without_seconds(tmp_path / "seed-0" / "record.json") == without_seconds(whole / "seed-0" / "record.json")
    next(events)
    (process,) = multiprocessing.active_children()
    process.kill()
    with pytest.raises(InputError, match=r"seed-1.*signal 9"):
        list(events)
    assert not multiprocessing.active_children()
    assert read_record(tmp_path / "seed-1").status == "unfinished"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """It is heard, also where these tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.timeout(60)  # where it hung for ever
def test_the_death_of_a_process_that_starts_is_told(
    monkeypatch: pytest.MonkeyPatch, data: Cifar10, tmp_path: Path
) -> None:
    """Where one is killed before it has its data, which is more than a pipe holds, nobody waits for it.

    Ctrl-C, which reaches it first, does nothing to it; the study hears it.
    """
    monkeypatch.setattr(jobs, "_work", killed_at_start)
    monkeypatch.setenv(STUDY, str(os.getpid()))
    with pytest.raises(InputError, match=r"seed-0.*signal 9"):
        list(run_here(plan(tmp_path).jobs(), data, 2))
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert not multiprocessing.active_children()

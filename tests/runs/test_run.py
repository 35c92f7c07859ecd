"""A run in its folder: complete, resumable from any moment, honest about a loss that is no number."""

import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from msgspec.structs import replace

from cifar_repro.core import checkpoint
from cifar_repro.core.data import Cifar10, ImageSet
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.core.training import Epoch
from cifar_repro.runs import text
from cifar_repro.runs.code import Code, code_here
from cifar_repro.runs.folders import alone
from cifar_repro.runs.last_state import LAST
from cifar_repro.runs.record import FIRST_FIELDS, Stopped, read_record, running_losses, seeds_label, write_record
from cifar_repro.runs.run import BEST, METRICS, Run

T = TypeVar("T")
CPU = torch.device("cpu")
RECIPE = RECIPES["udacity-augmented"].with_changes({"epochs": 3, "batch_size": 5})
# Whatever masks torch draws from this seed, those of before 2.7 or later ones: one epoch after the first is the best.
SEEDS = Seeds(split=1, init=2, order=3, dropout=84)


class Killed(BaseException):
    """Stands for a kill: nothing in the product catches it."""


@pytest.fixture(scope="module")
def data(small_data: Cifar10) -> Cifar10:
    """Few images, so that a run takes a fraction of a second."""

    def first(part: ImageSet, n: int) -> ImageSet:
        return ImageSet(part.images[:n], part.labels[:n])

    return Cifar10(first(small_data.train, 22), first(small_data.test, 10), "synthetic")


def run_to_the_end(folder: Path, data: Cifar10, recipe: Recipe = RECIPE) -> None:
    finish(Run.start(folder, recipe, SEEDS, data, CPU, "contiguous"))


def finish(run: Run) -> None:
    with closing(run):
        run.train()
        run.test()
        run.complete()


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    for epoch in record["epochs"]:
        del epoch["train_seconds"], epoch["valid_seconds"]
    return {name: entry for name, entry in record.items() if name not in ("started", "ended", "sha256")}


def outcome(folder: Path) -> dict[str, Any]:
    """All that a run leaves behind and that must not depend on how often it was stopped."""
    assert not list(folder.glob("*.tmp"))
    last = without_times(torch.load(folder / LAST, weights_only=True))
    return {
        "record": without_times(json.loads((folder / "record.json").read_text())),
        "best": checkpoint.weights_digest(torch.load(folder / BEST, weights_only=True)),
        "last": {name: checkpoint.weights_digest(last[name]) for name in ("network", "best_weights", "global")}
        | {"order": last["order"].tolist(), "optimizer": last["optimizer"], "epochs": last["epochs"]},
        "metrics": without_times(
            {"epochs": [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]}
        ),
        "files": sorted(path.name for path in folder.iterdir()),
    }


@pytest.fixture(scope="module")
def uninterrupted(data: Cifar10, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    run_to_the_end(folder, data)
    return outcome(folder)


def test_the_record_says_everything(uninterrupted: dict[str, Any], data: Cifar10) -> None:
    """The record has the contract's entries, and they agree with each other and with the other files."""
    record = uninterrupted["record"]
    assert record["status"] == "complete"
    assert record["recipe"]["overridden"] == ["batch_size", "epochs"]
    assert record["seeds"] == {"split": 1, "init": 2, "order": 3, "dropout": 84}
    assert record["data"]["official"] is False
    assert record["data"]["fingerprints"] == {"train": data.train.fingerprint(), "test": data.test.fingerprint()}
    assert {"torch", "torchvision", "numpy", "python", "platform", "cpu", "cpu_capability", "device", "threads"} <= set(
        record["environment"]
    )
    assert [epoch["epoch"] for epoch in record["epochs"]] == [1, 2, 3]
    saved = [epoch for epoch in record["epochs"] if epoch["saved"]]
    assert record["best"] == {"epoch": saved[-1]["epoch"], "valid_loss": saved[-1]["valid_loss"]}
    assert uninterrupted["best"] == saved[-1]["weights_sha256"]
    assert uninterrupted["metrics"]["epochs"] == record["epochs"]
    assert record["test"]["total"] == len(data.test) == sum(map(sum, record["test"]["confusion"]))


def test_another_seed_gives_other_weights(data: Cifar10, uninterrupted: dict[str, Any], tmp_path: Path) -> None:
    """Changing any single seed changes the weights of the first epoch."""
    first = uninterrupted["record"]["epochs"][0]["weights_sha256"]
    for name in ("split", "init", "order", "dropout"):
        run = Run.start(
            tmp_path / name,
            RECIPE.with_changes({"epochs": 1}),
            Seeds(**{**vars(SEEDS), name: 99}),
            data,
            CPU,
            "contiguous",
        )
        run.train()
        assert run.record.epochs[0].weights_sha256 != first, f"the {name} seed has no effect"


WRITES = 2 + 3 * 3 + 2  # record at the start; last, metrics, record an epoch; two saves; record at the end


MOMENTS = ("before the rename", "after the rename")


@pytest.fixture(scope="module")
def killed(data: Cifar10, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run as it lay around each write, which is all that a kill at that moment would have left."""
    copies, rename, write = tmp_path_factory.mktemp("killed"), os.replace, 0
    run = tmp_path_factory.mktemp("run")

    def watched(source: Path, target: Path) -> None:
        nonlocal write
        write += 1
        shutil.copytree(run, copies / f"{write} {MOMENTS[0]}")
        rename(source, target)
        shutil.copytree(run, copies / f"{write} {MOMENTS[1]}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", watched)
        run_to_the_end(run, data)
    assert write == WRITES
    return copies


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_a_run_killed_around_any_write_ends_as_if_never_killed(
    write: int, moment: str, data: Cifar10, uninterrupted: dict[str, Any], killed: Path
) -> None:
    """Killed just before or after its n-th file is renamed into place and resumed, a run ends in the same state.

    What is said and exported before it goes on has each epoch that was kept, though the record may lack the last one.
    """
    folder = killed / f"{write} {moment}"
    if (folder / "record.json").exists():
        kept = torch.load(folder / LAST, weights_only=True)["epochs"] if (folder / LAST).exists() else []
        run = Run.resume(folder, read_record(folder), data)
        assert len(run.record.epochs) == len(kept), "the run begins with other epochs than last.pt holds"
        finish(run)
    else:
        run_to_the_end(folder, data)
    assert outcome(folder) == uninterrupted


def test_looking_at_what_a_run_goes_on_from_draws_nothing(data: Cifar10, killed: Path) -> None:
    """A network and its generators are set up to try last.pt; the caller's generator does not notice."""
    folder, before = killed / f"{WRITES} {MOMENTS[0]}", torch.get_rng_state()
    with closing(Run.resume(folder, read_record(folder), data)) as run:
        assert run.state is not None
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("batch", [0, 7, 8, 11])
def test_a_run_killed_inside_an_epoch_ends_as_if_never_killed(
    batch: int, data: Cifar10, uninterrupted: dict[str, Any], tmp_path: Path
) -> None:
    """Killed in the first or second epoch, in training or validation, and resumed, a run ends in the same state."""
    seen = 0

    def kill(steps: Any, *, total: int, desc: str) -> Any:
        nonlocal seen
        for step in steps:
            if seen == batch:
                raise Killed
            seen += 1
            yield step

    with pytest.raises(Killed), closing(Run.start(tmp_path / "run", RECIPE, SEEDS, data, CPU, "contiguous")) as run:
        run.train(progress=kill)
    finish(Run.resume(tmp_path / "run", read_record(tmp_path / "run"), data))
    assert outcome(tmp_path / "run") == uninterrupted


def test_a_full_disk_leaves_the_last_good_files_whole(
    data: Cifar10, uninterrupted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full in the second epoch, the first epoch's files stay, no scraps do, and the run can go on."""
    sync, count = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count > 10:  # five files were written, each with its folder
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            run_to_the_end(tmp_path, data)
    assert len(torch.load(tmp_path / LAST, weights_only=True)["epochs"]) == 1
    assert len(read_record(tmp_path).epochs) == 1
    assert not list(tmp_path.glob("*.tmp"))
    finish(Run.resume(tmp_path, read_record(tmp_path), data))
    assert outcome(tmp_path) == uninterrupted


def killer_of_epoch(number: int) -> Any:
    """A progress that kills the run in the training of that epoch, after two steps."""

    def kill(steps: Any, *, total: int, desc: str) -> Any:
        for done, step in enumerate(steps):
            if desc.startswith(f"epoch {number}/") and done == 2:
                raise Killed
            yield step

    return kill


def flat(value: Any) -> list[Any]:
    """All numbers and texts in nested dicts, lists and tensors, in order."""
    if isinstance(value, torch.Tensor):
        return [value.dtype, value.shape, value.contiguous().numpy().tobytes()]
    if isinstance(value, dict):
        return [entry for key, item in value.items() for entry in (key, *flat(item))]
    return [entry for item in value for entry in flat(item)] if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("name", ["pytorch-blitz", "keras-cnn"])
def test_the_other_recipes_go_on_exactly(name: str, data: Cifar10, tmp_path: Path) -> None:
    """Killed in the second epoch and resumed, they end with the same record, weights, momentum and learning rate."""
    recipe = RECIPES[name].with_changes({"epochs": 2, "batch_size": 5, "learning_rate": 0.01})
    run_to_the_end(tmp_path / "whole", data, recipe)
    with pytest.raises(Killed), closing(Run.start(tmp_path / "killed", recipe, SEEDS, data, CPU, "contiguous")) as run:
        run.train(progress=killer_of_epoch(2))
    finish(Run.resume(tmp_path / "killed", read_record(tmp_path / "killed"), data))
    whole, killed = (
        flat(
            [
                without_times(json.loads((folder / "record.json").read_text())),
                without_times(torch.load(folder / LAST, weights_only=True)),
                torch.load(folder / BEST, weights_only=True),
            ]
        )
        for folder in (tmp_path / "whole", tmp_path / "killed")
    )
    assert killed == whole
    optimizer = torch.load(tmp_path / "killed" / LAST, weights_only=True)["optimizer"]
    assert {"pytorch-blitz": "momentum_buffer", "keras-cnn": "square_avg"}[name] in optimizer["state"][0]
    if name == "keras-cnn":
        assert optimizer["param_groups"][0]["lr"] == 0.01 / (1 + 1e-6 * 10)  # 22 images in batches of 5, twice


def test_a_run_of_an_earlier_version_can_be_read_and_gone_on_with(
    data: Cifar10, uninterrupted: dict[str, Any], tmp_path: Path
) -> None:
    """What later versions added to recipes and epochs is filled in, in the record and when the run goes on."""
    with pytest.raises(Killed), closing(Run.start(tmp_path, RECIPE, SEEDS, data, CPU, "contiguous")) as run:
        run.train(progress=killer_of_epoch(3))
    record = json.loads((tmp_path / "record.json").read_text())
    state = torch.load(tmp_path / LAST, weights_only=True)
    record["recipe"] = {name: record["recipe"][name] for name in (*FIRST_FIELDS, "overridden")}
    for epoch in [*record["epochs"], *state["epochs"]]:
        del epoch["valid_accuracy"], epoch["running_loss"]
    del state["run"], state["sha256"]
    del record["code"], record["started"], record["ended"]
    (tmp_path / "record.json").write_text(json.dumps(record))
    torch.save(state, tmp_path / LAST)
    read = read_record(tmp_path)
    assert (read.code, read.started, read.ended) == ([], None, None)
    assert read.recipe == RECIPE
    assert [(epoch.valid_accuracy, epoch.running_loss) for epoch in read.epochs] == [(None, [])] * 2
    finish(Run.resume(tmp_path, read, data))
    assert read_record(tmp_path).code == [None, code_here()]
    assert outcome(tmp_path)["best"] == uninterrupted["best"]
    for ours, theirs in zip(outcome(tmp_path)["record"]["epochs"], uninterrupted["record"]["epochs"], strict=True):
        assert ours["weights_sha256"] == theirs["weights_sha256"]


def test_a_record_says_when_it_was_and_by_what_code(
    data: Cifar10, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resumed, a run keeps its start, ends once, and has the code that goes on only where it is other code."""
    times = [datetime(2026, 1, 1, 12, 0, second, tzinfo=timezone.utc) for second in range(2)]
    now = iter(times)
    monkeypatch.setattr("cifar_repro.runs.run._now", lambda: next(now))
    recipe = RECIPE.with_changes({"epochs": 1})
    with closing(Run.start(tmp_path, recipe, SEEDS, data, CPU, "contiguous")) as run:
        run.train()
    record = read_record(tmp_path)
    assert (record.started, record.ended, record.code) == (times[0], None, [code_here()])
    finish(Run.resume(tmp_path, record, data))
    record = read_record(tmp_path)
    assert (record.started, record.ended, record.code) == (times[0], times[1], [code_here()])
    assert json.loads((tmp_path / "record.json").read_text())["started"] == "2026-01-01T12:00:00Z"
    other = Code(version="0.2.0", commit=None, changed=None, source_sha256="b" * 64)
    monkeypatch.setattr("cifar_repro.runs.run.code_here", lambda: other)
    resumed = Run.resume(tmp_path, record, data)
    assert "WARNING: this run is not known to be all of the same code: " in text.setup(resumed)
    finish(resumed)
    record = read_record(tmp_path)
    assert (record.started, record.ended, record.code) == (times[0], times[1], [code_here(), other])
    finish(Run.resume(tmp_path, record, data))
    assert read_record(tmp_path).code == [code_here(), other], "the code that went on last goes on once more"


@pytest.mark.parametrize(("name", "wanted"), [("udacity", [math.inf, 2.0, 2.0, 1.0]), ("keras-cnn", [None] * 4)])
def test_each_epoch_comes_with_the_best_loss_before_it(
    name: str, wanted: list[float | None], data: Cifar10, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Infinite at first; after a worse epoch it is still that of the best; none where it chooses no weights."""

    def fit(*_: Any, after_epoch: Any, **__: Any) -> None:
        """Validation losses of 2, 3, 1 and 4."""
        epochs: list[Epoch] = []
        for number, (loss, saved) in enumerate([(2.0, True), (3.0, False), (1.0, True), (4.0, False)], start=1):
            epochs.append(Epoch(number, 1.0, loss, saved, "", 0.0, 0.0))
            after_epoch(epochs[-1], {"epochs": [asdict(epoch) for epoch in epochs], "best_weights": {}})

    monkeypatch.setattr("cifar_repro.runs.run.fit", fit)
    told: list[float | None] = []
    with closing(Run.start(tmp_path, RECIPES[name], SEEDS, data, CPU, "contiguous")) as run:
        run.train(lambda epoch, best: told.append(best))
    assert told == wanted


def test_the_best_and_not_the_last_weights_are_tested(data: Cifar10, tmp_path: Path) -> None:
    """With a learning rate at which later epochs are worse, the test result is that of the best epoch's weights."""
    recipe = RECIPE.with_changes({"epochs": 6, "learning_rate": 0.2})
    run = Run.start(tmp_path / "run", recipe, SEEDS, data, CPU, "contiguous")
    run.train()
    result = run.test()
    assert run.record.best is not None
    best, last = run.record.best.epoch, run.record.epochs[-1].epoch
    assert best < last, "this run must have a last epoch that is not its best"
    shorter = Run.start(tmp_path / "short", recipe.with_changes({"epochs": best}), SEEDS, data, CPU, "contiguous")
    shorter.train()
    assert shorter.test().as_record() == result.as_record()
    run.close()
    (run.folder / BEST).unlink()  # a kill before it was written: the best weights are in last.pt, too
    again = Run.resume(run.folder, read_record(run.folder), data)
    again.train()
    assert again.test().as_record() == result.as_record()


def test_a_loss_that_is_no_number_ends_the_run_and_reaches_no_checkpoint(data: Cifar10, tmp_path: Path) -> None:
    """The run stops in that epoch, the record names the first bad step, and the files keep the epoch before."""
    recipe = RECIPE.with_changes({"learning_rate": 1e5})
    with pytest.raises(NonFiniteLoss) as caught:
        run_to_the_end(tmp_path, data, recipe)
    record = read_record(tmp_path)
    assert record.status == "diverged"
    assert record.stopped == Stopped(
        epoch=1, phase=caught.value.phase, step=caught.value.step, loss=str(caught.value.loss)
    )
    assert record.started is not None
    assert record.ended is not None
    assert record.started <= record.ended
    assert 1 < caught.value.step <= 6
    assert not (tmp_path / BEST).exists()
    assert not (tmp_path / LAST).exists()
    with pytest.raises(InputError, match="cannot be resumed"):
        Run.resume(tmp_path, record, data)


@pytest.mark.parametrize("validation", ["split", "test", "none"])
def test_the_steps_that_are_left_are_those_that_are_done(validation: str, tmp_path: Path, data: Cifar10) -> None:
    """Counted one by one, those of a run from its start, and of one that goes on after its first epoch."""
    changes = {"epochs": 2, "batch_size": 7, "validation": validation}
    recipe = RECIPE.with_changes(changes | ({} if validation == "split" else {"valid_fraction": 0.0}))
    done = 0

    def counted(steps: Iterable[T], *, total: int, desc: str) -> Iterator[T]:
        nonlocal done
        for step in steps:
            yield step
            done += 1

    def stop(epoch: Epoch, previous_best: float | None) -> None:
        raise Killed

    run = Run.start(tmp_path / "run", recipe, SEEDS, data, CPU, "contiguous")
    whole = run.steps_left()
    with pytest.raises(Killed), closing(run):
        run.train(stop, counted)
    run = Run.resume(tmp_path / "run", read_record(tmp_path / "run"), data)
    assert run.steps_left() == whole - done
    run.train(progress=counted)
    run.test(counted)
    assert done == whole > 0


@pytest.mark.parametrize(
    ("seeds", "label"),
    [
        (Seeds.all(3), "seed 3"),
        (Seeds(split=1), "seeds 1/0/0/0"),
        (Seeds(init=1), "seeds 0/1/0/0"),
        (Seeds(order=1), "seeds 0/0/1/0"),
        (Seeds(dropout=1), "seeds 0/0/0/1"),
    ],
)
def test_each_seed_that_is_another_one_is_shown(seeds: Seeds, label: str) -> None:
    """Below every figure; a single number stands for four equal ones alone."""
    assert seeds_label(seeds) == label


def test_every_loss_of_a_running_mean_stands_at_its_step(data: Cifar10, tmp_path: Path) -> None:
    """Of 13 images 2.6 would be held out, and 2 are: 11 in batches of 5 are 3 steps an epoch, with a mean for each."""
    few = Cifar10(ImageSet(data.train.images[:13], data.train.labels[:13]), data.test, "synthetic")
    recipe = RECIPE.with_changes({"epochs": 2, "loss_window": 1})
    with closing(Run.start(tmp_path, recipe, SEEDS, few, CPU, "contiguous")) as run:
        run.train()
    shown = running_losses(recipe, run.record.data, run.record.epochs)
    assert [step for step, _ in shown] == [1, 2, 3, 4, 5, 6]
    assert [loss for _, loss in shown] == [loss for epoch in run.record.epochs for loss in epoch.running_loss]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_a_run_trains_in_its_memory_format(
    memory_format: str, data: Cifar10, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of its record, begun or gone on with; the numbers alone might not tell."""
    given: list[object] = []
    monkeypatch.setattr("cifar_repro.runs.run.fit", lambda *_, **options: given.append(options["memory_format"]))
    with closing(Run.start(tmp_path, RECIPE, SEEDS, data, CPU, memory_format)) as run:
        run.train()
    with closing(Run.resume(tmp_path, read_record(tmp_path), data)) as run:
        run.train()
    assert given == [memory_format] * 2


def test_two_processes_do_not_share_a_run(data: Cifar10, tmp_path: Path) -> None:
    """While one is at work in its folder, another neither starts nor goes on there; afterwards it may.

    What it read of the run before that must still be so.
    """
    with alone(tmp_path, "run"), pytest.raises(InputError, match="another run is at work"):
        Run.start(tmp_path, RECIPE, SEEDS, data, CPU, "contiguous")
    with closing(Run.start(tmp_path, RECIPE, SEEDS, data, CPU, "contiguous")):
        record = read_record(tmp_path)
        with pytest.raises(InputError, match="another run is at work"):
            Run.resume(tmp_path, record, data)
    with closing(Run.resume(tmp_path, record, data)), pytest.raises(InputError, match="another run is at work"):
        Run.resume(tmp_path, record, data)
    write_record(tmp_path, replace(record, status="complete"))
    with pytest.raises(InputError, match="another process went on"):
        Run.resume(tmp_path, record, data)


def test_what_a_kill_left_in_a_run_is_cleared(data: Cifar10, tmp_path: Path) -> None:
    """By the next start or resumption there, which nothing else is at work with."""
    (tmp_path / "figures").mkdir()
    left = [tmp_path / "record.json.0123abcd.tmp", tmp_path / "figures" / "a.png.0123abcd.tmp"]
    for path in left:
        path.touch()
    with closing(Run.start(tmp_path, RECIPE, SEEDS, data, CPU, "contiguous")):
        assert not any(path.exists() for path in left)
    left[0].touch()
    with closing(Run.resume(tmp_path, read_record(tmp_path), data)):
        assert not left[0].exists()

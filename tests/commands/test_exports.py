"""`run --csv` and `--tensorboard` give the numbers of the record to tools that read these forms."""

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cifar_repro.cli import main
from cifar_repro.core.training import Epoch
from cifar_repro.runs import exports
from cifar_repro.runs.run import Run
from tests.commands.run_folder import record_of


def run(images: Path, folder: Path, *more: str) -> int:
    return main(["run", "--data", str(images), "--threads", "1", "--epochs", "2", "--out", str(folder), *more])


@pytest.fixture
def wrote(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What TensorBoard was told, without it: how each writer was made, and its scalars."""
    told: list[Any] = []

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int | None) -> None:
            told.append((Path(folder).name, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            told.append((name, value, step))

        def flush(self) -> None:
            pass

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr("cifar_repro.runs.exports.find_spec", lambda name: object())
    return told


@pytest.mark.usefixtures("quick_figures")
def test_both_hold_what_the_record_holds(images: Path, tmp_path: Path, wrote: list[Any]) -> None:
    """A line of the CSV an epoch, numbers with all their digits; a scalar for each loss and time of an epoch."""
    assert run(images, tmp_path / "run", "--csv", "--tensorboard", "--validation", "test", "--valid-fraction", "0") == 0
    epochs = record_of(tmp_path / "run")["epochs"]
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{k: str(v) for k, v in epoch.items() if k != "running_loss"} for epoch in epochs]
    names = ("train_loss", "valid_loss", "valid_accuracy", "train_seconds", "valid_seconds")
    scalars = [(name, epoch[name], epoch["epoch"]) for epoch in epochs for name in names]
    assert wrote == [("tensorboard", None), *scalars]

    # A run that is resumed has all its epochs in both, whatever an earlier process wrote.
    del wrote[:]
    (tmp_path / "run" / "metrics.csv").unlink()
    assert main(["run", "--resume", str(tmp_path / "run"), "--csv", "--tensorboard"]) == 0
    assert wrote == [("tensorboard", 1), *scalars]
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == rows


@pytest.mark.usefixtures("quick_figures")
def test_what_is_not_there_is_empty(images: Path, tmp_path: Path, wrote: list[Any]) -> None:
    """Without validation its loss is an empty cell, and no scalar."""
    assert run(images, tmp_path / "run", "--csv", "--tensorboard", "--validation", "none", "--valid-fraction", "0") == 0
    assert "valid_loss" not in {name for name, *_ in wrote}
    first = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert first[0] == ("epoch,train_loss,valid_loss,saved,weights_sha256,train_seconds,valid_seconds,valid_accuracy")
    assert [line.split(",")[2] for line in first[1:]] == ["", ""]


@pytest.mark.usefixtures("quick_figures", "wrote")
@pytest.mark.parametrize("more", [[], ["--csv"], ["--tensorboard"], ["--csv", "--tensorboard"]], ids=" ".join)
def test_the_command_that_goes_on_writes_them_too(
    more: list[str], images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an interrupted run says ends with the same options, and can be pasted into a shell as it is."""

    def train(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "train", train)
    assert run(images, tmp_path / "a run", *more) == 130
    command = " ".join([f"cifar-repro run --resume '{tmp_path}/a run'", *more])
    assert capsys.readouterr().err.endswith(f"0 of 2 epochs are kept; go on with: {command}\n")


def test_a_zero_is_a_number(tmp_path: Path, wrote: list[Any]) -> None:
    """An accuracy of 0 is a scalar and a cell as another is, and no gap."""
    numbers = {"train_loss": 0.0, "valid_loss": 0.0, "valid_accuracy": 0.0, "train_seconds": 0.0, "valid_seconds": 0.0}
    epoch = Epoch(epoch=1, saved=True, weights_sha256="a" * 64, **numbers)
    exports.tensorboard(tmp_path, [])(epoch)
    assert wrote[1:] == [(name, 0.0, 1) for name in numbers]
    exports.write_csv(tmp_path, [epoch])
    with (tmp_path / "metrics.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert {name: row[name] for name in numbers} == dict.fromkeys(numbers, "0.0")


def test_without_tensorboard_nothing_is_begun(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and a line that says how to have it, before there is a folder."""
    monkeypatch.setattr("cifar_repro.runs.exports.find_spec", lambda name: None)
    assert run(images, tmp_path / "run", "--tensorboard") == 2
    assert "pip install 'cifar-repro[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="no tensorboard: pip install 'cifar-repro[tensorboard]'"
)
@pytest.mark.filterwarnings("default")  # those of its own dependencies
@pytest.mark.usefixtures("quick_figures")
def test_tensorboard_reads_its_events(images: Path, tmp_path: Path) -> None:
    """Its own reader finds the losses of each epoch once, in a run that was resumed, too."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert run(images, tmp_path / "run", "--tensorboard") == 0
    assert main(["run", "--resume", str(tmp_path / "run"), "--tensorboard"]) == 0
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    found = [(event.step, event.value) for event in events.Scalars("train_loss")]
    epochs = record_of(tmp_path / "run")["epochs"]
    assert found == [(epoch["epoch"], pytest.approx(epoch["train_loss"], rel=1e-6)) for epoch in epochs]

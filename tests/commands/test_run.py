"""`cifar-repro run`: what it prints, what it leaves in its folder, and how it ends early."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_repro.audits.lesson import TutorialNet
from cifar_repro.cli import main
from cifar_repro.runs import text
from tests.commands.run_folder import FIGURES, record_of


@pytest.mark.usefixtures("quick_figures")
def test_run_prints_what_the_lesson_prints(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Device, network, volumes, a line an epoch, each saving, test loss, per-class and overall accuracy: all there."""
    assert main(["run", "--data", str(images), "--epochs", "2", "--threads", "1", "--out", str(tmp_path / "run")]) == 0
    printed, record = capsys.readouterr(), record_of(tmp_path / "run")
    assert printed.err == "", "no progress bar where stderr is no terminal"
    assert "(conv3): Conv2d(32, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))" in printed.out
    assert re.search(r"pool3\s+64 x 4 x 4", printed.out)
    before = float("inf")
    for epoch in record["epochs"]:
        losses = f"Training Loss: {epoch['train_loss']:.6f} \tValidation Loss: {epoch['valid_loss']:.6f}"
        assert f"Epoch: {epoch['epoch']} \t{losses}" in printed.out
        saving = f"Validation loss decreased ({before:.6f} --> {epoch['valid_loss']:.6f}).  Saving model ..."
        assert (saving in printed.out) == epoch["saved"]
        before = min(before, epoch["valid_loss"])
    test = record["test"]
    assert f"Test Loss: {test['loss']:.6f}" in printed.out
    for entry in test["per_class"]:
        assert re.search(rf"Test Accuracy of +{entry['name']}: .*\({entry['correct']}/{entry['total']}\)", printed.out)
    assert re.search(rf"Test Accuracy \(Overall\): +\d+% \({test['correct']}/40\)", printed.out)
    assert printed.out.splitlines()[-1].endswith(f"all of it on one page: {tmp_path / 'run' / 'report.html'}")


def test_run_fills_its_folder(images: Path, tmp_path: Path) -> None:
    """Record, metrics, weights, state, the report, all figures and the lock are there, and nothing else."""
    folder = tmp_path / "run"
    assert main(["run", "--data", str(images), "--epochs", "1", "--threads", "1", "--out", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} == {
        "report.html",
        "record.json",
        "metrics.jsonl",
        "model_cifar.pt",
        "last.pt",
        "figures",
        ".lock",
    }
    assert {path.stem for path in (folder / "figures").glob("*.png")} == FIGURES
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == record_of(folder)["epochs"]


@pytest.mark.usefixtures("quick_figures")
def test_run_without_out_makes_a_folder_of_its_own(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs one after the other in one place get two folders under runs/, named by recipe, seed and time."""
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--data", str(images), "--epochs", "1", "--seed", "3", "--recipe", "udacity-augmented"]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"udacity-augmented-seed3-\d{8}T\d{6}Z", folder.name)


@pytest.mark.usefixtures("quick_figures")
def test_json_is_the_record_and_nothing_else(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json stdout is one JSON object equal to record.json; what people read goes to stderr."""
    folder = tmp_path / "run"
    assert main(["run", "--data", str(images), "--epochs", "1", "--threads", "1", "--out", str(folder), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == record_of(folder)
    assert "Epoch: 1" in printed.err


@pytest.mark.usefixtures("quick_figures")
def test_a_changed_number_is_in_the_record(images: Path, tmp_path: Path) -> None:
    """A recipe field given as a flag is used, and the record says which differ from the recipe of that name."""
    flags = ["--batch-size", "16", "--dropout", "0.3", "--epochs", "1", "--init-seed", "9", "--learning-rate", "0.01"]
    assert main(["run", "--data", str(images), "--out", str(tmp_path / "run"), *flags]) == 0
    record = record_of(tmp_path / "run")
    assert record["recipe"]["overridden"] == ["batch_size", "epochs", "dropout"]
    assert (record["recipe"]["batch_size"], record["recipe"]["dropout"]) == (16, 0.3)
    assert record["seeds"] == {"split": 0, "init": 9, "order": 0, "dropout": 0}


def test_the_weights_load_into_the_lessons_own_network(finished: Path) -> None:
    """`model_cifar.pt` is a plain state_dict that a network typed in from the lesson takes as it is."""
    TutorialNet().load_state_dict(torch.load(finished / "model_cifar.pt", weights_only=True))


@pytest.mark.usefixtures("quick_figures")
def test_channels_last_weights_load_into_the_lessons_own_network(images: Path, tmp_path: Path) -> None:
    """In channels_last too, the weights are written contiguous."""
    flags = ["--memory-format", "channels_last", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert main(["run", "--data", str(images), *flags]) == 0
    weights = torch.load(tmp_path / "run" / "model_cifar.pt", weights_only=True)
    TutorialNet().load_state_dict(weights)
    assert all(tensor.is_contiguous() for tensor in weights.values())


@pytest.mark.usefixtures("quick_figures")
def test_resuming_a_complete_run_changes_nothing(finished: Path) -> None:
    """`run --resume` of a run that is complete, by its folder or its record, leaves the same record."""
    before = record_of(finished)
    for path in (finished, finished / "record.json"):
        assert main(["run", "--resume", str(path)]) == 0
        assert record_of(finished) == before


@pytest.mark.usefixtures("quick_figures")
def test_a_loss_that_is_no_number_ends_the_run_with_status_1(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names epoch, step and value; the record says so, also as JSON; there is no checkpoint."""
    flags = ["--learning-rate", "1e6", "--out", str(tmp_path / "run")]
    assert main(["run", "--data", str(images), *flags]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"the loss was (nan|inf) in epoch 1, training step \d", line)
    assert record_of(tmp_path / "run")["status"] == "diverged"
    assert not list((tmp_path / "run").glob("*.pt"))
    assert main(["run", "--data", str(images), *flags[:-1], str(tmp_path / "as JSON"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == record_of(tmp_path / "as JSON")


@pytest.mark.usefixtures("quick_figures")
def test_ctrl_c_keeps_what_there_is_and_says_how_to_go_on(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 130, one line on stderr with the command that goes on, and that command completes the run."""
    folder, epoch_text = tmp_path / "run", text.epoch
    # A process that was started in the background ignores Ctrl-C, and so would this test.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def press_ctrl_c(epoch: Any, previous_best: float, window: int) -> str:
        if epoch.epoch == 2:
            signal.raise_signal(signal.SIGINT)
        return epoch_text(epoch, previous_best, window)

    with monkeypatch.context() as patch:
        patch.setattr(text, "epoch", press_ctrl_c)
        status = main(["run", "--data", str(images), "--threads", "1", "--epochs", "4", "--out", str(folder)])
    signal.signal(signal.SIGINT, before)
    assert status == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert f"interrupted: 2 of 4 epochs are kept; go on with: cifar-repro run --resume {folder}" in line
    assert len(record_of(folder)["epochs"]) == 2
    assert main(["run", "--resume", str(folder)]) == 0
    assert record_of(folder)["status"] == "complete"
    assert len(record_of(folder)["epochs"]) == 4

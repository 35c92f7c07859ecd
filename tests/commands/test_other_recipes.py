"""The recipes other than the lesson's work with every command."""

import json
from pathlib import Path

import pytest

from cifar_repro.cli import main
from tests.commands.run_folder import record_of


@pytest.mark.usefixtures("quick_figures")
@pytest.mark.parametrize("name", ["pytorch-blitz", "keras-cnn"])
def test_the_other_recipes_work_with_every_command(
    name: str, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`run`, `evaluate`, `verify`, `trace` and `diff` of a recipe without a split, the words on its losses included."""
    where, run = ["--data", str(images), "--threads", "1"], tmp_path / "run"
    window = ["--loss-window", "10"] if name == "pytorch-blitz" else []
    assert main(["run", "--recipe", name, "--epochs", "1", *window, *where, "--out", str(run)]) == 0
    printed, record = capsys.readouterr().out, record_of(run)
    (epoch,) = record["epochs"]
    assert "Validation loss decreased" not in printed
    if name == "pytorch-blitz":
        assert "100 training and 40 test images, no validation" in printed
        assert (epoch["valid_loss"], epoch["valid_accuracy"], len(epoch["running_loss"])) == (None, None, 2)
        assert f"[1,    20] loss: {epoch['running_loss'][1]:.3f}\n" in printed
        assert f"Epoch: 1 \tTraining Loss: {epoch['train_loss']:.6f}\n" in printed
    else:
        assert "100 training and 40 test images, which are the validation images, too" in printed
        test = record["test"]
        assert epoch["valid_accuracy"] == test["correct"] / test["total"]
        assert epoch["valid_loss"] == test["loss"]
        assert f"\tValidation Accuracy: {100 * epoch['valid_accuracy']:.2f}%\n" in printed
        assert epoch["running_loss"] == []
    evaluate = ["evaluate", str(run / "model_cifar.pt"), *where, "--json"]
    assert main([*evaluate, "--recipe", name]) == 0
    assert json.loads(capsys.readouterr().out) == record["test"]
    assert main(evaluate) == 2, "these are not the weights of udacity's network"
    assert main(["verify", str(run)]) == 0
    traces = [str(tmp_path / "a"), str(tmp_path / "b")]
    for file in traces:
        assert main(["trace", "--recipe", name, "--steps", "2", *where, "-o", file]) == 0
    assert main(["diff", *traces]) == 0
    capsys.readouterr()
    assert main(["trace", "--recipe", name, "--steps", "1", *where, "-o", str(tmp_path / "c"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "c").read_text().splitlines()[0])

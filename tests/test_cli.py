"""The commands, as a newcomer meets them."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from benchmarks.tutorial import TutorialNet
from cifar_repro.cli import main
from cifar_repro.commands.talk import progress
from cifar_repro.core.layouts import CLASSES
from cifar_repro.report import figures
from cifar_repro.runs import text
from tests.make_data import tiny_set, write_binary_folder

FIGURES = {"training_batch", "channel_values", "loss_curves", "confusion_matrix", "per_class_accuracy", "predictions"}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 100 random training images and 40 test images."""
    return write_binary_folder(tmp_path_factory.mktemp("images"), tiny_set(per_batch=20, test=40))


@pytest.fixture(scope="module")
def finished(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of three epochs."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    assert (
        main(["run", "--data", str(images), "--epochs", "3", "--threads", "1", "--seed", "5", "--out", str(folder)])
        == 0
    )
    return folder


@pytest.fixture
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws empty figures: the run of `finished` and the figures' own tests draw them in full."""
    for name in (*FIGURES, "running_loss"):
        monkeypatch.setattr(figures, name, lambda *args, **kwargs: Figure())


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return record


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], text=True, capture_output=True, check=False, **options)


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


def test_run_fills_its_folder(finished: Path) -> None:
    """Record, metrics, weights, state, the report and all figures are there, and nothing else."""
    assert {path.name for path in finished.iterdir()} == {
        "report.html",
        "record.json",
        "metrics.jsonl",
        "model_cifar.pt",
        "last.pt",
        "figures",
    }
    assert {path.stem for path in (finished / "figures").glob("*.png")} == FIGURES
    lines = (finished / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == record_of(finished)["epochs"]


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


def test_evaluate_prints_the_records_own_test_result(
    images: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`evaluate` of a run's best weights gives that run's test result, number for number."""
    arguments = ["evaluate", str(finished / "model_cifar.pt"), "--data", str(images), "--threads", "1", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == record_of(finished)["test"]


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


def test_report_of_a_run_is_the_one_in_its_folder(finished: Path, tmp_path: Path) -> None:
    """`report` looks at data and weights again and writes the very page that `run` wrote."""
    assert main(["report", str(finished), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text() == (finished / "report.html").read_text()


def test_report_without_the_data_is_made_and_says_so(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data that is not the run's gives a report without pictures, which the page and the command tell."""
    other = write_binary_folder(tmp_path / "other", tiny_set(per_batch=20, test=40, seed=1))
    page = tmp_path / "page.html"
    assert main(["report", str(finished), str(finished), "--data", str(other), "-o", str(page)]) == 0
    told = capsys.readouterr().out
    assert told.count("There are no pictures of the test images here.") == 1, "once for a folder"
    assert f"The report is in {page}" in told
    again = tmp_path / "again.html"
    assert main(["report", str(finished), "--data", str(other), "-o", str(again), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["report"] == str(again)
    assert list(printed["without_pictures"]) == [str(finished)]
    assert "There are no pictures of the test images here." in page.read_text()
    assert "2 results side by side" in page.read_text()


@pytest.mark.usefixtures("quick_figures")
def test_resuming_a_complete_run_changes_nothing(finished: Path) -> None:
    """`run --resume` of a run that is complete, by its folder or its record, leaves the same record."""
    before = record_of(finished)
    for path in (finished, finished / "record.json"):
        assert main(["run", "--resume", str(path)]) == 0
        assert record_of(finished) == before


def test_data_tells_what_a_folder_holds(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Layout, counts per class, fingerprints and whether official, as text and as JSON."""
    assert main(["data", str(images)]) == 0
    printed = capsys.readouterr().out
    assert main(["data", "--data", str(images), "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["kind"] == "binary"
    assert described["official"] is False
    assert sum(described["counts"]["train"].values()) == 100
    assert list(described["counts"]["test"]) == list(CLASSES)
    for needed in ["binary", "official:  no", described["fingerprints"]["train"], described["fingerprints"]["test"]]:
        assert needed in printed


@pytest.mark.usefixtures("quick_figures")
def test_a_loss_that_is_no_number_ends_the_run_with_status_1(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names epoch, step and value; the record says so; there is no checkpoint."""
    flags = ["--learning-rate", "1e6", "--out", str(tmp_path / "run")]
    assert main(["run", "--data", str(images), *flags]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"the loss was (nan|inf) in epoch 1, training step \d", line)
    assert record_of(tmp_path / "run")["status"] == "diverged"
    assert not list((tmp_path / "run").glob("*.pt"))


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


def test_a_reader_that_has_read_enough_is_no_error(images: Path) -> None:
    """Where the output ends in a closed pipe, as in `... | head -1`, nothing is said."""
    command = f"{sys.executable} -m cifar_repro data {images} | true; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_help_imports_no_torch() -> None:
    """`import cifar_repro` and the help of every command work without importing torch, torchvision or matplotlib."""
    code = (
        "import sys, cifar_repro; from cifar_repro.cli import main\n"
        "for command in ['run'], ['evaluate'], ['data'], ['report'], []:\n"
        "    try: main([*command, '--help'])\n"
        "    except SystemExit: pass\n"
        "print([m for m in ('torch', 'torchvision', 'matplotlib', 'numpy', 'jinja2') if m in sys.modules])"
    )
    result = python("-c", code)
    assert result.stdout.splitlines()[-1] == "[]"


def test_public_names_are_there() -> None:
    """Each name that the package promises can be imported from its top."""
    import cifar_repro

    promised = (
        "Net Recipe RECIPES Seeds ImageSet load_cifar10 split_indices conv_output_size volume_walk train_epoch "
        "evaluate fit weights_digest"
    )
    assert sorted(cifar_repro.__all__) == sorted(promised.split())
    for name in cifar_repro.__all__:
        assert getattr(cifar_repro, name) is not None


def test_processes_agree() -> None:
    """Another process, with another hash seed, gives the same weights to the bit."""
    code = (
        "from cifar_repro.core.data import synthetic; from cifar_repro.core.seeding import make_deterministic\n"
        "from cifar_repro import RECIPES, Seeds, fit\n"
        "make_deterministic(threads=1)\n"
        "recipe = RECIPES['udacity-augmented'].with_changes({'epochs': 2})\n"
        "digest = fit(recipe, Seeds.all(5), synthetic(100, 10).train).epochs[-1].weights_sha256\n"
    )
    other = python("-c", code + "print(digest)", env={**os.environ, "PYTHONHASHSEED": "77"})
    here: dict[str, str] = {}
    exec(code, here)
    assert other.stdout.split() == [here["digest"]]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_progress_shows_in_a_terminal_and_only_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal, even one of unknown size, a bar names the work and its share; elsewhere there is nothing."""
    assert list(progress(range(3), total=3, desc="counting")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    terminal, inside = os.openpty()
    with os.fdopen(inside, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert list(progress(range(3), total=3, desc="counting")) == [0, 1, 2]
        shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert re.search(r"counting: +0%.*0/3", shown)

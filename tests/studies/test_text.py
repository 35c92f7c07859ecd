"""`cifar-repro study`, as a newcomer meets it."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from cifar_repro.cli import main
from cifar_repro.core.recipe import Seeds
from cifar_repro.report import page
from cifar_repro.runs.record import Stopped
from cifar_repro.studies import jobs
from cifar_repro.studies import study as studies
from cifar_repro.studies import text as study_text
from cifar_repro.studies.study import Plan
from cifar_repro.studies.study_file import Diverged, Study
from tests.make_data import tiny_set, write_binary_folder
from tests.make_studies import make_study, summed_up
from tests.workers import in_this_process

SOURCES = ("split", "init", "order", "dropout")


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 50 random training images and 20 test images; studies are done in this process."""
    monkeypatch.setattr(jobs, "run_here", in_this_process)
    return write_binary_folder(tmp_path / "images", tiny_set(per_batch=10, test=20))


def study(images: Path, out: Path, *more: str) -> int:
    return main(["study", "--data", str(images), "--epochs", "1", "--seeds", "2", "--out", str(out), *more])


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_a_study_says_what_it_is_what_came_and_how_fast(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recipe, each seed's result, the mean with its deviation, the share of the test set, and seeds an hour."""
    assert study(images, tmp_path / "study", "--first-seed", "1000000") == 0
    printed, made = capsys.readouterr(), read(tmp_path / "study" / "study.json")
    assert printed.err == ""
    assert "udacity, epochs 1 · seed-1000000 to seed-1000001, all four sources of randomness varying" in printed.out
    for run in made["runs"]:
        accuracy = 100 * run["test"]["correct"] / 20
        line = rf"{run['folder']} +test accuracy {accuracy:.2f} %, test loss {run['test']['loss']:.6f}"
        assert re.search(line, printed.out)
    loss = made["test"]["loss"]
    assert re.search(rf"test loss +{loss['mean']:.6f} +sd {loss['sd']:.6f}", printed.out)
    assert "data that is not official CIFAR-10 (binary)" in printed.out
    assert re.search(r"2 epochs trained in .*: [\d.,]+ seeds an hour", printed.out)
    assert study(images, tmp_path / "study", "--first-seed", "1000000") == 0
    assert "seeds an hour" not in capsys.readouterr().out, "nothing was trained by the second call"


@pytest.mark.parametrize(
    ("runs", "between", "said"), [(4, "60.00 to 75.00 %", "lowest"), (5, "59.67 to 75.13 %", "95 %")]
)
def test_fewer_than_five_runs_have_a_range_and_no_interval(runs: int, between: str, said: str) -> None:
    """Of four the lowest and the highest are shown; of five the t interval, 67.4 -+ 2.7764 * 6.229 / sqrt(5)."""
    lines = study_text.result(summed_up(make_study([60.0, 75.0, 70.0, 62.0, 70.0][:runs]))).splitlines()
    assert said in lines[2]
    (accuracy,) = (line for line in lines if line.startswith("test accuracy "))
    assert accuracy.endswith(between)


def test_a_range_is_of_the_last_losses_and_of_all_runs_with_images_of_a_class() -> None:
    """The losses of the first epoch play no part; a run that gets no image of a class right is its lowest."""
    curves = np.array([[[9, 8], [1.25, 2.25]], [[7, 6], [1.5, 2.5]], [[5, 4], [1.75, 2.75]]])
    classes = np.full((3, 10), 50.0)
    classes[:, 3] = 0, 60, 30
    lines = study_text.result(summed_up(make_study([60.0] * 3, curves=curves, per_class=classes))).splitlines()
    for name, between in (
        ("last training loss", "1.250000 to 1.750000"),
        ("last validation loss", "2.250000 to 2.750000"),
        ("  of cat", "0.00 to 60.00 %"),
    ):
        (line,) = (line for line in lines if line.startswith(name))
        assert line.split("   ")[-1].strip() == between


def test_runs_of_different_code_are_told(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs of the same code are not spoken of; where a run may be of other code, a line says which there are, with
    that which began a run."""
    assert study(images, tmp_path / "study") == 0
    assert "same code" not in capsys.readouterr().out
    record = read(tmp_path / "study" / "seed-1" / "record.json")
    other = {"version": "0.0.1", "commit": None, "changed": None, "source_sha256": "b" * 64}
    record["code"].insert(0, other)
    (tmp_path / "study" / "seed-1" / "record.json").write_text(json.dumps(record))
    assert study(images, tmp_path / "study") == 0
    here = record["code"][1:]
    assert [run["code"] for run in read(tmp_path / "study" / "study.json")["runs"]] == [here, [other, *here]]
    line = next(line for line in capsys.readouterr().out.splitlines() if "same code" in line)
    assert "; 0.0.1 (sources bbbbbbbbbb), then " in line


def test_a_study_leaves_its_report_and_says_where(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last line names the page, which is the one that `report` makes; the same command makes a lost one again."""
    out, page = tmp_path / "study", tmp_path / "page.html"
    assert study(images, out) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"All of it on one page: {out / 'report.html'}"
    written = (out / "report.html").read_text()
    assert main(["report", str(out), "-o", str(page)]) == 0
    assert page.read_text() == written
    (out / "report.html").unlink()  # as after a kill between study.json and the report
    assert study(images, out, "--json") == 0
    assert (out / "report.html").read_text() == written


def test_json_is_the_study_and_nothing_else(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json stdout is study.json; with --vary each, all four by their source, and each varies that one alone."""
    assert study(images, tmp_path / "each", "--vary", "each", "--seed", "9", "--json") == 0
    printed = capsys.readouterr()
    studies = json.loads(printed.out)
    assert list(studies) == list(SOURCES)
    for source, made in studies.items():
        assert made == read(tmp_path / "each" / source / "study.json")
        assert made["vary"] == source
        assert [run["seeds"] for run in made["runs"]] == [dict.fromkeys(SOURCES, 9) | {source: s} for s in (0, 1)]
    shares = [int(share) for share in re.findall(rf"^(?:{'|'.join(SOURCES)}) .* (\d+) %$", printed.err, re.MULTILINE)]
    assert len(shares) == 4
    assert abs(sum(shares) - 100) <= 2


def test_a_run_that_diverges_makes_the_exit_status_1(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each such seed is told, with its epoch, and that there is nothing to say where no other is left."""
    diverging = ("--learning-rate", "1e6", "--first-seed", "1000000")
    assert study(images, tmp_path / "study", *diverging) == 1
    printed = capsys.readouterr().out
    assert len(re.findall(r"seed-\d+ +diverged in epoch 1: left out of all statistics", printed)) == 2
    assert "All 2 runs diverged" in printed
    assert study(images, tmp_path / "study", *diverging, "--json") == 1
    made = json.loads(capsys.readouterr().out)
    nothing = dict.fromkeys(("mean", "sd", "low", "high"))
    assert made["test"] == {"loss": nothing, "accuracy": nothing, "per_class": []}


def test_sources_whose_runs_all_diverged_stay_in_the_table(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --vary each no source is left out of the comparison, even where there is nothing to compare."""
    assert study(images, tmp_path / "each", "--vary", "each", "--learning-rate", "1e6") == 1
    rows = re.findall(r"^(\w+)(?: +N/A){4}$", capsys.readouterr().out, re.MULTILINE)
    assert rows == list(SOURCES)


@pytest.mark.parametrize(("source", "status"), [("split", 1), ("dropout", 1), (None, 0)])
def test_a_run_that_diverges_in_any_of_four_studies_makes_the_exit_status_1(
    source: str | None,
    status: int,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not one of the last alone; and the epochs of all four are counted."""
    lost = Diverged(folder="seed-2", seeds=Seeds(), stopped=Stopped(epoch=1, phase="training", step=1, loss="nan"))
    done = summed_up(make_study([60.0, 70.0]))

    def run_study(plan: Plan, *_: object) -> tuple[Study, int]:
        return structs.replace(done, vary=plan.vary, diverged=[lost] if plan.vary == source else []), 2

    monkeypatch.setattr(studies, "run_study", run_study)
    monkeypatch.setattr(page, "write_study_report", lambda folder, study, data: folder)
    assert study(images, tmp_path / "each", "--vary", "each") == status
    assert "\n8 epochs trained in " in capsys.readouterr().out


def test_a_source_with_one_run_left_is_not_said_to_contribute_nothing() -> None:
    """Its deviation is not known, and without it no source's share of the sum is; the other deviations are."""
    studies = [make_study([60.0, 61.0], test_losses=[0.7, 0.8]), make_study([60.0])]
    shown = study_text.shares(dict(zip(("split", "init"), map(summed_up, studies), strict=True))).splitlines()[2:4]
    assert [line.split() for line in shown] == [
        ["split", "0.707", "points", "N/A", "0.070711", "N/A"],
        ["init", "N/A", "N/A", "N/A", "N/A"],
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_study_says_how_to_go_on(
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    """Ctrl-C or SIGTERM ends it with exit status 130 and one line; what is finished stays; handlers are put back."""

    def too_late(number: int, frame: object) -> None:
        raise AssertionError("the study does not handle SIGTERM")

    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, too_late)
    monkeypatch.setattr(study_text, "run", lambda name, record: signal.raise_signal(number))
    try:
        assert study(images, tmp_path / "study") == 130
        assert signal.getsignal(signal.SIGTERM) is too_late
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "cifar-repro: interrupted: all finished epochs are kept; go on with the same command"
    assert read(tmp_path / "study" / "seed-0" / "record.json")["status"] == "complete"
    assert not (tmp_path / "study" / "study.json").exists()


def test_the_share_of_the_test_set_and_the_speed_in_numbers() -> None:
    """All of the variance is 100 %; 30,000 epochs of runs of 30 in an hour are 1,000 seeds an hour."""
    study = summed_up(make_study([50.0, 50.3, 49.8]))
    assert study.variance is not None
    all_of_it = {"test_set_share": 1.0, "test_set_share_low": 0.25, "test_set_share_high": 1.0, "networks": 0.0016}
    said = study_text.result(structs.replace(study, variance=structs.replace(study.variance, **all_of_it)))
    assert "Of the variance of the accuracy, 100 % (25 to 100 %) is there because there are only 10,000 test" in said
    assert "the networks truly differ by a standard deviation of 4.000 points." in said
    assert "\nStandard deviation from all four sources of randomness: test accuracy 0.252 points (0.131 to 1.58" in said
    alone = study_text.result(structs.replace(study, vary="dropout"))
    assert "\nStandard deviation from dropout alone: test accuracy 0.252 points" in alone
    assert study_text.speed(30_000, 30, 3_600) == "30000 epochs trained in 60.0 min: 1,000.0 seeds an hour"

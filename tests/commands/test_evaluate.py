"""`cifar-repro evaluate` gives the test result of the run whose weights it is given."""

import json
from pathlib import Path

import pytest
import torch

from cifar_repro.cli import main
from cifar_repro.runs import run
from tests.commands.run_folder import record_of


def test_evaluate_prints_the_records_own_test_result(
    images: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`evaluate` of a run's best weights gives that run's test result, number for number."""
    arguments = ["evaluate", str(finished / "model_cifar.pt"), "--data", str(images), "--threads", "1", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == record_of(finished)["test"]


def test_the_folder_of_a_run_and_its_last_state_are_evaluated_too(
    images: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder stands for its best weights; of last.pt the network is taken, and a line says what was."""
    assert main(["evaluate", str(finished), "--data", str(images), "--threads", "1", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == record_of(finished)["test"]
    assert printed.err.startswith(f"Weights: model_cifar.pt of {finished}\n")
    assert main(["evaluate", str(finished / "last.pt"), "--data", str(images), "--threads", "1"]) == 0
    assert capsys.readouterr().out.startswith(f"Weights: entry network of {finished / 'last.pt'}\n")


@pytest.mark.parametrize(
    ("options", "computed"),
    [([], ("contiguous", None)), (["--memory-format", "channels_last", "--threads", "7"], ("channels_last", 7))],
)
def test_an_evaluation_computes_as_it_is_told(
    options: list[str],
    computed: tuple[str, int | None],
    images: Path,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the memory format and with the threads that are asked for; the number alone would not tell."""
    threads: list[int | None] = [None]
    monkeypatch.setattr(torch, "set_num_threads", threads.append)

    def evaluate(*given: object) -> None:
        assert (given[4], threads[-1]) == computed
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "evaluate_images", evaluate)
    assert main(["evaluate", str(finished), "--data", str(images), *options]) == 130

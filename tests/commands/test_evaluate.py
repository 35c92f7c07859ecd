"""`cifar-repro evaluate` gives the test result of the run whose weights it is given."""

import json
from pathlib import Path

import pytest

from cifar_repro.cli import main
from tests.commands.run_folder import record_of


def test_evaluate_prints_the_records_own_test_result(
    images: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`evaluate` of a run's best weights gives that run's test result, number for number."""
    arguments = ["evaluate", str(finished / "model_cifar.pt"), "--data", str(images), "--threads", "1", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == record_of(finished)["test"]

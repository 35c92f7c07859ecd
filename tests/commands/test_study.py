"""`cifar-repro study`: what it says and how it ends where no run is left to say anything of."""

from pathlib import Path

import pytest

from cifar_repro.cli import main
from cifar_repro.studies import jobs
from tests.workers import in_this_process


def test_a_study_whose_runs_all_diverge_ends_with_status_1(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, and writes no report on nothing."""
    monkeypatch.setattr(jobs, "run_here", in_this_process)
    given = ["study", "--data", str(images), "--seeds", "2", "--epochs", "1", "--learning-rate", "1e6"]
    assert main([*given, "--out", str(tmp_path / "study")]) == 1
    printed = capsys.readouterr()
    assert "All 2 runs diverged: there is nothing to say" in printed.out
    assert printed.err == ""
    assert not (tmp_path / "study" / "report.html").exists()

"""`cifar-repro verdict`: what it prints and its exit status."""

import json
from pathlib import Path

import pytest

from cifar_repro.cli import main
from cifar_repro.verdicts.verdict import BITWISE, CLOSE, DIFFERENT, EQUIVALENT, INCONCLUSIVE
from tests.make_studies import make_study, write_study
from tests.verdicts.two_studies import ACCURACIES


def test_the_command_prints_the_verdict_and_its_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0 where equality is shown, 1 for a difference, 3 where neither is; --json is one object."""
    a = write_study(tmp_path / "a", make_study(ACCURACIES))
    shifted = [value - 4 for value in ACCURACIES]
    b = write_study(tmp_path / "b", make_study(shifted, first_seed=50))
    c = write_study(tmp_path / "c", make_study([73.0], first_seed=90))
    for path, status, outcome in ((a, 0, BITWISE), (a / "study.json", 0, BITWISE), (b, 1, DIFFERENT)):
        assert main(["verdict", str(a), "--against", str(path)]) == status
        assert capsys.readouterr().out.startswith(f"Verdict: {outcome}, compared with {path}\n")
    assert main(["verdict", str(a), "--against", str(c), "--json"]) == 3
    out = json.loads(capsys.readouterr().out)
    assert (out["outcome"], out["favourable"]) == (INCONCLUSIVE, False)
    assert main(["verdict", str(a), "--against", str(b), "--margin", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == EQUIVALENT
    d = write_study(tmp_path / "d", make_study(ACCURACIES[:3]))
    assert main(["verdict", str(a), "--against", str(d)]) == 0
    assert capsys.readouterr().out.startswith(f"Verdict: {CLOSE} in 3 of 5 runs, compared with {d}\n")

"""`--markdown` and `--junit` of the commands that answer a question."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cifar_repro.cli import main
from cifar_repro.gate import text as gate_text
from cifar_repro.gate.gate import GateResult
from cifar_repro.runs import text as runs_text
from cifar_repro.runs.verify import Difference, Verification
from cifar_repro.traces.junit import count_tests
from cifar_repro.verdicts.verdict import CLOSE
from tests.gate.test_gate import by, made, spread
from tests.make_studies import HEADER, make_study, write_study
from tests.traces.hand_made import entry
from tests.verdicts.two_studies import ACCURACIES

NAMES = ("init/w", "step 1/loss", "step 1/update/w")


def trace(path: Path, *names: str, changed: str = "") -> str:
    lines: list[Any] = [HEADER, *(entry(name, 2.0 if name == changed else 1.0) for name in names or NAMES)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def outcomes(file: Path) -> dict[str, str]:
    tags = {"system-out": "passed", "failure": "failed", "skipped": "skipped"}
    return {case.attrib["name"]: tags[case[0].tag] for case in ElementTree.parse(file).iter("testcase")}


def test_diff_gives_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout stands the Markdown alone, in the file are the checks; what people read goes to stderr."""
    a, b = trace(tmp_path / "a"), trace(tmp_path / "b", changed="step 1/loss")
    file = tmp_path / "found.xml"
    file.write_text("of an earlier run")
    assert main(["diff", a, b, "--markdown", "--junit", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("### The runs first differ at step 1/loss (loss)\n\n| check | outcome |")
    assert "Its value differs, by up to 1, relatively by up to 0.5" in said.out
    assert said.err.startswith("The runs first differ at step 1/loss (loss).\n")
    assert outcomes(file) == {"tensors of the same names": "passed", "equal tensors": "failed"}
    assert main(["diff", a, a, "--junit", str(file)]) == 0
    assert capsys.readouterr().out == "Identical.\n"
    assert set(outcomes(file).values()) == {"passed"}
    lacking = trace(tmp_path / "c", "init/w", "step 1/forward/f#1", "step 1/loss", "step 1/update/w")
    assert main(["diff", a, lacking, "--junit", str(file)]) == 1
    assert outcomes(file) == {"tensors of the same names": "failed", "equal tensors": "passed"}


def test_one_form_at_a_time_and_a_file_that_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json with --markdown, and a file of --junit in no folder, are errors of usage, before anything is read."""
    for wrong in (["--json", "--markdown"], ["--junit", str(tmp_path / "none" / "x")], ["--junit", str(tmp_path)]):
        with pytest.raises(SystemExit) as ended:
            main(["diff", "no a", "no b", *wrong])
        assert ended.value.code == 2
        assert re.search(r"not allowed with|is no file in a folder", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (made(by(1), by(1.25)), "failed"),
        (made(by(1), by(0.75)), "passed"),
        (made(by(1), by(1)), "passed"),
        (made(by(1.259), spread(0.84, 0.05)), "passed"),
        (made(by(1.259), spread(1.04, 0.2)), "passed"),
        (made(by(1), spread(1.02, 0.005)), "passed"),
        (made(by(1.259), spread(1.16, 0.05)), "skipped"),
        (made(by(1.05), spread(1.04, 0.2)), "skipped"),
    ],
)
def test_a_gate_fails_where_b_is_slower_and_is_skipped_where_it_may_be(found: GateResult, outcome: str) -> None:
    """It is skipped where its interval shows what is too small to be called here, or holds what would be called."""
    [check] = gate_text.answer(found).checks
    assert check.outcome == outcome


def test_a_verification_has_a_check_of_what_is_as_recorded_and_of_what_is_not() -> None:
    """The first epoch that differs fails, those before it pass."""
    [check] = runs_text.answer(Verification(3, None)).checks
    assert (check.name, check.outcome) == ("epochs 1 to 3", "passed")
    found = runs_text.answer(Verification(2, Difference(2, "train_loss", 0.5, 0.25), ["threads: 1 -> 2"], []))
    assert [(c.name, c.outcome) for c in found.checks] == [("epoch 1", "passed"), ("epoch 2", "failed")]
    assert found.checks[1].message == "the training loss (train_loss): recorded 0.5, here 0.25"
    assert found.headline == "The run first differs in epoch 2, in the training loss (train_loss)"
    differs = "The environment differs from the recorded one in:"
    assert [note.strip() for note in found.notes] == [differs, "threads: 1 -> 2"], "nothing else need be why"
    first = runs_text.answer(Verification(1, Difference(1, "train_loss", 0.5, 0.25), [], []))
    assert [(c.name, c.outcome) for c in first.checks] == [("epoch 1", "failed")]
    assert first.notes[0] == "Nothing in the environment differs from the recorded one."
    assert first.notes[1].startswith("What may be why: the code of the experiment")


def test_a_verdict_fails_only_with_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rung that does not hold is a failure where the studies differ, not where a lower rung holds or none is told.

    One that cannot be told is none in any case.
    """
    a = write_study(tmp_path / "a", make_study(ACCURACIES))
    of_another_recipe = make_study([value - 4 for value in ACCURACIES])
    of_another_recipe["recipe"] |= {"learning_rate": 0.02}
    others = {
        1: write_study(tmp_path / "b", of_another_recipe),
        3: write_study(tmp_path / "c", make_study([73.0], first_seed=90)),
        0: write_study(tmp_path / "d", make_study(ACCURACIES[:3])),
    }
    file = tmp_path / "found.xml"
    for status, other in others.items():
        assert main(["verdict", str(a), "--against", str(other), "--markdown", "--junit", str(file)]) == status
        assert outcomes(file)["verdict"] == {0: "passed", 1: "failed", 3: "skipped"}[status]
        assert (count_tests(file).failed > 0) is (status == 1)
        assert status != 1 or outcomes(file)[CLOSE] == "skipped"
        said = capsys.readouterr()
        assert said.out.startswith(f"### {said.err.splitlines()[0]}".replace("_", r"\_"))

"""`cifar-repro trace` and `diff`: their files, what they say and their exit status."""

import json
import re
from pathlib import Path

import pytest
import torch

from cifar_repro.cli import main
from tests.make_data import tiny_set, write_binary_folder


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--learning-rate", "1e5"], r"the loss of training step [2-9] is (nan|inf)"),
        (["--recipe", "pytorch-blitz", "--learning-rate", "1.78e8"], r"the norm of step \d/\w+/[\w.#]+ is inf"),
    ],
)
def test_the_trace_of_a_training_that_diverges_is_not_written(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1 and one line that says what is no finite number, be it a loss or, before it, a weight; no file."""
    images = write_binary_folder(tmp_path / "images", tiny_set(per_batch=30, test=5))
    out = tmp_path / "made"
    out.mkdir()
    make = ["trace", "--data", str(images), "--threads", "1", "--steps", "6", "--tensors", "all"]
    assert main([*make, *arguments, "-o", str(out / "a")]) == 1
    assert re.fullmatch(f"cifar-repro: {said}: these weights are of no use\n", capsys.readouterr().err)
    assert list(out.iterdir()) == []


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`trace` writes a file and never over another; `diff` says identical with 0, where they part with 1."""
    images = write_binary_folder(tmp_path, tiny_set(per_batch=20, test=5))
    make = ["trace", "--data", str(images), "--threads", "1", "--steps", "3"]
    a, b, c = (str(tmp_path / name) for name in "abc")
    assert main([*make, "-o", a]) == main([*make, "-o", b]) == main([*make, "--dropout-seed", "1", "-o", c]) == 0
    assert main([*make, "-o", a]) == 2
    assert main([*make[:-1], "99", "-o", str(tmp_path / "d")]) == 2
    assert not (tmp_path / "d").exists()
    capsys.readouterr()
    assert main(["diff", a, b]) == 0
    assert capsys.readouterr().out == "Identical.\n"
    assert main(["diff", a, c, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["first"] == "step 1/mask/dropout#1"
    assert "the experiments differ (dropout seed: 0 -> 1)" in printed.err
    assert main(["diff", a, str(tmp_path / "none")]) == 2

    d = str(tmp_path / "d")
    assert main([*make, "--dropout-seed", "1", "--tensors", "all", "-o", d]) == 0
    assert Path(d).read_bytes() == Path(c).read_bytes()
    (tmp_path / "d").unlink()
    assert main([*make, "--tensors", "all", "-o", d]) == 2
    assert f"{d}.npz is already there" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "threads"), [([], None), (["--threads", "7"], 7)])
def test_a_trace_is_made_with_the_threads_that_are_asked_for(
    options: list[str], threads: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They change bits: a trace of another number of them would be compared as one of this."""
    images = write_binary_folder(tmp_path / "images", tiny_set(per_batch=20, test=5))
    asked: list[int | None] = [None]
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert main(["trace", "--data", str(images), "--steps", "1", *options, "-o", str(tmp_path / "a")]) == 0
    assert asked[-1] == threads


def test_the_tests_that_are_given_are_counted_in_the_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the file and with --json; a trace of the same training with other tests is identical."""
    images = write_binary_folder(tmp_path, tiny_set(per_batch=20, test=5))
    make = ["trace", "--data", str(images), "--threads", "1", "--steps", "1", "--json"]
    cases = "<testcase/><testcase/><testcase><skipped/></testcase>"
    (tmp_path / "tests.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    a, b = tmp_path / "a", tmp_path / "b"
    assert main([*make, "--tests", str(tmp_path / "tests.xml"), "-o", str(a)]) == 0
    header = json.loads(capsys.readouterr().out)
    assert header["tests"] == {"passed": 2, "failed": 0, "errors": 0, "skipped": 1}
    assert json.loads(a.read_text().splitlines()[0]) == header
    assert main([*make, "-o", str(b)]) == 0
    assert "tests" not in json.loads(capsys.readouterr().out)
    assert main(["diff", str(a), str(b)]) == 0

"""`cifar-repro trace` and `diff`: their files, what they say and their exit status."""

import json
import re
from pathlib import Path

import pytest

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
    """`trace` writes a file, never over another, with the tests that it is given; `diff` says identical with 0, where
    they part with 1."""
    images = write_binary_folder(tmp_path, tiny_set(per_batch=20, test=5))
    make = ["trace", "--data", str(images), "--threads", "1", "--steps", "3"]
    a, b, c = (str(tmp_path / name) for name in "abc")
    tests = tmp_path / "tests.xml"
    tests.write_text("<testsuites><testcase/><testcase/><testcase><failure/></testcase></testsuites>")
    assert main([*make, "--tests", str(tests), "-o", a]) == 0
    assert main([*make, "-o", b]) == main([*make, "--dropout-seed", "1", "-o", c]) == 0
    with Path(a).open() as file:
        assert json.loads(next(file))["tests"] == {"passed": 2, "failed": 1, "errors": 0, "skipped": 0}
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

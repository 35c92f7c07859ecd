"""What stands in for CIFAR-10 is said in capitals, and with --require-data nothing does."""

from pathlib import Path

import pytest
import torch

from cifar_repro.cli import main, make_parser
from cifar_repro.core import data, layouts
from cifar_repro.core.model import Net


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a folder with images; the synthetic set is a small one."""

    def download(*arguments: object) -> None:
        raise ConnectionResetError("hung up")

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIFAR_REPRO_DATA", raising=False)
    monkeypatch.setattr(layouts, "download", download)
    small = data.synthetic(train=50, test=20)
    monkeypatch.setattr(data, "synthetic", lambda: small)


COMMANDS = {
    "run": ["run", "--epochs", "1", "--out", "made"],
    "study": ["study", "--epochs", "1", "--out", "made"],
    "trace": ["trace", "--steps", "1", "--out", "made"],
    "data": ["data"],
    "upgrade": ["upgrade", "--to", "torch==2.14.1", "--out", "made", "--cache", "cache"],
}


@pytest.mark.parametrize("where", [[], ["--data", "synthetic"]], ids=["auto", "synthetic"])
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.usefixtures("no_network")
def test_data_that_is_required_is_never_synthetic(
    name: str, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, one line that says why there is none and what to do, and nothing is made."""
    assert main([*COMMANDS[name], *where, "--require-data"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert "data: there are no real images" in line
    assert "give --data FOLDER" in line
    assert ("hung up" in line) is (not where)
    assert list(Path().iterdir()) == []


def test_every_command_that_has_the_option_is_asked() -> None:
    """Those of the table above and `evaluate`, which is asked below: none takes the option and does without it."""
    (commands,) = (action.choices for action in make_parser()._actions if isinstance(action.choices, dict))
    assert {name for name, own in commands.items() if "--require-data" in own._option_string_actions} == {
        *COMMANDS,
        "evaluate",
    }


@pytest.mark.usefixtures("no_network")
def test_an_evaluation_is_of_real_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of weights that are right there is no result on what stands in for the images."""
    torch.save(Net().state_dict(), tmp_path / "weights.pt")
    assert main(["evaluate", "weights.pt", "--require-data"]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("no_network", "quick_figures")
def test_a_required_resume_is_of_real_images(capsys: pytest.CaptureFixture[str]) -> None:
    """A run on synthetic data is not gone on with where real images are required."""
    assert main([*COMMANDS["run"], "--data", "synthetic"]) == 0
    assert main(["run", "--resume", "made", "--require-data"]) == 2
    assert "synthetic is asked for" in capsys.readouterr().err


@pytest.mark.usefixtures("no_network")
def test_the_warning_begins_with_what_matters(capsys: pytest.CaptureFixture[str]) -> None:
    """Its first line is short and says what the data is not; the second says why, and how to have it otherwise."""
    assert main(["trace", "--steps", "1", "--out", "made"]) == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("cifar-repro: WARNING: SYNTHETIC DATA, NOT CIFAR-10")
    assert len(first) <= 100
    for said in ("hung up", "--data FOLDER", "--require-data"):
        assert said in second


def test_real_images_are_taken(images: Path, tmp_path: Path) -> None:
    """With them, --require-data changes nothing."""
    made = ["trace", "--data", str(images), "--steps", "1", "--require-data", "--out", str(tmp_path / "trace")]
    assert main(made) == 0

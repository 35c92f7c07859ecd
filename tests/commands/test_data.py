"""`cifar-repro data` tells what a folder holds."""

import json
from pathlib import Path

import pytest

from cifar_repro.cli import main
from cifar_repro.core import layouts
from cifar_repro.core.layouts import CLASSES
from tests.make_data import tiny_set, write_binary_folder


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


def test_one_folder_is_described_at_a_time(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two that are given, by name and by --data, none is taken for the other."""
    assert main(["data", str(images), "--data", "another"]) == 2
    assert f"both {str(images)!r} and 'another' are given: give one folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "folder"), [([], "data"), (["mine"], "mine"), (["--data", "mine"], "mine"), (["./auto"], "auto")]
)
def test_a_download_goes_to_the_folder_that_is_then_described(
    arguments: list[str],
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """That which is given either way, else ./data; and to no other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(layouts, "download", lambda to, progress: write_binary_folder(to, tiny_set(test=30)))
    assert main(["data", *arguments, "--download", "--json"]) == 0
    assert sum(json.loads(capsys.readouterr().out)["counts"]["test"].values()) == 30
    assert [path.name for path in tmp_path.iterdir()] == [folder]

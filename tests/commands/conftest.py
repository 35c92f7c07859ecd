"""Random images, a finished run of them, and figures that take no time."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from cifar_repro.cli import main
from cifar_repro.report import figures
from tests.commands.run_folder import FIGURES
from tests.make_data import tiny_set, write_binary_folder
from tests.workers import draw_nothing


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 100 random training images and 40 test images."""
    return write_binary_folder(tmp_path_factory.mktemp("images"), tiny_set(per_batch=20, test=40))


@pytest.fixture(scope="session")
def finished(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of three epochs, without its figures."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    options = ["--data", str(images), "--epochs", "3", "--threads", "1", "--seed", "5", "--out", str(folder)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        draw_nothing(monkeypatch)
        assert main(["run", *options]) == 0
    return folder


@pytest.fixture
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws empty figures: `test_run_fills_its_folder` and the figures' own tests draw them in full."""
    for name in (*FIGURES, "running_loss"):
        monkeypatch.setattr(figures, name, lambda *args, **kwargs: Figure())

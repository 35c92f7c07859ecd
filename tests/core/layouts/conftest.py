"""A tiny set, in an empty folder, without a network."""

from pathlib import Path

import pytest

from cifar_repro.core import data as data_module
from cifar_repro.core.data import synthetic
from tests.core.layouts.network import serve
from tests.make_data import TinySet, publish_python, tiny_set

pytest.register_assert_rewrite("tests.core.layouts.reading")  # its plain asserts show both sides, as in a test


@pytest.fixture
def data() -> TinySet:
    return tiny_set()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """The tiny set's own md5 sums are the published ones of the python version."""
    publish_python(monkeypatch, data)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test that would download says so by failing; the current folder is empty, $CIFAR_REPRO_DATA not set."""
    serve(monkeypatch, AssertionError("this test must not download"))
    monkeypatch.delenv("CIFAR_REPRO_DATA", raising=False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)


@pytest.fixture
def small_synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The synthetic set in a size that takes no seconds to draw."""
    monkeypatch.setattr(data_module, "synthetic", lambda: synthetic(train=20, test=10))

"""A reader or a download says how far it is."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from cifar_repro.core import layouts
from cifar_repro.core.data import load_cifar10
from tests.core.layouts.network import Response, serve
from tests.make_data import TinySet, binary_archive, md5, write_image_folder

T = TypeVar("T")


class Told:
    """A progress that remembers what it was told: (name, total, steps that were really made)."""

    def __init__(self) -> None:
        self.passes: list[tuple[str, int, int]] = []

    def __call__(self, steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
        made = list(steps)
        self.passes.append((desc, total, len(made)))
        return made


def test_a_download_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A download counts mebibytes, the last one begun included; where no length is known, of a total of 0."""
    content = bytes(2 * 2**20 + 1)
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(content))
    told = Told()
    serve(monkeypatch, content)
    layouts.download(tmp_path, told)
    serve(monkeypatch, Response(content))
    layouts.download(tmp_path, told)
    assert told.passes == [("downloading CIFAR-10 (MiB)", 3, 3), ("downloading CIFAR-10 (MiB)", 0, 3)]


def test_auto_passes_the_progress_on(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """The progress given to `load_cifar10` is that of the download."""
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    serve(monkeypatch, binary_archive(data))
    told = Told()
    load_cifar10("auto", progress=told)
    assert [name for name, _, _ in told.passes] == ["downloading CIFAR-10 (MiB)"]


@pytest.mark.parametrize("how", ["named", "environment", "data"])
def test_reading_images_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet, how: str
) -> None:
    """The images of each part are counted, one by one, of their real number, however the folder was found."""
    folder = write_image_folder(Path("data") if how == "data" else tmp_path / "set", data)
    if how == "environment":
        monkeypatch.setenv("CIFAR_REPRO_DATA", str(folder))
    told = Told()
    load_cifar10(folder if how == "named" else "auto", progress=told)
    assert told.passes == [("reading train images", 20, 20), ("reading test images", 6, 6)]

"""`auto` takes the folder that was named, ./data, a download or synthetic data, in this order, and says so."""

import http.client
import urllib.error
from pathlib import Path

import pytest

from cifar_repro.core import layouts
from cifar_repro.core.data import load_cifar10
from cifar_repro.core.errors import InputError
from tests.core.layouts.network import ARCHIVE, serve
from tests.core.layouts.reading import assert_holds
from tests.make_data import TinySet, binary_archive, md5, tiny_set, write_binary_folder


def test_auto_takes_the_folder_of_the_environment_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: TinySet
) -> None:
    """`auto` takes the folder that $CIFAR_REPRO_DATA names, even where ./data holds a set."""
    write_binary_folder(Path("data"), tiny_set(seed=1))
    monkeypatch.setenv("CIFAR_REPRO_DATA", str(write_binary_folder(tmp_path / "named", data)))
    assert_holds(load_cifar10("auto"), data)


@pytest.mark.parametrize("variable", [None, ""], ids=["unset", "empty"])
def test_auto_takes_the_data_folder_next(monkeypatch: pytest.MonkeyPatch, data: TinySet, variable: str | None) -> None:
    """Without $CIFAR_REPRO_DATA, `auto`, which is the default, takes ./data and downloads nothing."""
    if variable is not None:
        monkeypatch.setenv("CIFAR_REPRO_DATA", variable)
    write_binary_folder(Path("data"), data)
    loaded = load_cifar10()
    assert_holds(loaded, data)
    assert loaded.path == str(Path("data").resolve())


def test_auto_never_replaces_a_folder_that_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where $CIFAR_REPRO_DATA names a folder that is not there, nothing else is taken for it."""
    write_binary_folder(Path("data"), tiny_set())
    monkeypatch.setenv("CIFAR_REPRO_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="gone"):
        load_cifar10("auto")


def test_auto_downloads_to_the_data_folder(monkeypatch: pytest.MonkeyPatch, data: TinySet) -> None:
    """With nothing on disk `auto` downloads the archive into ./data, with a timeout, and reads it."""
    monkeypatch.setattr(layouts, "BINARY_MD5", md5(binary_archive(data)))
    requests = serve(monkeypatch, binary_archive(data))
    loaded = load_cifar10("auto")
    assert_holds(loaded, data)
    assert (loaded.kind, loaded.stands_in) == ("binary", "")
    assert Path("data", ARCHIVE).read_bytes() == binary_archive(data)
    [(address, timeout)] = requests
    assert address == layouts.ARCHIVE_URL
    assert timeout is not None
    assert 0 < timeout <= 60
    assert_holds(load_cifar10("auto"), data)
    assert len(requests) == 1, "what is there is not downloaded again"


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route"),
        urllib.error.HTTPError(layouts.ARCHIVE_URL, 503, "no service", None, None),  # type: ignore[arg-type]
        TimeoutError("too slow"),
        ConnectionResetError("hung up"),
        http.client.BadStatusLine("not http"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.usefixtures("small_synthetic")
def test_auto_falls_back_to_synthetic_data_without_a_network(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """With no network `auto` gives synthetic data that says it stands in, for what, and why."""
    serve(monkeypatch, error)
    loaded = load_cifar10("auto")
    assert (loaded.kind, loaded.path) == ("synthetic", None)
    assert layouts.ARCHIVE_URL in loaded.stands_in
    assert str(error) in loaded.stands_in
    assert not [path for path in Path().rglob("*") if path.is_file()]

"""Bad input gives exit status 2 and one line on stderr that names the thing, its value and a remedy.

There is no traceback, no code in a file is executed, and the disk stays as it was. Every test goes through the command
line; the messages' wording is free, what they name is not.
"""

import builtins
import errno
import http.client
import io
import json
import math
import os
import pickle
import re
import shutil
import socket
import struct
import sys
import tarfile
import urllib.error
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10

from cifar_repro.cli import main
from cifar_repro.core import layouts
from cifar_repro.core.checkpoint import weights_digest
from cifar_repro.core.model import Net
from tests.make_data import (
    binary_archive,
    binary_files,
    md5,
    publish_python,
    python_files,
    snapshot,
    tar_gz,
    tiny_set,
    write_binary_folder,
    write_files,
    write_image_folder,
    write_python_archive,
    write_python_folder,
)
from tests.make_studies import HEADER

RECORD = 3073  # bytes of one image and its label in the binary version
PARTS = {f"data_batch_{k}": f"data_batch_{k}.bin" for k in (1, 5)} | {"test_batch": "test_batch.bin"}
# What a line tells to do, or what it says that is wanted.
REMEDY = re.compile(r"\b(give|make|see|try|choose|use|leave|start|go on|go from|must be|download|read it with|free)\b")
HUGE = str(10**20)  # more than 64 bits hold

needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here, so asking for it is no error")


class Shell(NamedTuple):
    """The command line in an empty folder."""

    folder: Path
    watched: list[Path]
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of one command."""
        self.capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else -1
        return status, *self.capsys.readouterr()

    def refuses(self, *arguments: object, naming: tuple[object, ...], remedy: bool = True, begun: bool = False) -> str:
        """Asserts that the command ends as one on bad input must, and returns its line.

        naming: what the line names. remedy: whether it says what to do. begun: stdout may tell of a run that began.
        """
        __tracebackhide__ = True
        before = snapshot(*self.watched)
        try:
            status, out, err = self.run(*arguments)
        except BaseException as error:
            at = error.__traceback__
            while at is not None and at.tb_next is not None:
                at = at.tb_next
            where = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "?"
            pytest.fail(f"a traceback, from {where}: {type(error).__name__}: {error}")
        shown = f"cifar-repro {' '.join(map(str, arguments))}\n-> {status}\nstdout: {out!r}\nstderr: {err!r}"
        assert status == 2, f"the exit status is {status}\n{shown}"
        assert out == "" or begun, f"something went to stdout\n{shown}"
        assert err.endswith("\n"), f"no whole line on stderr\n{shown}"
        assert len(err.splitlines()) == 1, f"{len(err.splitlines())} lines on stderr\n{shown}"
        assert err.startswith("cifar-repro"), f"the line does not say who speaks\n{shown}"
        for part in naming:
            assert str(part) in err, f"{str(part)!r} is not named\n{shown}"
        if remedy:
            assert REMEDY.search(err), f"no remedy is named\n{shown}"
        after = snapshot(*self.watched)
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        assert not changed, f"the disk is not as it was: {changed}\n{shown}"
        return err


class Finished(NamedTuple):
    """A finished run of two epochs and the data it was trained on."""

    folder: Path
    data: Path


def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take most of the time of a tiny run and play no part here."""
    for name in ("draw_data", "draw_results"):
        monkeypatch.setattr(f"cifar_repro.report.run_figures.{name}", lambda *arguments: None)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Made once for the module; tests copy its folder and leave the original alone."""
    base = tmp_path_factory.mktemp("finished")
    data = write_binary_folder(base / "data", tiny_set(per_batch=40, test=40))
    threads = torch.get_num_threads()
    options = ["--epochs", "2", "--seed", "3", "--threads", "1"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        draw_nothing(monkeypatch)
        status = main(["run", "--data", str(data), *options, "--out", str(base / "run")])
    torch.set_num_threads(threads)
    assert status == 0
    return Finished(base / "run", data)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """An empty current folder; no network, no figures; the number of threads is put back."""

    def no_network(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("this test must not touch the network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    draw_nothing(monkeypatch)
    monkeypatch.delenv("CIFAR_REPRO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield Shell(tmp_path, [tmp_path], capsys)
    torch.set_num_threads(threads)


@pytest.fixture
def data(shell: Shell) -> Path:
    """A whole data folder, binary version: 5 x 4 training and 6 test images."""
    return write_binary_folder(shell.folder / "set", tiny_set())


@pytest.fixture
def run(shell: Shell, finished: Finished) -> Path:
    """A copy of the finished run, which a test may spoil; the data it was trained on is watched too."""
    shell.watched.append(finished.data)
    return Path(shutil.copytree(finished.folder, shell.folder / "run"))


@pytest.fixture
def checkpoint(shell: Shell) -> Path:
    """Where a test puts the file to evaluate."""
    return shell.folder / "model.pt"


class Marker:
    """A pickle of this runs code that makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def changed(path: tuple[Any, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    """A function that puts a value into an entry of a record."""

    def change(record: dict[str, Any]) -> None:
        for name in path[:-1]:
            record = record[name]
        record[path[-1]] = value

    return change


def edit(run: Path, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Changes the record of a run by hand."""
    record: dict[str, Any] = json.loads((run / "record.json").read_text())
    change(record)
    (run / "record.json").write_text(json.dumps(record))
    return record


def as_id(value: object) -> str:
    return str(value) or "empty"


# Usage


@pytest.mark.parametrize(
    ("arguments", "naming"),
    [
        pytest.param([], ["COMMAND"], id="no command"),
        pytest.param(["fly"], ["fly"], id="unknown command"),
        pytest.param(["run", "--wings", "2"], ["--wings"], id="unknown flag"),
        pytest.param(["run", "--wings", "two\nthree"], ["--wings"], id="unknown flag, value of two lines"),
        pytest.param(["run", "--epochs"], ["--epochs"], id="flag without a value"),
        pytest.param(["run", "stray"], ["stray"], id="stray argument"),
        pytest.param(["evaluate"], ["CHECKPOINT"], id="no checkpoint"),
    ],
)
def test_wrong_usage_is_refused(shell: Shell, arguments: list[str], naming: list[str]) -> None:
    """A missing or unknown command, flag or argument is named."""
    shell.refuses(*arguments, naming=tuple(naming))


@pytest.mark.parametrize("command", ["run", "evaluate"])
@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--recipe", "mnist"),
        ("--recipe", ""),
        ("--device", "tpu"),
        ("--device", ""),
        ("--device", "cuda:x"),
        ("--device", "cuda:99"),
        ("--device", "cpu:1"),
        ("--memory-format", "diagonal"),
        ("--memory-format", ""),
        pytest.param("--device", "cuda", marks=needs_no_gpu),
        pytest.param("--device", "cuda:0", marks=needs_no_gpu),
    ],
    ids=as_id,
)
def test_unknown_name_is_refused(
    shell: Shell, checkpoint: Path, data: Path, command: str, flag: str, value: str
) -> None:
    """A recipe, device or memory format that is not known, or a GPU that is not there, is named."""
    torch.save(weights(), checkpoint)
    arguments = [command, checkpoint] if command == "evaluate" else [command, "--epochs", 1]
    shell.refuses(*arguments, "--data", data, flag, value, naming=(flag[2:].split("-")[0], repr(value)))


@pytest.mark.parametrize("name", ["augmentation", "network", "optimizer", "pixels", "validation"])
@pytest.mark.parametrize("value", ["mixup", "", "None"], ids=as_id)
def test_unknown_choice_is_refused(shell: Shell, data: Path, name: str, value: str) -> None:
    """An augmentation, network, optimizer, range of pixels or validation that is not known is named."""
    shell.refuses("run", "--data", data, f"--{name}", value, naming=(name, repr(value)))


def test_number_that_would_not_be_used_is_refused(shell: Shell, data: Path) -> None:
    """A fraction with a validation that holds nothing out, and a dropout rate of a network without, are named."""
    shell.refuses("run", "--data", data, "--validation", "none", naming=("valid_fraction", 0.2, "'none'"))
    shell.refuses("run", "--data", data, "--recipe", "pytorch-blitz", "--dropout", 0.5, naming=("dropout", 0.5))


NO_COUNT = ["0", "-1", "1.5", "nan", "inf", "two", ""]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        *[("--epochs", value) for value in NO_COUNT],
        *[("--batch-size", value) for value in [*NO_COUNT, HUGE]],
        *[("--threads", value) for value in [*NO_COUNT, HUGE, "1025"]],
        *[("--seed", value) for value in ["-1", str(2**32), HUGE, "1.5", "nan", "inf", "two", ""]],
        *[(f"--{name}-seed", value) for name in ("split", "init", "order", "dropout") for value in ("-1", str(2**32))],
        *[("--learning-rate", value) for value in ["0", "-1", "nan", "inf", "-inf", "1e999", "1e300", "fast", ""]],
        *[("--dropout", value) for value in ["1", "-0.1", "1.5", "nan", "inf", "half", ""]],
        *[("--momentum", value) for value in ["1", "-0.1", "nan", "much"]],
        *[("--learning-rate-decay", value) for value in ["-1", "nan", "inf", "slow"]],
        *[("--loss-window", value) for value in ["-1", "1.5", HUGE, "wide"]],
        *[("--valid-fraction", value) for value in ["0", "1", "-0.2", "1.5", "nan", "inf", "half", ""]],
    ],
    ids=as_id,
)
def test_number_that_makes_no_sense_is_refused(shell: Shell, data: Path, flag: str, value: str) -> None:
    """A number outside its range, one that is none, and text are refused before the run begins."""
    one_epoch = [] if flag == "--epochs" else ["--epochs", 1]
    read_as = {"": "''", "1e999": "inf", "1e300": "1e+300"}.get(value, value)
    line = shell.refuses("run", "--data", data, *one_epoch, f"{flag}={value}", naming=(read_as,))
    assert re.search(flag[2:].replace("-", "[-_ ]"), line), line


@pytest.mark.parametrize("value", NO_COUNT, ids=as_id)
def test_number_of_threads_for_an_evaluation_is_checked(shell: Shell, checkpoint: Path, data: Path, value: str) -> None:
    """`evaluate` refuses a number of threads that makes no sense."""
    torch.save(weights(), checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", data, f"--threads={value}", naming=("threads", value))


@pytest.mark.parametrize("fraction", ["0.001", "1e-300"])
def test_split_that_leaves_a_part_empty_is_refused(shell: Shell, data: Path, fraction: str) -> None:
    """A fraction of so few images that none is held out is refused, with the fraction and the images counted."""
    shell.refuses("run", "--data", data, "--valid-fraction", fraction, naming=("valid_fraction", fraction, 20))


# Data


def both_commands(shell: Shell, folder: object, *, naming: tuple[object, ...], remedy: bool = True) -> None:
    """`data` and `run` refuse a data folder alike."""
    __tracebackhide__ = True
    shell.refuses("data", folder, naming=naming, remedy=remedy)
    shell.refuses("run", "--data", folder, "--epochs", 1, naming=naming, remedy=remedy)


def test_missing_data_folder_is_refused(shell: Shell) -> None:
    """A data folder that is not there is named."""
    both_commands(shell, "nowhere", naming=("data", "nowhere"))


def test_empty_data_folder_is_refused(shell: Shell) -> None:
    """An empty data folder is named, with what it could hold."""
    (shell.folder / "empty").mkdir()
    both_commands(shell, "empty", naming=("data", "empty", *layouts.LAYOUTS))


def test_data_folder_that_is_a_file_is_refused(shell: Shell) -> None:
    """A file given as data folder is named."""
    (shell.folder / "set.zip").write_bytes(b"PK")
    both_commands(shell, "set.zip", naming=("data", "set.zip"))


def test_data_folder_without_a_name_is_refused(shell: Shell) -> None:
    """An empty name, as an unset shell variable gives, is not taken for `auto`."""
    both_commands(shell, "", naming=("data", "''"))


def test_missing_data_folder_of_the_environment_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where $CIFAR_REPRO_DATA names no folder, that folder is named and nothing stands in for it."""
    monkeypatch.setenv("CIFAR_REPRO_DATA", "nowhere")
    both_commands(shell, "auto", naming=("CIFAR_REPRO_DATA", "nowhere"))


def test_two_data_folders_are_refused(shell: Shell) -> None:
    """`data` takes one folder."""
    shell.refuses("data", "here", "--data", "there", naming=("here", "there"))


@pytest.mark.parametrize("where", ["auto", "synthetic"])
def test_download_to_no_folder_is_refused(shell: Shell, where: str) -> None:
    """A download goes to a folder, not to a kind of data."""
    shell.refuses("data", where, "--download", naming=(where,))


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route"),
        TimeoutError("too slow"),
        ConnectionResetError(errno.ECONNRESET, "hung up"),
        http.client.BadStatusLine("no http"),
        http.client.IncompleteRead(b""),
    ],
    ids=lambda error: type(error).__name__,
)
def test_download_without_a_network_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A download that was asked for and fails names its address; no file stays."""

    def urlopen(*args: Any, **kwargs: Any) -> NoReturn:
        raise error

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    shell.refuses("data", "--download", naming=(layouts.ARCHIVE_URL,))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("cut", [1, RECORD - 1, RECORD + 1000], ids="cut by {}".format)
def test_batch_cut_within_a_record_is_refused(shell: Shell, data: Path, name: str, cut: int) -> None:
    """A batch file that ends within a record is named, with its size."""
    path = data / "cifar-10-batches-bin" / name
    content = path.read_bytes()[:-cut]
    path.write_bytes(content)
    both_commands(shell, data, naming=(path, f"{len(content):,}"))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("records", [10, 19, 21], ids=["half", "one less", "one more"])
def test_batch_of_a_full_set_cut_between_records_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, records: int
) -> None:
    """One file of a full-size set that ends at the end of a record, be it the test batch, is named, with its count."""
    monkeypatch.setattr(layouts, "FULL_FILE", 20)
    folder = write_binary_folder(shell.folder / "set", tiny_set(per_batch=20, test=20))
    path = folder / "cifar-10-batches-bin" / name
    path.write_bytes((path.read_bytes() + path.read_bytes())[: records * RECORD])
    both_commands(shell, folder, naming=(path, f"{records} records", 20))


def test_batch_of_the_real_size_cut_in_half_is_refused(shell: Shell) -> None:
    """A full-size set has 10,000 records in each file: one with 5,000 is named."""
    folder = shell.folder / "set" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name in layouts.BINARY_FILES:
        (folder / name).touch()
        os.truncate(folder / name, (5_000 if name == "data_batch_3.bin" else 10_000) * RECORD)
    shell.refuses("data", folder.parent, naming=(folder / "data_batch_3.bin", "5,000", "10,000"))


@pytest.mark.parametrize("name", ["data_batch_1.bin", "data_batch_5.bin"])
def test_batch_of_a_small_set_cut_between_records_is_refused(shell: Shell, data: Path, name: str) -> None:
    """In a set of any size the data batches have one size: a shorter one, be it the first, is refused."""
    path = data / "cifar-10-batches-bin" / name
    path.write_bytes(path.read_bytes()[:-RECORD])
    both_commands(shell, data, naming=(path.parent, "records"))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
def test_empty_batch_is_refused(shell: Shell, data: Path, name: str) -> None:
    """An empty batch file is named."""
    path = data / "cifar-10-batches-bin" / name
    path.write_bytes(b"")
    both_commands(shell, data, naming=(path,))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
def test_missing_batch_is_refused(shell: Shell, data: Path, name: str) -> None:
    """A batch file that is not there is named."""
    path = data / "cifar-10-batches-bin" / name
    path.unlink()
    both_commands(shell, data, naming=(path,))


@pytest.mark.parametrize("name", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("label", [10, 255])
def test_label_above_9_is_refused(shell: Shell, data: Path, name: str, label: int) -> None:
    """A label that is no class, in the training or the test part, is named with its file and record."""
    path = data / "cifar-10-batches-bin" / name
    content = bytearray(path.read_bytes())
    content[2 * RECORD] = label
    path.write_bytes(content)
    both_commands(shell, data, naming=(path, "label", label, "record 2"))


@pytest.mark.parametrize("name", python_files(tiny_set()))
def test_python_file_that_is_not_the_published_one_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A file of the python version with another md5 is named, with both sums, and is never unpickled."""
    publish_python(monkeypatch, tiny_set())
    folder = write_python_folder(shell.folder / "set", tiny_set())
    path, marker = folder / "cifar-10-batches-py" / name, shell.folder / "executed"
    published = md5(path.read_bytes())
    path.write_bytes(pickle.dumps(Marker(marker)))
    both_commands(shell, folder, naming=(path, published, md5(path.read_bytes())))
    assert not marker.exists()


def test_missing_python_file_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the python version that is not there is named."""
    publish_python(monkeypatch, tiny_set())
    folder = write_python_folder(shell.folder / "set", tiny_set())
    path = folder / "cifar-10-batches-py" / "batches.meta"
    path.unlink()
    both_commands(shell, folder, naming=(path,))


def test_python_archive_that_is_not_the_published_one_is_refused(shell: Shell) -> None:
    """A python archive with another md5 is named, with both sums."""
    folder = write_python_archive(shell.folder / "set", tiny_set())
    path = folder / "cifar-10-python.tar.gz"
    both_commands(shell, folder, naming=(path, CIFAR10.tgz_md5, md5(path.read_bytes())))


def spoiled_archive(how: str) -> bytes:
    """The content of a binary archive that cannot be read."""
    good = binary_archive(tiny_set())
    match how:
        case "empty":
            return b""
        case "text":
            return b"<html>Log in</html>"
        case "plain tar":
            return zlib.decompress(good, wbits=31)
        case "zip":
            return b"PK\x03\x04" + bytes(1000)
        case "no tar in it":
            return (
                tar_gz({})[:10]
                + zlib.compress(b"text" * 1000)[2:-4]
                + struct.pack("<II", zlib.crc32(b"text" * 1000), 4000)
            )
        case "header only":
            return good[:10]
        case "all but the checksum":
            return good[:-8]
        case "half":
            return good[: len(good) // 2]
        case "garbage in the middle":
            return good[: len(good) // 2] + bytes(500) + good[len(good) // 2 + 500 :]
    raise AssertionError(how)


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "text",
        "plain tar",
        "zip",
        "no tar in it",
        "header only",
        "half",
        "all but the checksum",
        "garbage in the middle",
    ],
)
def test_archive_that_cannot_be_read_is_refused(shell: Shell, how: str) -> None:
    """A binary archive that is truncated, damaged or none at all is named."""
    folder = write_files(shell.folder / "set", {"cifar-10-binary.tar.gz": spoiled_archive(how)})
    both_commands(shell, folder, naming=(folder / "cifar-10-binary.tar.gz",))


def link(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member of an archive that is no regular file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "kind", [None, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE], ids=["missing", "symlink", "folder", "fifo"]
)
@pytest.mark.parametrize("version", ["binary", "python"])
def test_archive_without_a_regular_member_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, version: str, kind: bytes | None
) -> None:
    """A file that an archive lacks, or holds as a link, a folder or a device, is named with the archive."""
    files = binary_files(tiny_set()) if version == "binary" else python_files(tiny_set())
    name = next(name for name in files if name.startswith("data_batch_4"))
    inside = f"cifar-10-batches-{version[:2].replace('bi', 'bin')}"
    others = {f"{inside}/{other}": content for other, content in files.items() if other != name}
    content = tar_gz(others, [] if kind is None else [link(f"{inside}/{name}", kind, "/etc/passwd")])
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(content))
    folder = write_files(shell.folder / "set", {f"cifar-10-{version}.tar.gz": content})
    both_commands(shell, folder, naming=(folder / f"cifar-10-{version}.tar.gz", name))


@pytest.mark.parametrize("spoil", ["cut", "label"])
def test_archive_with_a_spoiled_batch_is_refused(shell: Shell, spoil: str) -> None:
    """What is wrong within a batch file of an archive is named by archive and file."""
    files = binary_files(tiny_set())
    content = files["data_batch_2.bin"]
    files["data_batch_2.bin"] = content[:-1] if spoil == "cut" else b"\x0b" + content[1:]
    archive = tar_gz({f"cifar-10-batches-bin/{name}": content for name, content in files.items()})
    folder = write_files(shell.folder / "set", {"cifar-10-binary.tar.gz": archive})
    both_commands(shell, folder, naming=(folder / "cifar-10-binary.tar.gz", "data_batch_2.bin"))


@pytest.mark.parametrize("name", [name for name in layouts.LAYOUTS if name != "train"])
def test_layout_that_is_no_such_thing_is_refused(shell: Shell, name: str) -> None:
    """A folder in the place of an archive, and a file in the place of a folder, is named."""
    path = shell.folder / "set" / name
    path.parent.mkdir()
    if name.endswith(".gz"):
        path.mkdir()
    else:
        path.write_bytes(b"")
    both_commands(shell, path.parent, naming=(path,))


@pytest.fixture
def images(shell: Shell) -> Path:
    """A whole data folder of PNG images, one of which a test spoils."""
    folder = write_image_folder(shell.folder / "set", tiny_set())
    for part in ("train", "test"):
        (folder / part / "frog").mkdir(exist_ok=True)
    return folder


def png(width: int, height: int) -> bytes:
    """The start of a PNG file that says it has so many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(tiny_set().train_images[0].transpose(1, 2, 0)).save(stream, format="JPEG")
    return stream.getvalue()


def bitmap(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, format="PNG")
    return stream.getvalue()


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("odd.png", b"", id="empty"),
        pytest.param("odd.png", b"a frog, in words", id="text"),
        pytest.param("odd.png", bitmap(32, 32)[:-30], id="truncated PNG"),
        pytest.param("odd.png", png(32, 32), id="PNG header only"),
        pytest.param("odd.jpg", jpeg()[: len(jpeg()) // 2], id="truncated JPEG"),
        pytest.param("odd.jpeg", jpeg()[:4], id="JPEG marker only"),
        pytest.param("odd.png", png(100_000, 100_000), id="claims to be enormous"),
    ],
)
def test_image_that_cannot_be_read_is_refused(shell: Shell, images: Path, part: str, name: str, content: bytes) -> None:
    """A file that is no image, or a part of one, is named."""
    path = images / part / "frog" / name
    path.write_bytes(content)
    both_commands(shell, images, naming=(path,))


@pytest.mark.parametrize("size", [(32, 31), (64, 64), (1, 1)], ids=as_id)
def test_image_of_another_size_is_refused(shell: Shell, images: Path, size: tuple[int, int]) -> None:
    """An image that is not 32x32 is named, with its size."""
    path = images / "test" / "frog" / "odd.png"
    path.write_bytes(bitmap(*size))
    both_commands(shell, images, naming=(path, f"{size[0]}x{size[1]}", "32x32"))


def test_folder_named_like_an_image_is_refused(shell: Shell, images: Path) -> None:
    """A folder in the place of an image is named."""
    (images / "train" / "frog" / "odd.png").mkdir()
    both_commands(shell, images, naming=(images / "train" / "frog" / "odd.png",))


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("name", ["zebra", "Frog", "6"])
def test_folder_of_an_unknown_class_is_refused(shell: Shell, images: Path, part: str, name: str) -> None:
    """A folder that is not named by one of the ten classes is named, with those."""
    (images / part / name).mkdir()
    both_commands(shell, images, naming=(images / part / name, "airplane", "truck"))


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("left", ["nothing", "empty classes", "other files"])
def test_part_without_images_is_refused(shell: Shell, images: Path, part: str, left: str) -> None:
    """A part that holds no image, be there other files or class folders, is named."""
    shutil.rmtree(images / part)
    (images / part).mkdir()
    if left != "nothing":
        (images / part / "cat").mkdir()
    if left == "other files":
        (images / part / "cat" / "notes.txt").write_text("miaow")
        (images / part / "stray.png").write_bytes(bitmap(32, 32))
    both_commands(shell, images, naming=(images / part,))


def test_part_that_is_a_file_is_refused(shell: Shell, images: Path) -> None:
    """A file in the place of the training part is named."""
    shutil.rmtree(images / "train")
    (images / "train").write_text("")
    both_commands(shell, images, naming=(images / "train",))


def test_images_without_a_test_part_are_refused(shell: Shell, images: Path) -> None:
    """An image folder that lacks its test part is named."""
    shutil.rmtree(images / "test")
    both_commands(shell, images, naming=(images,))


# Checkpoints


with torch.device("meta"):  # draws no random numbers
    SHAPES = {name: tensor.shape for name, tensor in Net().state_dict().items()}


def weights(**changes: Any) -> dict[str, Any]:
    """Weights that fit the network, with some entries changed; None takes one out."""
    state: dict[str, Any] = {name: torch.zeros(shape) for name, shape in SHAPES.items()}
    state |= {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in state.items() if value is not None}


def saved(content: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(range(256)) * 20, id="random bytes"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="zip header"),
        pytest.param(saved(weights())[:-1000], id="end cut off"),
        pytest.param(saved(weights())[:100], id="start only"),
        pytest.param(b"\x80\x02", id="pickle header"),
    ],
)
def test_file_that_is_no_checkpoint_is_refused(shell: Shell, checkpoint: Path, data: Path, content: bytes) -> None:
    """An empty, truncated or random file is named."""
    checkpoint.write_bytes(content)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))


@pytest.mark.parametrize("what", ["nothing", "folder"])
def test_checkpoint_that_is_no_file_is_refused(shell: Shell, checkpoint: Path, data: Path, what: str) -> None:
    """A checkpoint that is not there, or is a folder, is named."""
    if what == "folder":
        checkpoint.mkdir()
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([1, 2, 3], id="list"),
        pytest.param(list(weights().values()), id="list of tensors"),
        pytest.param(torch.ones(3), id="tensor"),
        pytest.param(None, id="None"),
        pytest.param({"conv1.weight": 1}, id="dict of ints"),
        pytest.param({"state_dict": weights()}, id="dict of dicts"),
        pytest.param({}, id="empty dict"),
        pytest.param({0: torch.ones(3)}, id="number for a name"),
    ],
)
def test_checkpoint_without_a_state_dict_is_refused(
    shell: Shell, checkpoint: Path, data: Path, content: object
) -> None:
    """A file that holds something else than a network's weights is named."""
    torch.save(content, checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants")
@pytest.mark.parametrize(
    ("state", "naming"),
    [
        pytest.param(weights(fc2__bias=None), ["fc2.bias"], id="missing"),
        pytest.param(weights(conv1__weight=None), ["conv1.weight"], id="missing first"),
        pytest.param(weights(conv4__weight=torch.ones(1)), ["conv4.weight"], id="extra"),
        pytest.param({**weights(), 7: torch.ones(1)}, ["7"], id="extra number"),
        pytest.param(weights(fc1__weight=torch.ones(500, 512)), ["fc1.weight", "(500, 512)"], id="misshapen"),
        pytest.param(weights(fc1__weight=torch.ones(1024, 500)), ["fc1.weight", "(1024, 500)"], id="transposed"),
        pytest.param(weights(fc2__bias=torch.ones(())), ["fc2.bias", "()"], id="scalar"),
        pytest.param(weights(fc2__bias=torch.ones(10, dtype=torch.int64)), ["fc2.bias", "int64"], id="integer"),
        pytest.param(weights(fc2__bias=torch.ones(10, dtype=torch.bool)), ["fc2.bias", "bool"], id="bool"),
        pytest.param(weights(fc2__bias=torch.ones(10, dtype=torch.cfloat)), ["fc2.bias", "complex"], id="complex"),
        pytest.param(weights(fc2__bias=torch.ones(10, device="meta")), ["fc2.bias"], id="without data"),
        pytest.param(weights(fc2__bias=torch.ones(10).to_sparse()), ["fc2.bias"], id="sparse"),
        pytest.param({f"module.{k}": v for k, v in weights().items()}, ["conv1.weight"], id="of DataParallel"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    shell: Shell, checkpoint: Path, data: Path, state: dict[Any, Any], naming: list[str]
) -> None:
    """A missing, extra or misshapen entry of a state_dict, or one of no use as weights, is named."""
    torch.save(state, checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint, *naming))


@pytest.mark.parametrize("form", ["pickle", "torch", "torch, old format", "beside weights"])
def test_checkpoint_that_would_run_code_is_refused(shell: Shell, checkpoint: Path, data: Path, form: str) -> None:
    """A file that would run code when unpickled is named and runs none."""
    marker = shell.folder / "executed"
    if form == "pickle":
        checkpoint.write_bytes(pickle.dumps(Marker(marker)))
    else:
        content = weights(fc2__bias=Marker(marker)) if form == "beside weights" else Marker(marker)
        torch.save(content, checkpoint, _use_new_zipfile_serialization="old" not in form)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))
    assert not marker.exists()


def test_marker_would_be_made_by_a_plain_unpickling(tmp_path: Path) -> None:
    """The files that these tests call harmful are: `pickle.loads` runs their code."""
    pickle.loads(pickle.dumps(Marker(tmp_path / "executed"))).close()
    assert (tmp_path / "executed").exists()


def test_last_state_of_a_run_is_no_state_dict(shell: Shell, run: Path, data: Path) -> None:
    """`last.pt`, which holds more than weights, is not taken for a state_dict."""
    shell.refuses("evaluate", run / "last.pt", "--data", data, naming=(run / "last.pt",))


def test_evaluation_on_a_missing_data_folder_is_refused(shell: Shell, checkpoint: Path) -> None:
    """`evaluate` names a data folder that is not there."""
    torch.save(weights(), checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", "nowhere", naming=("data", "nowhere"))


# The run folder


@pytest.mark.parametrize("name", ["record.json", "model_cifar.pt", "last.pt", "metrics.jsonl"])
def test_out_folder_in_use_is_refused(shell: Shell, data: Path, name: str) -> None:
    """A folder that already holds a file of a run, be it somebody's own model_cifar.pt, is named and stays as it is."""
    (shell.folder / "mine").mkdir()
    (shell.folder / "mine" / name).write_bytes(b"precious")
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", "mine", naming=("mine", name))


def test_out_folder_of_a_finished_run_is_refused(shell: Shell, run: Path, data: Path) -> None:
    """A finished run is never overwritten."""
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", run, naming=(run,))


def test_out_that_is_a_file_is_refused(shell: Shell, data: Path) -> None:
    """A file given as run folder is named and stays as it is."""
    (shell.folder / "mine").write_bytes(b"precious")
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", "mine", naming=("mine",))


@pytest.mark.parametrize("below", ["mine/run", "mine/runs/1"])
def test_out_below_a_file_is_refused(shell: Shell, data: Path, below: str) -> None:
    """A run folder that would lie below a file is named."""
    (shell.folder / "mine").write_bytes(b"precious")
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", below, naming=("mine",))


def read_only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From here on the folder is on a read-only disk, for root too."""
    real_open, real_mkdir = builtins.open, os.mkdir

    def refuse(path: Any) -> None:
        if isinstance(path, (str, os.PathLike)) and Path(os.path.abspath(path)).is_relative_to(folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def open_reading(path: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if set(mode) & set("wax+"):
            refuse(path)
        return real_open(path, mode, *args, **kwargs)

    def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
        if not os.path.exists(path):
            refuse(path)
        real_mkdir(path, *args, **kwargs)

    for module in (builtins, io):
        monkeypatch.setattr(module, "open", open_reading)
    monkeypatch.setattr(os, "mkdir", mkdir)


@pytest.mark.parametrize("out", [[], ["--out", "new"], ["--out", "there"]], ids=["default", "new", "existing"])
def test_read_only_disk_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch, data: Path, out: list[str]) -> None:
    """A run folder that cannot be made or written to is named, with the system's reason."""
    (shell.folder / "there").mkdir()
    read_only(monkeypatch, shell.folder)
    named = out[-1] if out else "runs"
    shell.refuses("run", "--data", data, "--epochs", 1, *out, naming=(named, os.strerror(errno.EROFS)))


def test_resuming_on_a_read_only_disk_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    """A run on a disk that has become read-only says so once, and how to go on."""
    edit(run, changed(("recipe", "epochs"), 3))
    read_only(monkeypatch, shell.folder)
    shell.refuses("run", "--resume", run, naming=(f"--resume {run}", os.strerror(errno.EROFS)), begun=True)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a /proc, in which nobody can make a folder")
def test_out_where_no_folder_can_be_made_is_refused(shell: Shell, data: Path) -> None:
    """A run folder that the system does not let anybody make is named."""
    shell.refuses("run", "--data", data, "--epochs", 1, "--out", "/proc/run", naming=("/proc/run",))


# Runs that cannot be resumed


def test_finished_run_resumes_as_it_is(shell: Shell, run: Path) -> None:
    """The run that the following tests spoil can be resumed before they do."""
    weights_before = (run / "model_cifar.pt").read_bytes()
    status, out, _ = shell.run("run", "--resume", run)
    assert status == 0
    assert "after epoch 2" in out
    assert (run / "model_cifar.pt").read_bytes() == weights_before


@pytest.mark.parametrize("what", ["missing", "empty", "file"])
def test_folder_without_a_record_is_not_resumed(shell: Shell, what: str) -> None:
    """A run folder that is not there, holds no record, or is a file, is named."""
    folder = shell.folder / "mine"
    if what == "empty":
        folder.mkdir()
    elif what == "file":
        folder.write_text("")
    shell.refuses("run", "--resume", folder, naming=(folder,))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"epoch 1", id="text"),
        pytest.param(b'{"schema": 1,', id="cut off"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"[1, 2]", id="list"),
        pytest.param(b"[]", id="empty list"),
        pytest.param(b"1", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b'{"schema": 1}', id="schema only"),
        pytest.param(b"[" * 100_000, id="nested without end"),
    ],
)
def test_record_that_is_none_is_not_resumed(shell: Shell, run: Path, content: bytes) -> None:
    """A record that is no JSON, or no object with a record's entries, is named."""
    (run / "record.json").write_bytes(content)
    shell.refuses("run", "--resume", run, naming=(run / "record.json",))


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_record_of_another_schema_is_not_resumed(shell: Shell, run: Path, schema: object) -> None:
    """A record of another schema is named, with its schema."""
    edit(run, changed(("schema",), schema))
    shell.refuses("run", "--resume", run, naming=(run / "record.json", "schema", repr(schema)))


@pytest.mark.parametrize(
    "path",
    [
        "schema",
        "status",
        "recipe",
        "recipe.name",
        "recipe.epochs",
        "recipe.overridden",
        "seeds",
        "seeds.order",
        "data",
        "data.kind",
        "data.official",
        "data.path",
        "data.fingerprints",
        "data.fingerprints.train",
        "environment",
        "environment.device",
        "environment.threads",
        "environment.memory_format",
        "environment.torch",
        "environment.cpu",
        "epochs",
        "best",
        "stopped",
        "test",
    ],
)
def test_record_that_lacks_an_entry_is_not_resumed(shell: Shell, run: Path, path: str) -> None:
    """A record without an entry that going on needs is named, with the entry."""
    *above, name = path.split(".")

    def take_out(record: dict[str, Any]) -> None:
        for key in above:
            record = record[key]
        del record[name]

    edit(run, take_out)
    shell.refuses("run", "--resume", run, naming=(run, name))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipe", []),
        ("recipe.name", "mnist"),
        ("recipe.name", []),
        ("recipe.epochs", -1),
        ("recipe.learning_rate", "fast"),
        ("recipe.overridden", 1),
        ("recipe.overridden", ["foo"]),
        ("seeds", []),
        ("seeds.order", -1),
        ("seeds.order", 0.5),
        ("status", "fine"),
        ("data", []),
        ("data.path", 1),
        ("data.fingerprints", None),
        ("environment", []),
        ("environment.device", "tpu"),
        ("environment.device", 0),
        ("environment.threads", "one"),
        ("environment.threads", 0),
        ("environment.threads", True),
        ("environment.threads", None),
        ("environment.memory_format", "diagonal"),
        ("environment.memory_format", []),
        ("epochs", 2),
        ("epochs", [1, 2]),
        ("epochs", [{}, {}]),
        ("epochs", None),
        ("stopped", "yes"),
        ("stopped", {"epoch": 1}),
        ("test", {"loss": 2.3}),
    ],
    ids=as_id,
)
def test_record_with_a_senseless_entry_is_not_resumed(shell: Shell, run: Path, path: str, value: object) -> None:
    """A record with an entry of the wrong kind, or with a value that makes no sense, is refused."""
    edit(run, changed(tuple(path.split(".")), value))
    line = shell.refuses("run", "--resume", run, naming=())
    assert any(part in line for part in (str(run), *path.split("."))), line


@pytest.mark.parametrize("value", ["low", True], ids=as_id)
def test_record_with_a_loss_that_is_no_number_is_not_verified(shell: Shell, run: Path, value: object) -> None:
    """A record whose loss was made something else is refused before anything is trained, and names it."""
    edit(run, lambda record: record["epochs"][1].update(train_loss=value))
    shell.refuses("verify", run, naming=(run / "record.json", "epochs.1.train_loss", value))


@pytest.mark.parametrize("value", [math.nan, -math.inf], ids=as_id)
def test_record_with_a_number_that_json_does_not_have_is_not_resumed(shell: Shell, run: Path, value: float) -> None:
    """A record with a NaN or an infinity is refused, even in an entry that nothing needs: it could not be printed."""
    edit(run, changed(("environment", "platform"), value))
    shell.refuses("run", "--json", "--resume", run, naming=(run / "record.json", "no finite number"))


def test_missing_last_state_is_not_resumed(shell: Shell, run: Path) -> None:
    """A run with epochs and without last.pt is named: it would have to start again."""
    (run / "last.pt").unlink()
    shell.refuses("run", "--resume", run, naming=(run, "last.pt"))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[:-1000], id="end cut off"),
        pytest.param(lambda content: content[:100], id="start only"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: saved([1, 2]), id="list"),
        pytest.param(lambda content: saved({}), id="empty dict"),
        pytest.param(lambda content: saved(weights()), id="weights only"),
    ],
)
def test_spoiled_last_state_is_not_resumed(shell: Shell, run: Path, spoil: Callable[[bytes], bytes]) -> None:
    """A last.pt that is truncated or holds no state of a run is named."""
    (run / "last.pt").write_bytes(spoil((run / "last.pt").read_bytes()))
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_that_is_a_folder_is_not_resumed(shell: Shell, run: Path) -> None:
    """A folder in the place of last.pt is named."""
    (run / "last.pt").unlink()
    (run / "last.pt").mkdir()
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_of_another_run_is_not_resumed(shell: Shell, run: Path) -> None:
    """A whole last.pt that belongs to another run, as its weights show, is named."""
    state = torch.load(run / "last.pt", weights_only=True)
    state["network"]["fc2.bias"] += 1
    state["best_weights"] = state["network"]
    for epoch in state["epochs"]:
        epoch["weights_sha256"] = weights_digest(state["network"])
    torch.save(state, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


@pytest.mark.parametrize("entry", ["network", "best_weights"])
def test_last_state_with_other_weights_is_not_resumed(shell: Shell, run: Path, entry: str) -> None:
    """A last.pt with one weight changed, of the last or of the best network, is named."""
    state = torch.load(run / "last.pt", weights_only=True)
    state[entry] = {**state[entry], "fc2.bias": state[entry]["fc2.bias"].clone()}
    state[entry]["fc2.bias"][3] += 1e-3
    torch.save(state, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_behind_the_record_is_not_resumed(shell: Shell, run: Path) -> None:
    """A last.pt with fewer epochs than the record, such as an old copy, is named."""
    state = torch.load(run / "last.pt", weights_only=True)
    first = {**state["epochs"][0], "saved": True, "weights_sha256": weights_digest(state["network"])}
    torch.save({**state, "epochs": [first], "best_weights": state["network"]}, run / "last.pt")
    edit(run, lambda record: record["epochs"][0].update(first))
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        pytest.param("network", [], id="network a list"),
        pytest.param("optimizer", {}, id="optimizer empty"),
        pytest.param("optimizer", {"state": {}, "param_groups": []}, id="optimizer of another network"),
        pytest.param("order", torch.zeros(3, dtype=torch.uint8), id="order too short"),
        pytest.param("order", [1], id="order a list"),
        pytest.param("global", {}, id="generators missing"),
        pytest.param("global", {"cpu": torch.zeros(3)}, id="generator no state"),
        pytest.param("epochs", 2, id="epochs a number"),
        pytest.param("extra", 1, id="extra entry"),
    ],
)
def test_last_state_with_a_wrong_entry_is_not_resumed(shell: Shell, run: Path, entry: str, value: object) -> None:
    """A last.pt whose weights are this run's but whose other entries cannot be gone on from is named."""
    state = torch.load(run / "last.pt", weights_only=True)
    torch.save({**state, entry: value}, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_with_odd_epochs_is_not_resumed(shell: Shell, run: Path) -> None:
    """A last.pt whose epochs hold what no epoch has is named."""
    state = torch.load(run / "last.pt", weights_only=True)
    state["epochs"][-1]["mood"] = "good"
    torch.save(state, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


@pytest.mark.parametrize("form", ["pickle", "torch", "within a state"])
def test_last_state_that_would_run_code_is_not_resumed(shell: Shell, run: Path, form: str) -> None:
    """A last.pt that would run code when unpickled is named and runs none."""
    marker = shell.folder / "executed"
    state = torch.load(run / "last.pt", weights_only=True)
    if form == "pickle":
        (run / "last.pt").write_bytes(pickle.dumps(Marker(marker)))
    else:
        torch.save({**state, "optimizer": Marker(marker)} if "state" in form else Marker(marker), run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))
    assert not marker.exists()


@pytest.mark.parametrize("part", ["train", "test"])
def test_other_data_is_not_resumed_on(shell: Shell, finished: Finished, run: Path, part: str) -> None:
    """Data with another fingerprint, be it for one pixel of one part, is refused."""
    other = Path(shutil.copytree(finished.data, shell.folder / "other"))
    path = other / "cifar-10-batches-bin" / ("data_batch_2.bin" if part == "train" else "test_batch.bin")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    line = shell.refuses("run", "--resume", run, "--data", other, naming=(run, "fingerprint"))
    recorded = json.loads((run / "record.json").read_text())["data"]["fingerprints"]
    assert recorded[part][:12] in line, f"the fingerprint of the part that differs is not named: {line}"


def test_run_whose_data_is_gone_is_not_resumed(shell: Shell, run: Path) -> None:
    """A run whose data folder is no longer there names that folder."""
    edit(run, changed(("data", "path"), str(shell.folder / "gone")))
    shell.refuses("run", "--resume", run, naming=("data", shell.folder / "gone"))


@pytest.mark.parametrize(
    ("flag", "value", "was"),
    [
        ("--seed", 4, 3),
        ("--order-seed", 4, 3),
        ("--epochs", 3, 2),
        ("--threads", 2, 1),
        ("--batch-size", 10, 20),
        ("--learning-rate", 0.1, 0.01),
        ("--recipe", "udacity-augmented", "udacity"),
        ("--memory-format", "channels_last", "contiguous"),
        ("--out", "elsewhere", "run"),
    ],
    ids=as_id,
)
def test_resuming_with_another_setting_is_refused(
    shell: Shell, run: Path, flag: str, value: object, was: object
) -> None:
    """A setting given with --resume that is not the run's own is named, with both values."""
    line = shell.refuses("run", "--resume", run, flag, value, naming=(value, was, run))
    assert flag[2:] in line


@pytest.mark.parametrize(("flag", "value"), [("--seed", 3), ("--epochs", 2), ("--threads", 1), ("--device", "cpu")])
def test_resuming_with_the_same_setting_is_not_refused_for_it(
    shell: Shell, run: Path, flag: str, value: object
) -> None:
    """A setting given with --resume that is the run's own is none to complain about."""
    (run / "last.pt").unlink()
    shell.refuses("run", "--resume", run, flag, value, naming=("last.pt",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("torch", "1.0.0"), ("cpu_capability", "MMX"), ("deterministic", False), ("gpu", "a GPU")],
)
def test_run_from_another_environment_is_not_resumed(shell: Shell, run: Path, name: str, value: object) -> None:
    """A run from an environment that need not give the same bits names what differs."""
    here = json.loads((run / "record.json").read_text())["environment"][name]
    edit(run, changed(("environment", name), value))
    shell.refuses("run", "--resume", run, naming=(run, name, value, here))


@pytest.mark.parametrize("device", ["cuda:99", pytest.param("cuda:0", marks=needs_no_gpu)])
def test_run_on_a_missing_gpu_is_not_resumed(shell: Shell, run: Path, device: str) -> None:
    """A run on a GPU that is not there names it."""
    edit(run, changed(("environment", "device"), device))
    shell.refuses("run", "--resume", run, naming=(device,))


def test_diverged_run_is_not_resumed(shell: Shell, run: Path) -> None:
    """A run that stopped at a loss that is no number is named, with the loss: it would stop there again."""
    stopped = {"epoch": 3, "phase": "training", "step": 7, "loss": "nan"}
    edit(run, lambda record: record.update(status="diverged", stopped=stopped))
    shell.refuses("run", "--resume", run, naming=(run, "nan"))


# Matrices and the tests in a trace

LOSS = {"name": "step 1/loss", "sha256": "0", "shape": [1], "dtype": "float32", "sample": [2.5]}
GATE: dict[str, Any] = {
    "gate": 1,
    "workload": "step",
    "a": {"environment": HEADER["environment"]},
    "b": {"environment": HEADER["environment"]},
    "ratio": 1.0,
    "interval": [1.0, 1.0],
    "detectable": 1.1,
}


# Lines of files that are no trace.
NO_TRACES: dict[str, list[Any]] = {
    "text": ["notes"],
    "header a list": [[HEADER], LOSS],
    "no entries": [HEADER],
    "no step": [HEADER | {"steps": 0}, LOSS | {"name": "split/train"}],
    "fewer steps than its header says": [HEADER | {"steps": 2}, LOSS],
    "more steps than its header says": [HEADER, LOSS, LOSS | {"name": "step 2/loss"}],
    "a parameter that no step updates": [HEADER, LOSS | {"name": "init/w"}, LOSS],
    **{f"{name} null": [{**HEADER, name: None}, LOSS] for name in ("trace", "steps", "recipe", "data", "environment")},
    **{f"no {name}": [{k: v for k, v in HEADER.items() if k != name}, LOSS] for name in HEADER},
    "seeds a list": [{**HEADER, "seeds": [0]}, LOSS],
    "an environment of a list": [{**HEADER, "environment": []}, LOSS],
    "half an environment": [{**HEADER, "environment": {"torch": "x"}}, LOSS],
    "unknown change": [{**HEADER, "recipe": {"name": "udacity", "overridden": ["foo"]}}, LOSS],
    "change without its value": [{**HEADER, "recipe": {"name": "udacity", "overridden": ["dropout"]}}, LOSS],
    "half of the tests": [{**HEADER, "tests": {"passed": 1}}, LOSS],
    "half an entry": [HEADER, {"name": "step 1/loss"}],
    "name a number": [HEADER, LOSS | {"name": 3}],
    "unknown type": [HEADER, LOSS | {"dtype": "float31"}],
    "no sample": [HEADER, LOSS | {"sample": []}],
    "sample too short": [HEADER, LOSS | {"shape": [2]}],
    "sample of nothing": [HEADER, LOSS | {"shape": [0], "sample": []}],
    "sample a text": [HEADER, LOSS | {"sample": ["2.5"]}],
    "sample not of its type": [HEADER, LOSS | {"dtype": "int64"}],
    "sample too large for its type": [HEADER, LOSS | {"sample": [1e300]}],
    "sample of too many digits": [HEADER, LOSS | {"dtype": "int64", "sample": [10**30]}],
    "loss no number": [HEADER, LOSS | {"sample": [math.nan]}],
}
NO_GATES: dict[str, list[Any]] = {
    "gate of nothing": [{"gate": 1}],
    "gate of another schema": [GATE | {"gate": 2}],
    "gate of no environment": [GATE | {"b": {}}],
    "gate with a ratio of truth": [GATE | {"ratio": True}],
    "gate with a negative ratio": [GATE | {"ratio": -1.0}],
    "gate with half an interval": [GATE | {"interval": [1.0]}],
}


@pytest.mark.parametrize("lines", NO_TRACES.values(), ids=NO_TRACES)
def test_a_file_that_is_no_trace_is_not_compared(shell: Shell, lines: list[Any]) -> None:
    """A file that is no whole trace is named, be it the first or the second of two, or one of a matrix."""
    good, bad = with_a_good_trace(shell, lines)
    for command in (["diff", "--json", good, bad], ["diff", bad, good], ["matrix", good, bad]):
        shell.refuses(*command, naming=(bad,))


@pytest.mark.parametrize("lines", NO_GATES.values(), ids=NO_GATES)
def test_a_file_that_is_no_gate_makes_no_matrix(shell: Shell, lines: list[Any]) -> None:
    """What says that it is of a gate and is not whole is named, also where it stands after a good trace."""
    files = with_a_good_trace(shell, lines)
    shell.refuses("matrix", *files, naming=(files[1],))


def test_what_is_spoiled_of_a_trace_was_whole(shell: Shell) -> None:
    """The trace and the gate that the tests above take apart are good: each is refused for what was changed."""
    good, other = with_a_good_trace(shell, [HEADER, LOSS | {"sha256": "1"}])
    (shell.folder / "gate.json").write_text(json.dumps(GATE))
    assert shell.run("diff", good, other)[0] == 1
    assert shell.run("matrix", good, "gate.json")[0] == 0


def with_a_good_trace(shell: Shell, lines: list[Any]) -> list[Path]:
    """Two files: a good trace, and one of these lines."""
    files = [shell.folder / "good.json", shell.folder / "bad.json"]
    for file, content in zip(files, ([HEADER, LOSS], lines), strict=True):
        file.write_text("\n".join(map(json.dumps, content)))
    return files


def test_a_matrix_of_no_trace_is_refused(shell: Shell) -> None:
    """A file that is not there is named; so are gates without a trace."""
    shell.refuses("matrix", "missing.json", naming=("missing.json",))
    (shell.folder / "gate.json").write_text(json.dumps(GATE))
    shell.refuses("matrix", "gate.json", naming=("no trace",))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"7 passed", id="text"),
        pytest.param(b"<html></html>", id="another root"),
        pytest.param(b'<!DOCTYPE t [<!ENTITY e "x">]><testsuites>&e;</testsuites>', id="entities"),
        pytest.param(b'<?xml version="1.0" encoding="klingon"?><testsuites/>', id="unknown encoding"),
    ],
)
def test_tests_that_are_no_junit_xml_are_refused(shell: Shell, data: Path, content: bytes | None) -> None:
    """A --tests file that pytest did not write is named, and no trace is made."""
    if content is not None:
        (shell.folder / "tests.xml").write_bytes(content)
    shell.refuses("trace", "--data", data, "--tests", "tests.xml", "--out", "trace.json", naming=("tests.xml",))


# Studies


@pytest.mark.parametrize(
    ("flags", "naming"),
    [
        *[(["--seeds", value], ["seeds", value]) for value in ["0", "-1", HUGE, "two"]],
        *[(["--first-seed", value], ["seed", value]) for value in ["-1", str(2**32), "1.5"]],
        *[(["--jobs", value], ["jobs", value]) for value in ["0", "-1", "1025", "two"]],
        (["--threads", "0"], ["threads", "0"]),
        (["--vary", "wind"], ["vary", "wind"]),
        (["--seed", "3"], ["seed", "3"]),
        (["--init-seed", "3"], ["init-seed"]),
        (["--vary", "init", "--init-seed", "3"], ["init-seed"]),
        (["--cluster", "local", "--jobs", "2"], ["jobs", "2"]),
        (["--cluster", "local", "--device", "cuda:1"], ["device", "cuda:1"]),
        (["--cluster", "local"], ["cluster", "Ray"]),
        (["--learning-rate", "-1"], ["learning_rate", "-1"]),
        (["--data", "nowhere"], ["data", "nowhere"]),
    ],
    ids=as_id,
)
def test_study_that_makes_no_sense_is_refused(
    shell: Shell, data: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], naming: list[str]
) -> None:
    """Numbers out of range, seeds that the study sets by itself, and a cluster where Ray is not installed."""
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    line = shell.refuses("study", "--epochs", 1, "--data", data, "--out", "study", *flags, naming=tuple(naming[1:]))
    assert re.search(naming[0].replace("-", "[-_ ]"), line), line


def test_study_in_a_file_is_refused(shell: Shell, data: Path) -> None:
    """A file given as the folder of a study is named."""
    (shell.folder / "study").write_text("")
    shell.refuses("study", "--data", data, "--out", "study", naming=("out", "study"))


def test_study_in_a_folder_with_other_runs_is_refused(shell: Shell, finished: Finished) -> None:
    """A run in DIR/seed-S that is not the study's run of that seed is named, with what differs."""
    shutil.copytree(finished.folder, shell.folder / "study" / "seed-4")
    arguments = ["study", "--data", finished.data, "--out", "study", "--epochs", 2]
    shell.refuses(*arguments, "--first-seed", 4, naming=("seed-4", "split", 3, 4))
    shell.refuses(*arguments, "--first-seed", 5, naming=("seed-4", "seed-5"))
    (shell.folder / "study" / "seed-4" / "record.json").unlink()
    shell.refuses(*arguments, "--first-seed", 4, naming=("seed-4",))


def test_no_folder_holds_two_kinds(shell: Shell, run: Path, data: Path) -> None:
    """A run, a study and the studies of --vary each are each refused in a folder of the other two, done or not."""
    for folder in (
        "done/study.json",
        "begun/seed-3/record.json",
        "each/init/study.json",
        "each 2/split/seed-0/record.json",
    ):
        (shell.folder / folder).parent.mkdir(parents=True)
        shutil.copy(run / "record.json", shell.folder / folder)
    study = ["study", "--seeds", 1, "--first-seed", 3]
    commands = {"run": ["run"], "study": study, "each": [*study, "--vary", "each"]}
    for kind, folders in {"run": [run], "study": ["done", "begun"], "each": ["each", "each 2"]}.items():
        for folder in folders:
            for command in commands.keys() - {kind}:
                arguments = [*commands[command], "--epochs", 1, "--data", data, "--out", folder]
                shell.refuses(*arguments, naming=("out", folder, "already holds", kind))


# Reports


def test_report_of_no_run_is_refused(shell: Shell) -> None:
    """A folder that is not there, or holds neither a run nor a study, is named, and no report is written."""
    (shell.folder / "empty").mkdir()
    for folder in ("empty", "gone"):
        shell.refuses("report", folder, naming=(folder, "record.json", "study.json"))


def test_report_never_overwrites(shell: Shell, run: Path) -> None:
    """The file to write must not exist."""
    (shell.folder / "report.html").write_text("mine")
    shell.refuses("report", run, naming=("out", "report.html"))


def test_report_on_data_that_is_not_there_is_refused(shell: Shell, run: Path) -> None:
    """Data that was asked for must be there."""
    shell.refuses("report", run, "--data", "gone", naming=("data", "'gone'"))


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"study": 2, "runs": []}', '{"study": 1, "runs": []}', pytest.param("[" * 100_000, id="deep")],
)
def test_report_on_a_study_that_is_not_whole_is_refused(shell: Shell, content: str) -> None:
    """A study.json that is empty, of another shape or schema, or without runs is named."""
    (shell.folder / "study.json").write_text(content)
    shell.refuses("report", ".", naming=("study.json",))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("best", "epoch"), 9),
        (("best", "valid_loss"), None),
        (("test", "total"), 0),
        (("test", "correct"), -1),
        (("test", "correct"), 41),
        (("test", "correct"), 10**30),
        (("test", "per_class"), []),
        (("test", "per_class", 0, "correct"), 41),
        (("test", "per_class", 0, "total"), -1),
        (("test", "confusion"), [[]] * 10),
        (("test", "confusion", 0, 0), -1),
    ],
    ids=as_id,
)
def test_results_that_cannot_be_are_refused(shell: Shell, run: Path, path: tuple[Any, ...], value: object) -> None:
    """A best epoch that is none of the run's, and counts that are none, are refused by reports and verdicts."""
    edit(run, changed(path, value))
    for command in (["report", run], ["verdict", run]):
        shell.refuses(*command, naming=(run / "record.json",))


def test_what_a_folder_without_results_holds_is_told(shell: Shell, run: Path) -> None:
    """Runs without a study.json, and the studies of --vary each, are named, with what to do."""
    for seed in (9, 10):
        shutil.copytree(run, shell.folder / "begun" / f"seed-{seed}")
    for source in ("split", "dropout"):
        (shell.folder / "each" / source).mkdir(parents=True)
        (shell.folder / "each" / source / "study.json").write_text("{}")
    for command in (["report"], ["verdict"], ["verdict", run, "--against"]):
        shell.refuses(*command, "begun", naming=("begun: holds seed-9 to seed-10", "same command", "diverged"))
        shell.refuses(*command, "each", naming=("each: holds the studies", "each/split, each/dropout"))


# Verdicts


@pytest.mark.parametrize("margin", ["0", "-1", "100", "nan", "inf"])
def test_margin_that_makes_no_sense_is_refused(shell: Shell, run: Path, margin: str) -> None:
    """Points of accuracy lie between 0 and 100."""
    shell.refuses("verdict", run, "--against", run, f"--margin={margin}", naming=("margin", margin))


def test_margin_without_another_study_is_refused(shell: Shell, run: Path) -> None:
    """A published run is compared by the spread of runs, not by a margin."""
    shell.refuses("verdict", run, "--margin", 2, naming=("margin", 2, "--against"))


@pytest.mark.parametrize("name", ["mnist", "", "../udacity", "__init__"], ids=as_id)
def test_published_result_that_there_is_not_is_refused(shell: Shell, run: Path, name: str) -> None:
    """The recipes with published results are named."""
    shell.refuses("verdict", run, "--published", name, naming=("published", repr(name), "pytorch-blitz"))


def test_study_that_is_none_is_refused(shell: Shell, run: Path) -> None:
    """Either study may be the one that is not there."""
    shell.refuses("verdict", "nowhere", naming=("nowhere",))
    shell.refuses("verdict", run, "--against", "nowhere", naming=("nowhere",))
    shell.refuses("verdict", run, "--against", run, "--published", "udacity", naming=("--published", "--against"))


@pytest.mark.parametrize("command", [["report"], ["trace", "--steps", "1"]], ids=["report", "trace"])
def test_a_file_where_there_is_no_folder_is_refused(shell: Shell, run: Path, command: list[str]) -> None:
    """Before any work, and by the name that was given."""
    given = [run] if command == ["report"] else ["--data", "synthetic"]
    line = shell.refuses(*command, *given, "-o", "nowhere/file", naming=("nowhere", "make it first"))
    assert ".tmp" not in line


def test_a_seed_that_is_not_the_runs_is_named_as_it_was_given(shell: Shell, run: Path) -> None:
    """By --seed, which stands for those of the four that are not given by themselves."""
    shell.refuses("run", "--resume", run, "--seed", 1, naming=("--seed: 1", "is not the 3"))
    shell.refuses("run", "--resume", run, "--seed", 3, "--order-seed", 5, naming=("--order-seed: 5",))


def test_what_is_no_checkpoint_is_not_called_hostile(shell: Shell, run: Path) -> None:
    """Text is no checkpoint; a folder is no file."""
    assert "executed" not in shell.refuses("evaluate", run / "record.json", naming=("record.json", "no checkpoint"))
    shell.refuses("evaluate", run, naming=(run, "is no file"))


def test_unfinished_run_gets_no_verdict(shell: Shell, run: Path) -> None:
    """A run without a test result, that diverged, or with a loss that is no number, is named by its path."""
    shutil.copytree(run, shell.folder / "good")
    edit(run, changed(("test",), None))
    against_run, against_good = ["verdict", "good", "--against", run], ["verdict", run, "--against", "good"]
    for command in (["verdict", run], against_run, against_good):
        shell.refuses(*command, naming=(f"{run} has no test result",))
    stopped = {"epoch": 3, "phase": "training", "step": 7, "loss": "nan"}
    edit(run, lambda record: record.update(status="diverged", stopped=stopped))
    for command in (["verdict", run], against_run, against_good):
        shell.refuses(*command, naming=(f"{run} diverged", "nan in epoch 3"))
    edit(run, changed(("test",), {"loss": float("nan"), "correct": 1, "total": 2, "per_class": [], "confusion": []}))
    shell.refuses("verdict", run, naming=("record.json",), remedy=False)


# ---- gate ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "naming"),
    [
        ("python9", ["'python9'"]),
        ("", ["side", "''"]),
        ("nowhere/bin/python", ["nowhere/bin/python"]),
        (".", ["'.'", "cifar_repro"]),
        ("speed=2", ["'speed'", "threads"]),
        ("memory_format=rows", ["memory_format", "'rows'"]),
        ("threads=many", ["threads", "'many'"]),
        ("threads=0", ["threads", "'0'"]),
        ("threads=", ["threads", "''"]),
    ],
)
@pytest.mark.parametrize("flags", [("--a", "--b"), ("--b", "--a")], ids=["a", "b"])
def test_side_that_is_none_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, side: str, naming: list[str], flags: tuple[str, str]
) -> None:
    """What is no interpreter, no checkout and no setting is named, be it A or B, before anything runs."""
    monkeypatch.chdir(shell.folder)
    shell.refuses("gate", flags[0], side, flags[1], "threads=1", naming=tuple(naming))


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--rounds", "0"), ("--rounds", "9"), ("--threads", "0"), ("--threads", HUGE), ("--workload", "sleep")],
)
def test_gate_that_makes_no_sense_is_refused(shell: Shell, flag: str, value: str) -> None:
    """Too few rounds, a number of threads that cannot be, and an unknown workload are named."""
    shell.refuses("gate", "--a", "threads=1", "--b", "threads=1", flag, value, naming=(flag[2:], value))


def test_file_that_cannot_be_run_is_no_side(shell: Shell) -> None:
    """A file that is executable by its mode but no program is named."""
    path = shell.folder / "python"
    path.write_text("no program")
    path.chmod(0o755)
    shell.refuses("gate", "--a", path, "--b", "threads=1", naming=(path,))

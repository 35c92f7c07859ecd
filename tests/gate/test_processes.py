"""The gate's sides and their processes, on stand-ins that start at once.

Nothing here depends on how fast the machine is, or on what else it does: what passes on a worker's clock is planted.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cifar_repro.cli import main
from cifar_repro.core.errors import InputError
from cifar_repro.gate.gate import gate
from cifar_repro.gate.side import Side, Worker, parse_side

TORCH = """
class Generator:
    def manual_seed(self, seed): return self
class _D: pass
class utils: deterministic = _D()
float32 = uint8 = None
__version__ = "0.0"
def use_deterministic_algorithms(on): pass
def set_num_threads(n): _D.threads = n
def get_num_threads(): return _D.threads
def randint(high, shape, **_): return [0] * shape[0]
"""
PACKAGE = """
import time
from collections import namedtuple
ImageSet = namedtuple("ImageSet", "images labels")
Epoch = namedtuple("Epoch", "train_loss valid_loss")
class Seeds: pass
class Recipe:
    def with_changes(self, changes): return self
RECIPES = {{"udacity": Recipe()}}
class Done: pass
now = 0.0
time.perf_counter = lambda: now
def fit(recipe, seeds, data, memory_format):
    print("chatter")
    if len(data.images) > 100: {extra}
    global now
    now += {days} * 86_400 * len(data.images)
    done = Done(); done.epochs = [Epoch({loss}, 2.0)]
    return done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with stand-ins for cifar_repro and torch, in which an image takes `days` on the worker's clock.

    In days, for the seconds that a process is made to wait for a core are real ones, and are taken off.
    """

    def make(name: str, days: float = 1, loss: float = 1.0, extra: str = "pass") -> Path:
        folder = tmp_path / name
        (folder / "cifar_repro").mkdir(parents=True)
        (folder / "torch.py").write_text(TORCH)
        (folder / "cifar_repro" / "__init__.py").write_text(PACKAGE.format(days=days, loss=loss, extra=extra))
        return folder

    return make


def test_the_command_finds_a_slower_checkout(checkout: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Three times the work: status 1, the other way round 0; --json has what `matrix` reads; other losses are told.

    The seconds are those of the workload's 300 images alone: what comes before them is not timed.
    """
    quick, slow = str(checkout("quick")), str(checkout("slow", days=3, loss=1.5))
    arguments = ["--workload", "epoch-part", "--rounds", "10"]
    assert main(["gate", "--a", quick, "--b", slow, "--json", *arguments]) == 1
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["gate"], result["workload"], result["rounds"], result["slower"]) == (1, "epoch-part", 10, True)
    assert [result["ratio"], *result["interval"]] == pytest.approx([3, 3, 3], rel=1e-3)
    assert result["ratio"] > result["detectable"] > 1
    assert result["seconds"] == {
        name: pytest.approx([days * 86_400 * 300] * 10, rel=1e-3)
        for name, days in {"a": 1, "b": 3, "a_first": 1, "a_again": 1}.items()
    }
    assert (result["a"]["side"], result["a"]["environment"]["torch"]) == (quick, "0.0")
    assert result["b"]["package"] == str(Path(slow) / "cifar_repro")
    assert result["loss_difference"] == pytest.approx(0.5 / 1.5)
    for said in ("smallest slowdown that can be told", "B is SLOWER", "do not compute the same"):
        assert said in printed.err
    assert main(["gate", "--a", slow, "--b", quick, *arguments]) == 0
    assert "B is faster" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "said"),
    [("raise ValueError('no such thing')", "ValueError: no such thing"), ("import os; os._exit(3)", "status 3")],
)
def test_a_worker_that_dies_is_named_with_its_last_words(
    extra: str, said: str, checkout: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may die in the middle of a measurement; no process is left behind."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    before = _children()
    side = parse_side(str(checkout("dying", extra=extra)))
    with pytest.raises(InputError, match=f"dying.*{said}"):
        gate(side, side, "epoch-part", 10)
    assert set(_children()) <= set(before)


def test_a_worker_that_died_between_two_measurements_is_named(checkout: Callable[..., Path]) -> None:
    """As one that the system ends for want of memory: there is nobody left to ask for another one."""
    with Worker(parse_side(str(checkout("ended"))), "epoch-part", None) as worker:
        worker.describe()
        worker._process.kill()
        worker._process.wait()
        with pytest.raises(InputError, match=r"ended.*status -9: see that the workload runs there"):
            worker.measure()


def _children() -> list[str]:
    listing = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return listing.read_text().split() if listing.exists() else []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (f'exec {sys.executable} -S -E "$@"', "No module named 'torch': install torch there"),
        ("echo \"ModuleNotFoundError: No module named 'cifar_repro'\" >&2; exit 1", "install cifar_repro there"),
        ("echo hello", "status -?[0-9]+: see that"),
        ("echo hello; exec sleep 9", "status -9: see that"),
        ("echo 1", "status -?[0-9]+: see that"),
        ("printf 'p\\303\\251, p\\351\\n' >&2; exit 3", "status 3: p\u00e9, p\ufffd: see that"),  # UTF-8 and Latin-1
        ("echo first >&2; echo last >&2; exit 3", "does not work: it ended with status 3: last: see that the workload"),
    ],
    ids=["no torch", "no cifar_repro", "no JSON", "nonsense, and on", "no object", "two encodings", "last words"],
)
def test_an_interpreter_that_lacks_something_is_named(program: str, said: str, tmp_path: Path) -> None:
    """No torch, no cifar_repro, or no Python at all."""
    path = tmp_path / "interpreter"
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    with Worker(parse_side(str(path)), "step", None) as worker, pytest.raises(InputError, match=f"interpreter.*{said}"):
        worker.describe()


def test_a_worker_starts_in_an_empty_folder_with_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to import where it starts, other threads wait asleep, and no hash is another one each time.

    So it is whatever the user's own shell says of threads and hashes.
    """
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    path = tmp_path / "interpreter"
    environment = r'{"hashes": "%s", "waiting": "%s", "beside it": "%s"}'
    printed = f'{{"environment": {environment}, "package": %s}}'
    path.write_text(f'#!/bin/sh\nprintf \'{printed}\n\' "$PYTHONHASHSEED" "$OMP_WAIT_POLICY" "$(ls)" "$3"\n')
    path.chmod(0o755)
    settings = {"workload": "step", "package": None, "memory_format": "contiguous", "threads": 2, "core": 5}
    with Worker(parse_side(str(path), 2), "step", 5) as worker:
        assert worker.describe() == {
            "side": str(path),
            "environment": {"hashes": "0", "waiting": "passive", "beside it": "stderr"},
            "package": settings,
        }


def test_what_a_side_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter, by path or name and never resolved; a checkout; settings of this interpreter."""
    here = Path(sys.executable)
    link = tmp_path / "python"
    link.symlink_to(here)
    assert parse_side(str(link)) == Side(str(link), link, None, "contiguous", 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert parse_side("python", 2) == Side("python", link, None, "contiguous", 2)
    assert parse_side("memory_format=channels_last", 3).threads == 3
    assert parse_side("threads=1024").threads == 1024
    side = parse_side("memory_format=channels_last,threads=4")
    assert side.given == "memory_format=channels_last,threads=4"
    assert (side.interpreter, side.memory_format, side.threads) == (here, "channels_last", 4)
    assert side.package is not None
    assert (side.package / "cifar_repro" / "gate" / "gate.py").is_file()
    (tmp_path / "cifar_repro").mkdir()
    (tmp_path / "cifar_repro" / "__init__.py").touch()
    assert parse_side(str(tmp_path), 2) == Side(str(tmp_path), here, tmp_path, "contiguous", 2)
    monkeypatch.chdir(tmp_path)
    for given in (str(tmp_path), "."):
        assert parse_side(given).package == tmp_path
    assert parse_side("./python").interpreter == link
    (tmp_path / "threads=2").symlink_to(here)
    assert parse_side("./threads=2").interpreter == tmp_path / "threads=2"
    assert parse_side("threads=1024").threads == 1024


def test_a_worker_has_the_threads_and_the_memory_format_of_its_side(checkout: Callable[..., Path]) -> None:
    """As it says itself, also for an older package, whose environment tells nothing."""
    side = replace(parse_side(str(checkout("older")), 3), memory_format="channels_last")
    with Worker(side, "epoch-part", None) as worker:
        environment = worker.describe()["environment"]
    assert (environment["threads"], environment["memory_format"]) == (3, "channels_last")


def test_an_interpreter_imports_nothing_from_the_current_folder(
    checkout: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that is run in a checkout times the package that the interpreter finds elsewhere."""
    monkeypatch.chdir(checkout("here"))
    path = tmp_path / "interpreter"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{checkout("elsewhere")}" exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    with Worker(parse_side(str(path)), "epoch-part", None) as worker:
        assert worker.describe()["package"] == str(tmp_path / "elsewhere" / "cifar_repro")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell the cores of a process")
def test_a_worker_runs_on_the_core_that_it_is_told(checkout: Callable[..., Path]) -> None:
    """Be it the first one, whose number is 0; on all of them where it is told none."""
    cores, side = os.sched_getaffinity(0), parse_side(str(checkout("here")))
    for core, wanted in ((min(cores), {min(cores)}), (max(cores), {max(cores)}), (None, cores)):
        with Worker(side, "epoch-part", core) as worker:
            worker.describe()
            assert os.sched_getaffinity(worker._process.pid) == wanted

"""The speed gate: what it calls and what not, on simulated times; its processes, on stand-ins that start at once."""

import json
import math
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import binom

from cifar_repro.cli import main
from cifar_repro.core.data import ImageSet
from cifar_repro.core.errors import InputError
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import fit
from cifar_repro.gate import text as gate_text
from cifar_repro.gate import worker as gate_worker
from cifar_repro.gate.gate import LEAST_DETECTABLE, Gate, _phase, compare, gate
from cifar_repro.gate.side import Measurement, Side, Worker, parse_side

# ---- the verdict, on simulated times ---------------------------------------------------------------------------------


def simulated(rng: np.random.Generator, slowdown: float, *, noise: float, process: float, drift: float) -> Gate:
    """A gate of 40 rounds in a machine with heavy-tailed noise, one round in ten disturbed, processes that differ and a
    common drift; all as standard deviations of the logarithm, the drift from the first to the last round."""

    def phase(first: list[float], second: list[float]) -> list[list[float]]:
        trend = np.linspace(0, drift, 40)
        sides = []
        for offsets in (first, second):
            logs = trend + noise * rng.standard_t(3, 40) / math.sqrt(3) + np.resize(offsets, 40)
            sides.append((0.08 * np.exp(logs + rng.exponential(1.0, 40) * (rng.random(40) < 0.1))).tolist())
        return sides

    a1, a2, b1, b2 = (process * rng.standard_normal(4)).tolist()
    more = math.log(slowdown)
    same, found = phase([a1], [a2]), phase([a1, a2], [b1 + more, b2 + more])
    return made(compare(*same), compare(*found))


def made(same: Any, found: Any, **changes: Any) -> Gate:
    side = {
        "side": "x",
        "package": "p",
        "environment": {"torch": "1", "python": "3", "threads": 1, "memory_format": "contiguous"},
    }
    values: dict[str, Any] = {"workload": "step", "rounds": 40, "a": side, "b": side, "same": same, "found": found}
    values |= {"seconds": {}, "seconds_a_step": (0.001, 0.002), "losses": ([1.0], [1.0])}
    return Gate(**values | changes)


def test_equal_sides_are_rarely_called_different() -> None:
    """Of 60 gates between equals, with noise of 4 %, processes that differ by 1 % and a drift of 50 %, one at most
    calls B slower."""
    rng = np.random.default_rng(1)
    gates = [simulated(rng, 1.0, noise=0.04, process=0.01, drift=0.5) for _ in range(60)]
    assert sum(g.slower for g in gates) <= 1
    assert sum(g.found.interval[0] > 1 for g in gates) > 3, "the interval alone would do: this test shows nothing"


def test_a_slowdown_of_a_tenth_is_found() -> None:
    """In the same machine 29 of 30 slowdowns of 10 % are found, and measured to within 4 %."""
    rng = np.random.default_rng(2)
    gates = [simulated(rng, 1.1, noise=0.04, process=0.01, drift=0.5) for _ in range(30)]
    assert sum(g.slower for g in gates) >= 29
    assert all(abs(g.found.ratio - 1.1) < 0.045 for g in gates)


def test_the_interval_holds_the_truth() -> None:
    """Of 100 intervals for a known ratio about 95 hold it: as many as chance gives 999 times in 1,000."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        low, high = compare(*np.exp(0.05 * rng.standard_normal((2, 40)) + [[0], [0.1]]).tolist()).interval
        held += low <= math.exp(0.1) <= high
    fewest, most = binom(100, 0.95).interval(0.999)
    assert fewest <= held <= most


def test_the_same_seconds_give_the_same_numbers() -> None:
    """Resampling is seeded; a ratio without noise comes out as it is, whatever the machine's drift."""
    first = [0.08, 0.09, 0.2, 0.07] * 10
    second = [1.25 * seconds for seconds in first]
    found = compare(first, second)
    assert found.ratio == pytest.approx(1.25)
    assert found.interval == pytest.approx((1.25, 1.25))
    noisy = (0.08 * np.exp(0.05 * np.random.default_rng(4).standard_normal((2, 40)))).tolist()
    assert compare(*noisy) == compare(*noisy)


def test_a_few_disturbed_rounds_weigh_nothing() -> None:
    """A round in seven in which B took ten times as long does not move the ratio."""
    first = [0.08] * 42
    second = [0.8 if n % 7 == 0 else 0.08 for n in range(42)]
    assert compare(first, second).ratio == 1


def test_nothing_below_the_detectable_is_called() -> None:
    """What A against A shows is the limit, in both directions; and no gate calls less than the least."""
    quiet = compare([0.08] * 40, [0.08] * 40)
    tilted = compare([0.08] * 40, [0.084] * 40)

    def by(ratio: float) -> Any:
        return compare([0.08] * 40, [0.08 * ratio] * 40)

    assert made(quiet, by(1.02)).detectable == LEAST_DETECTABLE
    assert not made(quiet, by(1.02)).slower
    assert made(quiet, by(1.04)).slower
    assert made(tilted, by(1.04)).detectable == pytest.approx(1.05)
    assert not made(tilted, by(1.04)).slower
    assert made(compare([0.084] * 40, [0.08] * 40), by(1.04)).detectable == pytest.approx(1.05)
    assert made(tilted, by(1.06)).slower
    assert made(quiet, by(0.9)).faster
    assert not made(quiet, by(0.98)).faster
    assert not made(quiet, by(0.9)).slower


def test_the_verdict_in_words() -> None:
    """Slower, faster and neither are told apart, and so is another computation."""
    quiet = compare([0.08] * 40, [0.08] * 40)
    slow, fast = compare([0.08] * 40, [0.1] * 40), compare([0.08] * 40, [0.06] * 40)
    assert "B is SLOWER, by 25.0 %" in gate_text.verdict(made(quiet, slow))
    assert "B is faster: it takes 25.0 % less time" in gate_text.verdict(made(quiet, fast))
    assert "No difference" in gate_text.verdict(made(quiet, quiet))
    assert "same losses, to the last bit" in gate_text.verdict(made(quiet, quiet))
    assert "do not compute the same" in gate_text.verdict(made(quiet, quiet, losses=([1.0], [1.5])))


# ---- rounds and processes --------------------------------------------------------------------------------------------


class Drifting:
    """A worker in a machine in which everything takes 1 % longer than what was before."""

    made = 0

    def measure(self) -> Measurement:
        Drifting.made += 1
        return Measurement(1.01**Drifting.made, 1, [])


def test_a_trend_favours_neither_side() -> None:
    """Either side is first in half of the rounds: what takes longer and longer makes neither of them slower."""
    one, two = Drifting(), Drifting()
    measured = _phase([(one, two)], 40, random.Random(0), lambda steps, **_: steps, "")  # type: ignore[list-item]
    ratio = compare([a.seconds for a, _ in measured], [b.seconds for _, b in measured]).ratio
    assert abs(ratio - 1) < 0.005


TORCH = """
class Generator:
    def manual_seed(self, seed): return self
class _D: pass
class utils: deterministic = _D()
float32 = uint8 = None
__version__ = "0.0"
def use_deterministic_algorithms(on): pass
def set_num_threads(n): pass
def get_num_threads(): return 1
def randint(high, shape, **_): return [0] * shape[0]
"""
PACKAGE = """
from collections import namedtuple
ImageSet = namedtuple("ImageSet", "images labels")
Epoch = namedtuple("Epoch", "train_loss valid_loss")
class Seeds: pass
class Recipe:
    def with_changes(self, changes): return self
RECIPES = {{"udacity": Recipe()}}
class Done: pass
def fit(recipe, seeds, data, memory_format):
    print("chatter")
    if len(data.images) > 100: {extra}
    for _ in range({loops} * len(data.images)): pass
    done = Done(); done.epochs = [Epoch({loss}, 2.0)]
    return done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with stand-ins for cifar_repro and torch: loops that take some milliseconds."""

    def make(name: str, loops: int = 400, loss: float = 1.0, extra: str = "pass") -> Path:
        folder = tmp_path / name
        (folder / "cifar_repro").mkdir(parents=True)
        (folder / "torch.py").write_text(TORCH)
        (folder / "cifar_repro" / "__init__.py").write_text(PACKAGE.format(loops=loops, loss=loss, extra=extra))
        return folder

    return make


def test_the_command_finds_a_slower_checkout(checkout: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Three times the work: status 1, the other way round 0; --json has what `matrix` reads; other losses are told."""
    quick, slow = str(checkout("quick")), str(checkout("slow", loops=1200, loss=1.5))
    arguments = ["--workload", "epoch-part", "--rounds", "10"]
    assert main(["gate", "--a", quick, "--b", slow, "--json", *arguments]) == 1
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["gate"], result["workload"], result["rounds"], result["slower"]) == (1, "epoch-part", 10, True)
    assert result["interval"][0] <= result["ratio"] <= result["interval"][1]
    assert result["ratio"] > result["detectable"] > 1
    assert {len(seconds) for seconds in result["seconds"].values()} == {10}
    assert (result["a"]["side"], result["a"]["environment"]["torch"]) == (quick, "0.0")
    assert result["b"]["package"] == str(Path(slow) / "cifar_repro")
    assert result["loss_difference"] == pytest.approx(0.5 / 1.5)
    for said in ("smallest slowdown that can be detected", "B is SLOWER", "do not compute the same"):
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


def _children() -> list[str]:
    listing = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return listing.read_text().split() if listing.exists() else []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (f'exec {sys.executable} -S -E "$@"', "No module named 'torch': install torch there"),
        ("echo \"ModuleNotFoundError: No module named 'cifar_repro'\" >&2; exit 1", "install cifar_repro there"),
        ("echo hello", "status -?[0-9]+: see that"),
        ("echo 1", "status -?[0-9]+: see that"),
    ],
)
def test_an_interpreter_that_lacks_something_is_named(program: str, said: str, tmp_path: Path) -> None:
    """No torch, no cifar_repro, or no Python at all."""
    path = tmp_path / "interpreter"
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    with Worker(parse_side(str(path)), "step", None) as worker, pytest.raises(InputError, match=f"interpreter.*{said}"):
        worker.describe()


def test_what_a_side_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter, by path or name and never resolved; a checkout; settings of this interpreter."""
    here = Path(sys.executable)
    link = tmp_path / "python"
    link.symlink_to(here)
    assert parse_side(str(link)) == Side(str(link), link, None, "contiguous", 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert parse_side("python", 2) == Side("python", link, None, "contiguous", 2)
    side = parse_side("memory_format=channels_last,threads=4")
    assert (side.interpreter, side.memory_format, side.threads) == (here, "channels_last", 4)
    assert side.package is not None
    assert (side.package / "cifar_repro" / "gate" / "gate.py").is_file()
    (tmp_path / "cifar_repro").mkdir()
    (tmp_path / "cifar_repro" / "__init__.py").touch()
    assert parse_side(str(tmp_path)).package == tmp_path


# ---- the workloads ---------------------------------------------------------------------------------------------------


def test_the_step_workload_is_plain_training_and_repeats_itself() -> None:
    """Its losses are those of ten SGD steps of `Net`, written out; a second measurement gives them again."""
    prepare = gate_worker.training_steps("contiguous")
    steps, losses = prepare()()
    torch.manual_seed(0)
    network = Net(0.25)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    images, labels = torch.rand(10, 20, 3, 32, 32) * 2 - 1, torch.randint(10, (10, 20))
    plain = []
    for step in [0, 1, *range(10)]:  # two to warm up
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images[step]), labels[step])
        loss.backward()
        optimizer.step()
        plain.append(loss.item())
    assert (steps, losses) == (10, plain[2:])
    assert prepare()() == (steps, losses)
    assert gate_worker.training_steps("channels_last")()()[1] == pytest.approx(losses, rel=1e-3)


def test_the_epoch_workload_is_an_epoch_of_fit() -> None:
    """Its losses are those of `fit` on the same 300 images, and its steps those of training."""
    steps, losses = gate_worker.epoch_part("contiguous")()()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (300, 3, 32, 32), dtype=torch.uint8, generator=generator)
    data = ImageSet(pixels, torch.randint(10, (300,), generator=generator))
    (epoch,) = fit(RECIPES["udacity"].with_changes({"epochs": 1}), Seeds(), data).epochs
    assert (steps, losses) == (12, [epoch.train_loss, epoch.valid_loss])


def test_the_clock_counts_work_and_sleep() -> None:
    """A worker that waits for something is slower, too; only waiting for a core is left out."""
    start, wall = gate_worker.clock(), time.perf_counter()
    time.sleep(0.05)
    counted, passed = gate_worker.clock() - start, time.perf_counter() - wall
    assert 0.045 < counted <= passed + 1e-3


def test_an_environment_is_the_record_s() -> None:
    """The entries are those of a record, with the memory format of the side."""
    described = gate_worker.environment("channels_last")
    assert (described["torch"], described["memory_format"]) == (torch.__version__, "channels_last")
    assert {"torchvision", "cpu", "cpu_capability", "threads"} <= described.keys()

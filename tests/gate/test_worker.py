"""What a worker measures: the work of training, by a clock that counts what the work takes."""

import io
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from cifar_repro.core.data import ImageSet
from cifar_repro.core.evaluation import StepLosses
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import fit
from cifar_repro.gate import worker as gate_worker


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


def test_the_step_workload_has_the_memory_format_of_its_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights and images alike, as in `fit`: else the first layer would be timed turning one into the other."""
    given: list[torch.Tensor] = []

    def train_epoch(network: Net, batches: list[tuple[torch.Tensor, torch.Tensor]], optimizer: object) -> StepLosses:
        given.extend([p.detach() for p in network.parameters() if p.dim() == 4] + [images for images, _ in batches])
        return StepLosses([], [])

    monkeypatch.setattr("cifar_repro.train_epoch", train_epoch)
    gate_worker.training_steps("channels_last")()()
    assert len(given) == (3 + 2) + (3 + 10)  # to warm up and to be timed: weights and batches
    assert all(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in given)


def test_the_epoch_workload_is_an_epoch_of_fit() -> None:
    """Its losses are those of `fit` on the same 300 images, and its steps those of training."""
    steps, losses = gate_worker.epoch_part("contiguous")()()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (300, 3, 32, 32), dtype=torch.uint8, generator=generator)
    data = ImageSet(pixels, torch.randint(10, (300,), generator=generator))
    (epoch,) = fit(RECIPES["udacity"].with_changes({"epochs": 1}), Seeds(), data).epochs
    assert (steps, losses) == (12, [epoch.train_loss, epoch.valid_loss])


def wait_for_a_core() -> float:
    """Seconds that this thread was made to wait so far; 0 where the kernel does not tell."""
    schedstat = Path("/proc/thread-self/schedstat")
    return int(schedstat.read_text().split()[1]) / 1e9 if schedstat.exists() else 0.0


def test_the_clock_counts_work_and_sleep() -> None:
    """A worker that waits for something is slower, too: of what passes, nothing is left out but the wait for a core."""
    waited, outer = wait_for_a_core(), time.perf_counter()
    start, inner = gate_worker.clock(), time.perf_counter()
    time.sleep(0.05)
    slept, counted = time.perf_counter() - inner, gate_worker.clock() - start
    passed, waited = time.perf_counter() - outer, wait_for_a_core() - waited
    assert slept >= 0.05
    assert slept - waited <= counted <= passed


@pytest.mark.parametrize(("counts", "left_out"), [("7000000000 2500000000 9\n", 2.5), ("", 0.0), (None, 0.0)])
def test_the_clock_leaves_out_the_wait_for_a_core(
    counts: str | None, left_out: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel counts it, in nanoseconds; where there is no count, nothing is left out."""

    def schedstat(path: str) -> io.StringIO:
        if path != "/proc/thread-self/schedstat" or counts is None:
            raise FileNotFoundError(path)
        return io.StringIO(counts)

    monkeypatch.setattr(gate_worker, "open", schedstat, raising=False)
    monkeypatch.setattr(gate_worker, "time", SimpleNamespace(perf_counter=lambda: 10.0))
    assert gate_worker.clock() == 10.0 - left_out


def test_an_environment_is_the_record_s() -> None:
    """The entries are those of a record, with the memory format of the side."""
    described = gate_worker.environment("channels_last")
    assert (described["torch"], described["memory_format"]) == (torch.__version__, "channels_last")
    assert {"torchvision", "cpu", "cpu_capability", "threads"} <= described.keys()


def test_an_older_package_tells_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has it in another place, and as a dict: whatever it knows is told."""
    older: Any = ModuleType("environment")
    older.environment = lambda device, memory_format: {"cpu": "a CPU", "memory_format": memory_format}
    monkeypatch.setitem(sys.modules, "cifar_repro.runs.environment", None)
    monkeypatch.setitem(sys.modules, "cifar_repro.evidence", ModuleType("evidence"))
    monkeypatch.setitem(sys.modules, "cifar_repro.evidence.environment", older)
    assert gate_worker.environment("channels_last") == {"cpu": "a CPU", "memory_format": "channels_last"}

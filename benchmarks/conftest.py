"""What every benchmark shares: where it runs, how it is timed and checked, and what is reported beside the seconds."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import measures
from benchmarks.work import Work
from cifar_repro.core.data import Cifar10, load_cifar10
from cifar_repro.formats import plain
from cifar_repro.runs.environment import environment

SECONDS = 0.6  # of rounds of one short benchmark
REPORTED = pytest.StashKey[list[tuple[str, dict[str, Any]]]]()


@pytest.fixture(scope="session")
def synthetic_data() -> Cifar10:
    """The whole synthetic set."""
    return load_cifar10("synthetic")


@pytest.fixture(scope="session")
def data(request: pytest.FixtureRequest, real_folder: Path | None) -> Cifar10:
    """Real images where $CIFAR_REPRO_DATA or ./data has some, else the synthetic set."""
    return request.getfixturevalue("real_data" if real_folder else "synthetic_data")


@pytest.fixture(autouse=True)
def _place(request: pytest.FixtureRequest) -> None:
    """Every benchmark has the parameters `device` and `threads`. Skips, or fails with --require-cuda, without a GPU."""
    if request.node.callspec.params["device"] == "cuda":
        request.getfixturevalue("cuda")
    torch.set_num_threads(request.node.callspec.params["threads"])


@pytest.fixture
def timed(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Times a `Work`, checks it and notes its rates.

    rounds: None for as many as SECONDS hold, 5 to 200.
    """
    device, threads = (request.node.callspec.params[name] for name in ("device", "threads"))

    def run(group: str, work: Work, rounds: int | None = None) -> None:
        benchmark.group = f"{group}, {device}"
        benchmark.extra_info |= {"torch": torch.__version__, "device": device, "threads": threads}
        if rounds is None:
            rounds = _rounds(work)
        measures.reset_peak_memory(device)
        result = benchmark.pedantic(work.run, setup=lambda: (work.ready(), {}), rounds=rounds)
        benchmark.extra_info["peak_memory_bytes"] = measures.peak_memory(device)
        work.check(result)
        if benchmark.stats is not None:  # None with --benchmark-disable
            benchmark.extra_info |= measures.rates(work.images, work.flops, benchmark.stats.stats.median, device)
        request.config.stash.setdefault(REPORTED, []).append((request.node.name, benchmark.extra_info))

    return run


def _rounds(work: Work) -> int:
    """Warms up, and gives the number of rounds that SECONDS hold."""
    for _ in range(3):
        arguments = work.ready()
        start = measures.device_timer()
        work.run(*arguments)
        seconds = measures.device_timer() - start
    return min(max(math.ceil(SECONDS / seconds), 5), 200)


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    here = plain(environment(torch.device("cuda" if torch.cuda.is_available() else "cpu"), "contiguous"))
    names = ("torch", "torchvision", "numpy", "cpu", "cpu_capability", "gpu", "deterministic")
    machine_info |= {name: here[name] for name in names} | {"cores": os.cpu_count()}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reported = config.stash.get(REPORTED, [])
    if not reported:
        return
    terminalreporter.section("rates at the median time, and the largest memory in use")
    terminalreporter.write_line(f"{'':64}{'images/s':>12}{'GFLOP/s':>9}{'of sgemm':>10}{'memory':>10}")
    for name, info in sorted(reported, key=lambda pair: pair[0]):
        flops = f"{info['gflop_per_s']:9.1f}{info['of_peak']:10.1%}" if "of_peak" in info else " " * 19
        memory = info["peak_memory_bytes"]
        size = f"{memory / 1e6:7.0f} MB" if memory else ""
        speed = f"{info['images_per_s']:12,.0f}" if "images_per_s" in info else " " * 12
        terminalreporter.write_line(f"{name.removeprefix('test_'):64}{speed}{flops}{size}")

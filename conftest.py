"""What every test and benchmark shares: options, determinism, data, and a header that says what is tested."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

# Others are imported where they are used: the process that only hands tests to others would import torch for seconds.
if TYPE_CHECKING:
    import torch

    from cifar_repro.core.data import Cifar10

# The same examples in every run, so that a red test is red again; --hypothesis-profile=explore looks for new ones.
# However long an example takes, on a machine that does something else meanwhile, is no fault.
any_time = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("repeat", **any_time, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", **any_time, max_examples=1_000)
hypothesis.settings.load_profile("repeat")
THREADS = 1  # the tensors are small, and parallel test processes do not fight for cores
TESTED: pytest.StashKey[str] = pytest.StashKey()  # what the processes of a parallel run say that they tested


# Options that choose some tests, or look into one: then processes cost more than they save, or are in the way.
ONE_PROCESS = ("keyword", "markexpr", "lf", "stepwise", "usepdb", "trace")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.hasplugin("timeout"):
        parser.addini("timeout", "of pytest-timeout, which is not there or was switched off with -p no:timeout")
    group = parser.getgroup("cifar_repro")  # --subject is in cifar_repro/audits/pytest_plugin.py
    group.addoption(
        "--device", default="cpu", help="device of the device-dependent tests: cpu (default) or cuda[:INDEX]"
    )
    group.addoption(
        "--require-cuda", action="store_true", help="tests that need CUDA fail, and do not skip, without it"
    )
    group.addoption("--require-data", action="store_true", help="tests that need real images fail without them")
    group.addoption("--full", action="store_true", help="benchmarks: the accuracy targets of whole recipes, too")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the number
def pytest_cmdline_main(config: pytest.Config) -> None:
    """The whole suite, by plain `pytest`, runs in as many processes as there are cores, at most 4; `-n 0` in one.

    The tests that -k and the like choose run in one, too.
    """
    if hasattr(config, "workerinput"):  # such a process itself
        return
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("subject")
    few = any(config.getoption(name, None) for name in ONE_PROCESS)
    if (
        whole
        and not few
        and config.getoption("numprocesses", 0) is None
        and not config.getoption("benchmark_only", False)
    ):
        config.option.numprocesses = min(4, os.cpu_count() or 1)
        config.option.dist = "loadfile"  # what the tests of a file share is then made once
        # The few tests of two threads then share their cores, where waiting in a loop would cost them most of the time.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("numprocesses", 0):  # else others do the tests
        from cifar_repro.core.seeding import make_deterministic

        make_deterministic(threads=THREADS)
    # Plain `pytest` never looks at benchmarks/, and `pytest --benchmark-only` looks at nothing else.
    if config.getoption("benchmark_only", False) and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        config.args = ["benchmarks"]


def pytest_collection_finish() -> None:
    """What was imported stays: Python's collector need not go through torch's objects time after time."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 100)


def pytest_report_header(config: pytest.Config) -> str | None:
    return None if config.getoption("numprocesses", 0) else _tested(config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The processes of a parallel run tell the one that shows the results what they tested."""
    gc.unfreeze()  # else nanobind, in the triton of torch 2.15, prints at the end what nobody took down
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tested"] = _tested(session.config)


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_testnodedown(node: Any) -> None:
    if hasattr(node, "workeroutput"):  # it did not crash
        node.config.stash[TESTED] = node.workeroutput["tested"]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if TESTED in config.stash:
        terminalreporter.write_line(config.stash[TESTED])


def _tested(config: pytest.Config) -> str:
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return (
        f"cifar_repro: torch {torch.__version__}, device {config.getoption('device')} ({gpus} GPUs, "
        f"{torch.backends.cpu.get_cpu_capability()}), {THREADS} thread, "
        f"data: synthetic and {_real_folder() or 'no real images'}, seeds: fixed in each test"
    )


def _real_folder() -> Path | None:
    """Where real images are: $CIFAR_REPRO_DATA or ./data. Tests never download."""
    from cifar_repro.core import places

    folder = Path(os.environ.get("CIFAR_REPRO_DATA") or "data")
    return folder if places.locate(folder) else None


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    """A test may set threads and seed or draw from the global generators; the next one finds them as they were."""
    from cifar_repro.audits.checks.kit import left_as_found  # with all checks: seconds that only who tests has to wait

    with left_as_found():
        yield


@pytest.fixture(scope="session")
def small_data() -> Cifar10:
    """2,500 training images (2,000 after the split) and 400 test images of the synthetic set."""
    from cifar_repro.core.data import synthetic

    return synthetic(train=2_500, test=400, seed=0)


@pytest.fixture(scope="session")
def real_folder() -> Path | None:
    """The folder of real images, where there is one."""
    return _real_folder()


@pytest.fixture(scope="session")
def real_data(request: pytest.FixtureRequest, real_folder: Path | None) -> Cifar10:
    """All real images, where there are any."""
    if real_folder is None:
        _skip_or_fail(request, "data", "no real images in $CIFAR_REPRO_DATA or ./data")
    from cifar_repro.core.data import load_cifar10

    return load_cifar10(str(real_folder))


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device that --device names."""
    import torch

    chosen = torch.device(request.config.getoption("device"))
    if chosen.type == "cuda" and not torch.cuda.is_available():
        _skip_or_fail(request, "cuda", "--device cuda, but torch sees no CUDA device")
    return chosen


@pytest.fixture(scope="session")
def cuda(request: pytest.FixtureRequest) -> torch.device:
    """A CUDA device, for tests that are about CUDA."""
    import torch

    if not torch.cuda.is_available():
        _skip_or_fail(request, "cuda", "torch sees no CUDA device")
    return torch.device("cuda")


def _skip_or_fail(request: pytest.FixtureRequest, what: str, reason: str) -> None:
    if request.config.getoption(f"require_{what}"):
        pytest.fail(f"{reason}, and --require-{what} was given")
    pytest.skip(reason)

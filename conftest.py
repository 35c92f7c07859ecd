"""What every test and benchmark shares: options, determinism, data, and a header that says what is tested."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch

from cifar_repro.core import layouts
from cifar_repro.core.data import Cifar10, load_cifar10, synthetic
from cifar_repro.core.seeding import make_deterministic
from tests.checks import CHECKS
from tests.subject import FOREIGN, Subject, from_file, the_core

# The same examples in every run, so that a red test is red again; --hypothesis-profile=explore looks for new ones.
# However long an example takes, on a machine that does something else meanwhile, is no fault.
any_time = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("repeat", **any_time, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", **any_time, max_examples=1_000)
hypothesis.settings.load_profile("repeat")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cifar_repro")  # --subject is in cifar_repro/pytest_option.py
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
    """The whole suite, by plain `pytest`, runs in as many processes as there are cores, at most 4; `-n 0` in one."""
    if hasattr(config, "workerinput"):  # such a process itself
        return
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("subject")
    if whole and config.getoption("numprocesses", 0) is None and not config.getoption("benchmark_only", False):
        config.option.numprocesses = min(4, os.cpu_count() or 1)
        # The few tests of two threads then share their cores, where waiting in a loop would cost them most of the time.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_configure(config: pytest.Config) -> None:
    # One thread: the tensors are small, and parallel test processes do not fight for cores.
    make_deterministic(threads=1)
    # Plain `pytest` never looks at benchmarks/, and `pytest --benchmark-only` looks at nothing else.
    if config.getoption("benchmark_only", False) and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        config.args = ["benchmarks"]


def pytest_report_header(config: pytest.Config) -> str:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return (
        f"cifar_repro: torch {torch.__version__}, device {config.getoption('device')} ({gpus} GPUs, "
        f"{torch.backends.cpu.get_cpu_capability()}), {torch.get_num_threads()} thread, "
        f"data: synthetic and {_real_folder() or 'no real images'}, seeds: fixed in each test"
    )


def _real_folder() -> Path | None:
    """Where real images are: $CIFAR_REPRO_DATA or ./data. Tests never download."""
    folder = Path(os.environ.get("CIFAR_REPRO_DATA") or "data")
    return folder if folder.is_dir() and layouts.find(folder) else None


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    """A test may set threads and seed or draw from the global generators; the next one finds them as they were."""
    threads, torch_state, numpy_state = torch.get_num_threads(), torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 - the global one
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(torch_state)
    np.random.set_state(numpy_state)  # noqa: NPY002 - the global one


@pytest.fixture(scope="session")
def small_data() -> Cifar10:
    """2,500 training images (2,000 after the split) and 400 test images of the synthetic set."""
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
    return load_cifar10(str(real_folder))


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device that --device names."""
    chosen = torch.device(request.config.getoption("device"))
    if chosen.type == "cuda" and not torch.cuda.is_available():
        _skip_or_fail(request, "cuda", "--device cuda, but torch sees no CUDA device")
    return chosen


@pytest.fixture(scope="session")
def cuda(request: pytest.FixtureRequest) -> torch.device:
    """A CUDA device, for tests that are about CUDA."""
    if not torch.cuda.is_available():
        _skip_or_fail(request, "cuda", "torch sees no CUDA device")
    return torch.device("cuda")


def _skip_or_fail(request: pytest.FixtureRequest, what: str, reason: str) -> None:
    if request.config.getoption(f"require_{what}"):
        pytest.fail(f"{reason}, and --require-{what} was given")
    pytest.skip(reason)


# ---- --subject ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> Subject:
    """The core, or what --subject names."""
    where = request.config.getoption("subject")
    return from_file(where) if where else the_core()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    where = config.getoption("subject")
    if where:
        try:
            from_file(where)
        except Exception as error:  # somebody else's code can raise anything
            raise pytest.UsageError(f"--subject {where}: {type(error).__name__}: {error}") from error
        apply = [item for item in items if _is_check_for_others(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in apply])
        items[:] = apply


def _is_check_for_others(item: pytest.Item) -> bool:
    """Whether it is a check that needs nothing but what somebody else's code can have."""
    return isinstance(item, pytest.Function) and item.originalname == "test_check" and _needs(item) <= set(FOREIGN)


def _needs(item: pytest.Function) -> set[str]:
    return set(CHECKS[item.callspec.params["name"]].needs)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    where = config.getoption("subject")
    if not where:
        return
    words = {"passed": "right", "failed": "WRONG", "error": "WRONG", "skipped": "not there"}
    lines = []
    for outcome, word in words.items():
        for report in terminalreporter.stats.get(outcome, []):
            name, why = report.nodeid.partition("[")[2].removesuffix("]"), ""
            if outcome == "skipped":
                why = ": " + report.longrepr[2].removeprefix("Skipped: ")
            elif outcome != "passed":
                why = ": " + report.longrepr.reprcrash.message.splitlines()[0].removeprefix("AssertionError: ")
            place = (list(words.values()).index(word), list(CHECKS).index(name))
            lines.append((place, f"{word:10}{name.replace('_', ' ')}{why}"))
    if lines:
        terminalreporter.section(f"the checks on {where}")
        for _, line in sorted(lines):
            terminalreporter.write_line(line)
        counts = {word: sum(line.startswith(word) for _, line in lines) for word in words.values()}
        terminalreporter.write_line(", ".join(f"{count} {word}" for word, count in counts.items()))

"""What every test and benchmark shares: determinism, the synthetic images, and a header that says what is tested."""

from collections.abc import Iterator

import pytest
import torch

from cifar_repro.core.data import Cifar10, synthetic
from cifar_repro.core.seeding import make_deterministic


def pytest_configure(config: pytest.Config) -> None:
    # One thread: the tensors are small, and parallel test processes do not fight for cores.
    make_deterministic(threads=1)


@pytest.fixture(autouse=True)
def _restored_threads() -> Iterator[None]:
    """A test may set the number of threads; the next one has its own again."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def pytest_report_header(config: pytest.Config) -> str:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    capability = torch.backends.cpu.get_cpu_capability()
    return (
        f"torch {torch.__version__}, cpu {capability}, {torch.get_num_threads()} threads, {gpus} GPUs, data: synthetic"
    )


@pytest.fixture(scope="session")
def small_data() -> Cifar10:
    """2,500 training images (2,000 after the split) and 400 test images of the synthetic set."""
    return synthetic(train=2_500, test=400, seed=0)

"""What makes a process repeatable is really switched, and global random state goes back where it was."""

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch

from cifar_repro.core.errors import InputError
from cifar_repro.core.seeding import (
    global_state,
    isolated,
    make_deterministic,
    order_generator,
    seed_global,
    set_global_state,
)

CPU = torch.device("cpu")


@pytest.fixture
def _undetermined(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every switch stands the wrong way; afterwards all are as the suite sets them."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    yield
    make_deterministic()


@pytest.mark.usefixtures("_undetermined")
def test_every_switch_is_set() -> None:
    """Deterministic algorithms are on, as errors; memory filling, cuDNN's search and TF32 are off; cuBLAS is fixed."""
    threads = torch.get_num_threads()
    make_deterministic()
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory is False  # type: ignore[attr-defined]
    assert torch.backends.cudnn.benchmark is False
    assert torch.backends.cuda.matmul.allow_tf32 is False
    assert torch.backends.cudnn.allow_tf32 is False
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert torch.get_num_threads() == threads, "no number of threads was given"


@pytest.mark.usefixtures("_undetermined")
def test_a_workspace_that_was_chosen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """$CUBLAS_WORKSPACE_CONFIG is set only where it is not set."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    make_deterministic()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


@pytest.mark.parametrize("threads", [1, 2, 1024])
def test_the_number_of_threads_is_torchs(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number from 1 to 1024 goes to torch as it is."""
    given: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", given.append)  # 1024 threads would really be started
    make_deterministic(threads=threads)
    assert given == [threads]


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_a_number_of_threads_that_makes_no_sense_is_refused(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 1 and above 1024 is an error that names the value, and torch keeps its number."""
    given: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    with pytest.raises(InputError, match=f"^threads: {threads} is out of range: give a whole number from 1 to 1024$"):
        make_deterministic(threads=threads)
    assert not given


def test_the_order_generator_is_seeded_and_apart() -> None:
    """The order generator draws what torch draws after that seed, and leaves the global generator alone."""
    before = torch.get_rng_state()
    drawn = [torch.randperm(20, generator=order_generator(seed)).tolist() for seed in (5, 5, 6)]
    assert torch.equal(torch.get_rng_state(), before)
    seed_global(5, CPU)
    assert drawn[0] == drawn[1] == torch.randperm(20).tolist()
    assert drawn[1] != drawn[2]


def test_isolated_puts_the_state_back_even_after_an_error() -> None:
    """Whatever is seeded or drawn inside, and however it ends, the global generator goes on as if nothing had been."""

    def draw_and_fail() -> None:
        with isolated(CPU):
            seed_global(1, CPU)
            torch.rand(3)
            raise ZeroDivisionError

    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        draw_and_fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_only_the_generators_of_the_device_are_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU's always, to the state that `torch.manual_seed` gives; a GPU's for that GPU, and none for the CPU."""
    seeded: list[tuple[str, object]] = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: seeded.append(("on", device)) or nullcontext())
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: seeded.append(("seed", seed)))
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: seeded.append(("all", seed)))
    wanted = torch.Generator().manual_seed(3).get_state()
    with isolated(CPU):
        seed_global(3, CPU)
        assert torch.equal(torch.get_rng_state(), wanted)
        assert not seeded
        seed_global(4, torch.device("cuda", 1))
    assert seeded == [("on", torch.device("cuda", 1)), ("seed", 4)]


def test_on_cuda_the_state_of_that_device_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a CUDA device its own generator is read and put back beside the CPU's; for the CPU, CUDA is not touched."""
    device, state, put_back = torch.device("cuda", 1), torch.arange(4, dtype=torch.uint8), []

    def get(where: torch.device) -> torch.Tensor:
        assert where == device
        return state

    monkeypatch.setattr(torch.cuda, "get_rng_state", get)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda given, where: put_back.append((given, where)))
    assert list(global_state(CPU)) == ["cpu"]
    kept = global_state(device)
    assert torch.equal(kept["cpu"], torch.get_rng_state())
    assert kept["cuda"] is state
    torch.rand(1)
    set_global_state(kept, CPU)
    assert not put_back
    assert torch.equal(torch.get_rng_state(), kept["cpu"])
    set_global_state(kept, device)
    assert put_back == [(state, device)]

"""The only place that touches global random state or determinism switches."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cifar_repro.core.errors import InputError


def make_deterministic(threads: int | None = None) -> None:
    """Sets this process such that the same seeds give the same bits. Call it before anything runs on a GPU.

    `threads` is the number of CPU threads of torch (None leaves it): another number gives other bits.
    """
    # cuBLAS needs a fixed workspace to be deterministic; it reads this when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # An operation that has no deterministic implementation raises. As `torch.use_deterministic_algorithms(True)`, which
    # in torch 2.14 loads torch's compiler, too: more than a second that a command without an optimizer need not wait.
    torch.set_deterministic_debug_mode("error")
    # The switch above also fills every new tensor with NaN, to expose reads of memory that was never written. That is
    # a check on operations, not a part of their result, and costs 5 % of a training step on the CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch has no stub of it
    # Measuring which convolution is fastest would choose another one on another day.
    torch.backends.cudnn.benchmark = False
    # TF32 keeps 10 of 23 bits of a float32's fraction.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if threads is not None:
        if not 1 <= threads <= 1024:
            raise InputError(f"threads: {threads} is out of range: give a whole number from 1 to 1024")
        torch.set_num_threads(threads)


def seed_global(seed: int, device: torch.device) -> None:
    """Seeds the global generators that training on `device` draws from, and no others.

    Initialisation draws from the CPU's, dropout from the device's. `torch.manual_seed` would seed all devices, and what
    else draws from them in this process would notice.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def order_generator(seed: int) -> torch.Generator:
    """A generator of its own for the order of the training images, so that nothing else can shift it."""
    return torch.Generator().manual_seed(seed)


def global_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The state of the global generators that training on `device` draws from, as uint8 tensors."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_global_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Puts back what `global_state` returned."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


@contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Inside, the global generators may be seeded and drawn from; afterwards they are as they were before."""
    before = global_state(device)
    try:
        yield
    finally:
        set_global_state(before, device)

"""What benchmarks measure beside seconds on a clock: arithmetic, the machine's limit for it, and memory."""

import os
import time
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cifar_repro.core.shapes import volume_walk

THREADS = sorted({1, os.cpu_count() or 1})
# Where benchmarks run: (device, threads). On a GPU, the CPU's threads do not matter.
PLACES = [*(("cpu", threads) for threads in THREADS), ("cuda", 1)]
ALL_CORES = [("cpu", THREADS[-1]), ("cuda", 1)]


def device_timer() -> float:
    """Seconds on a clock that only goes up, read after a GPU that is in use has done all that it was given."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def layer_flops(network: nn.Module) -> dict[str, int]:
    """FLOPs of each convolution and linear layer in the forward pass of one image.

    Two for each multiplication and addition of a weight; what biases, pooling and activations add is not counted, here
    as in `torch.utils.flop_counter`.
    """
    flops = {}
    for (name, layer), volume in zip(network.volume_layers(), volume_walk(network)[1:], strict=True):
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            flops[name] = 2 * layer.weight.numel() * prod(volume.shape[1:])  # a linear layer's output has no places
    return flops


def forward_flops(network: nn.Module) -> int:
    """FLOPs of the forward pass of one image."""
    return sum(layer_flops(network).values())


def backward_flops(network: nn.Module) -> int:
    """FLOPs of the backward pass of one image: once for weights, once for inputs, but none for the image itself."""
    first, *rest = layer_flops(network).values()
    return first + 2 * sum(rest)


@cache
def sgemm_peak(device: str, threads: int) -> float:
    """FLOP/s of the fastest of some large float32 matrix products, measured once; sets the number of threads."""
    torch.set_num_threads(threads)
    return sgemm(device, *((2_048, 8) if device == "cpu" else (8_192, 8)))


def sgemm(device: str, n: int, rounds: int) -> float:
    """FLOP/s of the fastest of `rounds` products of n x n matrices, after one to warm up."""
    a, b = torch.rand(n, n, device=device), torch.rand(n, n, device=device)
    out = a @ b
    seconds = []
    for _ in range(rounds):
        start = device_timer()
        torch.mm(a, b, out=out)
        seconds.append(device_timer() - start)
    return 2 * n**3 / min(seconds)


def reset_peak_memory(device: str) -> None:
    """From here on `peak_memory` counts, where the system can."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # man 5 proc: resets VmHWM


def peak_memory(device: str) -> int | None:
    """Bytes: the largest resident size of this process, or what torch allocated on the GPU, since the reset.

    None where the system does not tell (Linux does).
    """
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [line.split() for line in lines if line.startswith("VmHWM:")]
    return int(found[0][1]) * 1024 if found else None


def rates(images: int, flops: int, seconds: float, device: str) -> dict[str, Any]:
    """images/s, and for work that counts FLOPs GFLOP/s and their share of the sgemm peak, at the threads set now."""
    speed: dict[str, Any] = {"images_per_s": images / seconds}
    if flops:
        peak = sgemm_peak(device, torch.get_num_threads())
        speed |= {
            "gflop_per_s": flops / seconds / 1e9,
            "sgemm_gflop_per_s": peak / 1e9,
            "of_peak": flops / seconds / peak,
        }
    return speed

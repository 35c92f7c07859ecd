"""Golden traces: what the first steps of `udacity`, seed 0, are, to compare every machine with.

There are two kinds, for the bits of a training depend on torch, CPU and threads, and its true values do not:

- **DEVICE-CAPABILITY-THREADS.jsonl**: a trace of the recipe as it is, dropout included. It is compared bit for bit, and
  only where everything that bits depend on is as in its header: torch, device, threads, and the CPU by model, flags and
  the variables that choose kernels. Half of every picture is one colour, so that max pooling meets ties.
- **float64.jsonl**: the trace of the same recipe computed in float64 from the same float32 weights and images. Every
  machine, torch version and memory format is compared with it, within rounding. Without dropout, since torch versions
  draw other masks from the same seed. Integers and images must be equal to the last bit; initial weights need not, for
  without fused multiply-add torch's uniform numbers, low + x * (high - low), are rounded twice.

The tolerance. `rounding` in float64.jsonl is the largest distance, over all values of a tensor and all steps, between
the float32 trace and the float64 one on the machine that wrote it. Another machine, just as right, adds in another
order. The error of a sum grows about as the square root of its longest chain of additions; one chain in place of the 16
lanes of AVX-512 is 16 times as long, so its error 4 times as large, and without fused multiply-add there are twice as
many roundings: 4 * sqrt(2) = 5.7. So SLACK = 8 times `rounding` is allowed. Seen are at most 2.3 times: torch 2.6.0 and
2.14.1, torch's kernels for AVX-512, AVX2 and none, oneDNN and MKL held to AVX2 and to SSE, 1 and 2 threads, both memory
formats. Tests plant faults and show that they are further away.

That holds as long as no rounding decides which value a max pooling takes, or whether a ReLU is open. DATA_SEED is
chosen so that all these decisions are clear: `closest_decision`, which a test checks, is above 2 * SLACK.

`python -m tests.golden [DEVICE]` renews the goldens of this machine, for 1 and 2 threads, and says what changed. With
ATEN_CPU_CAPABILITY=avx2 or default it does so for torch's own kernels of that capability. float64.jsonl is left as it
is where this machine is within its tolerance. Goldens do not say what code made them, which they are to outlast.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from msgspec import structs

from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10, ImageSet, synthetic
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.formats import decode, plain
from cifar_repro.runs.environment import DECISIVE, Environment, arrows
from cifar_repro.runs.record import plain_with_changes
from cifar_repro.traces.trace import trace
from cifar_repro.traces.trace_file import Entry, Trace, TraceHeader, header, read_trace, summarise

FOLDER = Path(__file__).parent
FLOAT64 = FOLDER / "float64.jsonl"
SEEDS = Seeds.all(0)
WHOLE, WHOLE_STEPS = RECIPES["udacity"], 2
SMALL, SMALL_STEPS = WHOLE.with_changes({"batch_size": 2, "dropout": 0.0}), 3
DATA_SEED = 108
SLACK = 8
# Variables by which the libraries under torch are told to take other kernels than the CPU's best, or to share out work
# among threads in another way.
ONEDNN = ("MAX_CPU_ISA", "CPU_ISA_HINTS", "DEFAULT_FPMATH_MODE")
VARIABLES = (
    *("MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "MKL_NUM_STRIPES"),
    *(f"{prefix}_{name}" for prefix in ("ONEDNN", "DNNL") for name in ONEDNN),
)


class Machine(Environment, frozen=True, kw_only=True):
    """An environment with all that bits depend on. kernels: see `_kernels`."""

    kernels: str


class GoldenHeader(TraceHeader, frozen=True, kw_only=True):
    """The first line of a golden that is compared bit for bit."""

    environment: Machine


class Exact(Entry, frozen=True, kw_only=True, omit_defaults=True):
    """An entry of float64.jsonl. rounding: None where it must be equal to the last bit."""

    rounding: float | None = None


def golden_path(device: torch.device) -> Path:
    """Where the golden is whose bits those of this process, as it is set up now, may equal."""
    return FOLDER / f"{device.type}-{torch.backends.cpu.get_cpu_capability()}-{torch.get_num_threads()}.jsonl"


def traced(device: torch.device) -> Trace:
    """The trace that is compared bit for bit; its header is a GoldenHeader."""
    data = synthetic(train=50, test=10, seed=0)  # 40 to train on: 2 batches of 20
    images = data.train.images.clone()
    images[:, :, :16] = images[:, :, :1, :1]
    data = Cifar10(ImageSet(images, data.train.labels), data.test, data.kind)
    first = structs.replace(header(WHOLE, SEEDS, data, WHOLE_STEPS, device, "contiguous"), code=None)
    machine = Machine(**structs.asdict(first.environment), kernels=_kernels())
    entries = [summarise(*tensor) for tensor in trace(WHOLE, SEEDS, data, WHOLE_STEPS, device=device)]
    return Trace(GoldenHeader(**{**structs.asdict(first), "environment": machine}), entries)


def read(path: Path) -> Trace:
    """As `read_trace`, but with a GoldenHeader."""
    first, *_ = path.read_bytes().splitlines()
    return read_trace(path)._replace(header=decode(first, GoldenHeader, "header"))


def read_exact() -> tuple[TraceHeader, list[Exact]]:
    """Header and entries of float64.jsonl."""
    _, *lines = FLOAT64.read_bytes().splitlines()
    return read_trace(FLOAT64).header, [decode(line, Exact, "entry") for line in lines]


def write(path: Path, first: TraceHeader, entries: Sequence[Entry]) -> None:
    """As `trace_file.write_trace`, but of entries."""
    with replacing(path) as file:
        for line in (plain_with_changes(first), *map(plain, entries)):
            file.write((json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n").encode())


def _kernels() -> str:
    """A digest of what kernels are chosen by, besides what a record's environment holds."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = re.search(r"^flags\s*:.*$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    told = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    return hashlib.sha256("\n".join([flags[0] if flags else "", *told]).encode()).hexdigest()[:16]


def differs_in(golden: TraceHeader, here: TraceHeader) -> list[str]:
    """The entries of two headers' environments that bits depend on and that differ, each as "name: golden -> here"."""
    return arrows(plain(golden.environment), plain(here.environment), (*DECISIVE, "cpu", "kernels"))


# ---- float64 ---------------------------------------------------------------------------------------------------------


def small_tensors(
    device: torch.device, dtype: torch.dtype, memory_format: str = "contiguous", **changes: Any
) -> dict[str, torch.Tensor]:
    """The tensors, by name, of the steps that are compared with float64; `changes` are to the recipe."""
    data, recipe = synthetic(train=25, test=10, seed=DATA_SEED), SMALL.with_changes(changes)
    tensors = trace(recipe, SEEDS, data, SMALL_STEPS, device=device, memory_format=memory_format, dtype=dtype)
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors}


def small_entries(device: torch.device, memory_format: str = "contiguous", **changes: Any) -> list[Entry]:
    """What `too_far` compares with float64.jsonl: the entries of these tensors in float32."""
    tensors = small_tensors(device, torch.float32, memory_format, **changes)
    return [summarise(name, tensor) for name, tensor in tensors.items()]


def reference() -> tuple[TraceHeader, list[Exact]]:
    """What `read_exact` reads, made here; initial weights and whatever is float64 with `rounding`."""
    cpu = torch.device("cpu")
    exact, rounded = (small_tensors(cpu, dtype) for dtype in (torch.float64, torch.float32))
    rounding = _roundings(exact, rounded)
    entries = []
    for name, tensor in exact.items():
        entry = Exact(**structs.asdict(summarise(name, tensor)))
        if tensor.dtype == torch.float64:
            entry = structs.replace(entry, rounding=rounding[_kind(name)])
        elif name.startswith("init/"):
            entry = structs.replace(entry, rounding=2**-24 * entry.absmax)  # half the last place of the largest
        entries.append(entry)
    data = synthetic(train=25, test=10, seed=DATA_SEED)
    return structs.replace(header(SMALL, SEEDS, data, SMALL_STEPS, cpu, "contiguous"), code=None), entries


def _roundings(exact: dict[str, torch.Tensor], rounded: dict[str, torch.Tensor]) -> dict[str, float]:
    """For each kind of tensor the largest distance of any of its values, in any step."""
    largest: dict[str, float] = {}
    for name, tensor in exact.items():
        if tensor.dtype == torch.float64:
            distance = (rounded[name].double() - tensor).abs().max().item()
            largest[_kind(name)] = max(largest.get(_kind(name), 0.0), distance)
    return largest


def _kind(name: str) -> str:
    """The name without its step."""
    return name.partition("/")[2]


def too_far(golden: Sequence[Exact], entries: Sequence[Entry]) -> list[str]:
    """A line for each entry that is not what float64.jsonl says, in its order; entries are of any float type.

    What has no `rounding` must be equal to the last bit. Of what has, each sampled value, the mean and the largest
    absolute value may be SLACK * rounding away, and the norm of n values sqrt(n) times as much: none of these can be
    further if no value is.
    """
    here = {entry.name: entry for entry in entries}
    lines = []
    for entry in golden:
        name = entry.name
        if name not in here:
            lines.append(f"{name}: only in the golden")
        elif entry.shape != here[name].shape:
            lines.append(f"{name}: shape {here[name].shape}, not {entry.shape}")
        elif entry.rounding is None:
            if entry.sha256 != here[name].sha256:
                lines.append(f"{name}: not equal")
        else:
            ratio = _distance(entry, here[name]) / entry.rounding
            if not ratio <= SLACK:
                lines.append(f"{name}: {ratio:.3g} times the rounding of float32 from float64; {SLACK} are allowed")
    names = {entry.name for entry in golden}
    return lines + [f"{name}: not in the golden" for name in here if name not in names]


def _distance(golden: Entry, entry: Entry) -> float:
    samples = zip(golden.sample, entry.sample, strict=True)
    return max(
        *(abs(x - y) for x, y in samples),
        abs(golden.mean - entry.mean),
        abs(golden.absmax - entry.absmax),
        abs(golden.norm - entry.norm) / math.sqrt(math.prod(golden.shape)),
    )


def closest_decision(exact: dict[str, torch.Tensor], rounding: dict[str, float]) -> float:
    """How far the closest decision of a max pooling or a ReLU is from the other one, in roundings of its input."""
    closest = math.inf
    for name, tensor in exact.items():
        kind = _kind(name)
        if kind.startswith("forward/conv"):
            windows = tensor.unfold(2, 2, 2).unfold(3, 2, 2).reshape(-1, 4).sort(1, descending=True).values
            largest = windows[:, 0]
            leads = (largest - windows[:, 1])[largest > 0]  # below zero the ReLU after it is closed either way
            closest = min(closest, leads.min().item() / rounding[kind], largest.abs().min().item() / rounding[kind])
        elif kind.startswith("forward/fc1"):
            closest = min(closest, tensor.abs().min().item() / rounding[kind])
    return closest

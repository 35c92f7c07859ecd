"""Where a run happened: what can make the same experiment give other numbers."""

import platform
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from msgspec import Meta

from cifar_repro.core.errors import InputError
from cifar_repro.core.training import MEMORY_FORMATS
from cifar_repro.formats import Form, Whole, plain


class Environment(Form, frozen=True, kw_only=True):
    """The `environment` of a record. cpu: its model. gpu: its model, None on the CPU. threads: those of torch."""

    torch: str
    torchvision: str
    numpy: str
    python: str
    platform: str
    cpu: str
    cpu_capability: str
    device: str
    gpu: str | None
    threads: Whole
    memory_format: Annotated[str, Meta(pattern=f"^({'|'.join(MEMORY_FORMATS)})$")]
    deterministic: bool


def choose_device(name: str) -> torch.device:
    """The device of that name: "auto" (CUDA where there is any, else the CPU), "cpu", "cuda" or "cuda:INDEX".

    Raises InputError for any other name, and where there is no such GPU.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if gpus else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    match = re.fullmatch(r"cuda(?::(\d+))?", name)
    if match is None:
        raise InputError(f"device: {name!r} is not known: give auto, cpu, cuda or cuda:INDEX")
    index = int(match[1] or 0)
    if index >= gpus:
        raise InputError(f"device: {name!r} is not there (torch sees {gpus} GPUs): give cpu or auto")
    return torch.device("cuda", index)


def environment(device: torch.device, memory_format: str) -> Environment:
    """The environment of a run on `device` in this process as it is set up now."""
    return Environment(
        torch=str(torch.__version__),  # a class of torch's own
        torchvision=version("torchvision"),
        numpy=np.__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=_cpu_model(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        device=str(device),
        gpu=torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        threads=torch.get_num_threads(),
        memory_format=memory_format,
        deterministic=torch.are_deterministic_algorithms_enabled(),
    )


# Where one of these differs, equal seeds need not give equal bits.
DECISIVE = ("torch", "cpu_capability", "device", "gpu", "threads", "memory_format", "deterministic")


def differences(recorded: Environment, here: Environment) -> list[str]:
    """In which of the decisive entries two environments differ, each as "name: recorded -> here"."""
    return arrows(plain(recorded), plain(here), DECISIVE)


def arrows(recorded: Mapping[str, Any], here: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """In which of these entries two mappings differ, each as "name: recorded -> here"; one that is missing is None."""
    return [
        f"{name}: {recorded.get(name)} -> {here.get(name)}" for name in names if recorded.get(name) != here.get(name)
    ]


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
        if match:
            return match[1]
    return platform.processor() or platform.machine()

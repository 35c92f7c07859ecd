"""What a run computes on, and what of that is told."""

import platform
import re
from pathlib import Path

import pytest
import torch

from cifar_repro.core.errors import InputError
from cifar_repro.runs import environment as module
from cifar_repro.runs.environment import choose_device, differences, environment


@pytest.mark.parametrize(
    ("name", "gpus", "device"),
    [
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cpu", 2, "cpu"),
        ("cuda", 1, "cuda:0"),
        ("cuda:0", 1, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_a_device_is_chosen_by_its_name(name: str, gpus: int, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU has its index, so that a record tells which it was."""
    see(gpus, monkeypatch)
    assert choose_device(name) == torch.device(device)


@pytest.mark.parametrize(
    ("name", "gpus", "said"),
    [
        ("cuda", 0, "device: 'cuda' is not there (torch sees 0 GPUs): give cpu or auto"),
        ("cuda:2", 2, "device: 'cuda:2' is not there (torch sees 2 GPUs): give cpu or auto"),
        ("tpu", 2, "device: 'tpu' is not known: give auto, cpu, cuda or cuda:INDEX"),
        ("cuda:one", 2, "device: 'cuda:one' is not known: give auto, cpu, cuda or cuda:INDEX"),
    ],
)
def test_a_device_that_is_not_there_is_refused(
    name: str, gpus: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what torch sees, and what can be given."""
    see(gpus, monkeypatch)
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        choose_device(name)


def see(gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes torch see so many GPUs; where there is none it still counts those that it could not use."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus or 3)


def test_a_run_on_a_gpu_tells_which_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device with its index, and the name of the GPU of that index; on the CPU there is none."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU number {device.index}")
    here = environment(torch.device("cuda", 1), "contiguous")
    assert (here.device, here.gpu) == ("cuda:1", "GPU number 1")
    here = environment(torch.device("cpu"), "contiguous")
    assert (here.device, here.gpu) == ("cpu", None)


@pytest.mark.parametrize(
    ("told", "processor", "model"),
    [
        ("processor : 0\nmodel name\t: First 1\nprocessor : 1\nmodel name\t: Second 2\n", "x", "First 1"),
        ("processor : 0\nCPU part\t: 0xd0c\n", "i386", "i386"),
        (None, "Intel64 Family 6", "Intel64 Family 6"),
        (None, "", "arm64"),
    ],
    ids=["Linux", "Linux on ARM", "Windows", "neither"],
)
def test_the_cpu_is_called_by_what_the_system_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, processor: str, model: str
) -> None:
    """Its model, as Linux has it for the first of its cores; else Python's name of the processor, or the machine's."""
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    monkeypatch.setattr(module, "Path", lambda _: tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: processor)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert environment(torch.device("cpu"), "contiguous").cpu == model


def test_two_environments_differ_in_what_decides_the_bits() -> None:
    """Each decisive entry is named with both values, in their order; what decides nothing is not."""
    here = environment(torch.device("cpu"), "contiguous")
    assert differences(here, here) == []
    other = type(here)(**dict.fromkeys(here.__struct_fields__, "another"))
    decisive = ("torch", "cpu_capability", "device", "gpu", "threads", "memory_format", "deterministic")
    assert differences(here, other) == [f"{name}: {getattr(here, name)} -> another" for name in decisive]

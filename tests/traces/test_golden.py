"""This machine gives what the golden traces say; tests/golden/__init__.py says what these are."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from msgspec.structs import replace
from torch import nn

from cifar_repro.core.seeding import make_deterministic
from cifar_repro.traces import text
from cifar_repro.traces.diff import diff
from tests import golden

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def exact() -> list[golden.Exact]:
    """The entries of float64.jsonl."""
    return golden.read_exact()[1]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_bits_are_those_of_the_golden(threads: int, device: torch.device) -> None:
    """In the environment of the golden, every tensor of the first steps is equal to the last bit."""
    make_deterministic(threads)
    path = golden.golden_path(device)
    if not path.exists():
        pytest.skip(f"no golden {path.name}: 'python -m tests.golden {device}' makes one")
    here, wanted = golden.traced(device), golden.read(path)
    if changes := golden.differs_in(wanted.header, here.header):
        pytest.skip(f"{path.name} is of another environment: {'; '.join(changes)}")
    found = diff(wanted, here)
    assert found.identical, text.parting(found)


@pytest.mark.parametrize("path", sorted(golden.FOLDER.glob("*.jsonl")), ids=lambda path: path.name)
def test_a_golden_is_read_in_full(path: Path, tmp_path: Path) -> None:
    """Written again, it is the same file: nothing of what is compared with is lost, and nothing is added."""
    first, entries = golden.read_exact() if path == golden.FLOAT64 else golden.read(path)
    golden.write(tmp_path / "again", first, entries)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_every_value_is_within_rounding_of_float64(
    memory_format: str, device: torch.device, exact: list[golden.Exact]
) -> None:
    """On any machine and torch version, the first steps are the golden ones, computed with other roundings at most."""
    far = golden.too_far(exact, golden.small_entries(device, memory_format))
    assert not far, "\n".join(far)


def test_no_rounding_decides(exact: list[golden.Exact]) -> None:
    """No max pooling and no ReLU of the golden steps is so close that roundings within the tolerance turn it."""
    rounding = {entry.name.partition("/")[2]: entry.rounding for entry in exact if entry.rounding is not None}
    assert golden.closest_decision(golden.small_tensors(CPU, torch.float64), rounding) > 2 * golden.SLACK


# ---- Both kinds are seen to fail -------------------------------------------------------------------------------------

KAIMING, CONV2D, CROSS_ENTROPY, SGD_STEP = nn.init.kaiming_uniform_, F.conv2d, F.cross_entropy, torch.optim.SGD.step


def tf32(x: torch.Tensor) -> torch.Tensor:
    """Rounded to the 10 bits of fraction that TF32 keeps of a float32's 23, the gradient as it was."""
    return x + (((x.view(torch.int32) + 2**12) & -(2**13)).view(torch.float32) - x).detach()


def step_but_for_the_last_bias(optimizer: torch.optim.SGD, closure: None = None) -> None:
    bias = optimizer.param_groups[0]["params"][-1]
    before = bias.detach().clone()
    SGD_STEP(optimizer)
    bias.data.copy_(before)


# fault -> (changes to the recipe, where a function is replaced and by what, the first entry that is too far)
FAULTS: dict[str, tuple[dict[str, Any], tuple[Any, str, Any] | None, str]] = {
    "a learning rate that is 1 % too high": ({"learning_rate": 0.0101}, None, "step 1/update/conv1.weight"),
    "another initialisation": (
        {}, (nn.init, "kaiming_uniform_", lambda tensor, **_: KAIMING(tensor, a=2.0)), "init/conv1.weight"
    ),
    "convolutions in TF32": (
        {}, (F, "conv2d", lambda x, weight, *rest: CONV2D(tf32(x), tf32(weight), *rest)), "step 1/forward/conv1#1"
    ),
    "softmax before the cross-entropy": (
        {}, (F, "cross_entropy", lambda logits, labels: CROSS_ENTROPY(logits.softmax(1), labels)), "step 1/loss"
    ),
    "gradients that are not cleared": (
        {}, (torch.optim.SGD, "zero_grad", lambda *_, **__: None), "step 2/gradient/fc2.bias"
    ),
    "a bias that no step changes": (
        {}, (torch.optim.SGD, "step", step_but_for_the_last_bias), "step 1/update/fc2.bias"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_further_from_float64_than_rounding(
    fault: str, exact: list[golden.Exact], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a fault planted, the first entry that is too far is the first one that the fault touches."""
    changes, replacement, first = FAULTS[fault]
    if replacement:
        monkeypatch.setattr(*replacement)
    far = golden.too_far(exact, golden.small_entries(CPU, **changes))
    assert far
    assert far[0].partition(": ")[0] == first


def test_the_bits_tell_another_rule_for_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tied maxima share the gradient, in place of the first having it all, the bits of gradients differ."""
    wanted = golden.traced(CPU)
    monkeypatch.setattr(nn.MaxPool2d, "forward", lambda _, x: x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2)))
    found = diff(wanted, golden.traced(CPU))
    assert found.kind is not None
    assert found.kind.startswith("gradient of conv")


def test_another_environment_is_named() -> None:
    """Bits are not compared with a golden of another torch version, CPU or choice of kernels; it says which differs."""
    here = golden.traced(CPU).header
    other = replace(here, environment=replace(here.environment, torch="2.0.0", cpu="another", kernels="0"))
    assert golden.differs_in(here, here) == []
    assert [line.partition(":")[0] for line in golden.differs_in(other, here)] == ["torch", "cpu", "kernels"]

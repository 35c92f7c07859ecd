"""A gate's ratio stands beside the trace of its own environment, and only where it is told from one."""

from pathlib import Path
from typing import Any

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.traces.matrix import Ratio, read_matrix
from tests.traces.matrix.files import gate, printed, rows


def test_a_gate_gives_its_ratio_to_the_trace_of_its_b(three: list[Path], tmp_path: Path) -> None:
    """The ratio stands in the row with B's environment, and in no other; the order of the files is free."""
    timed = gate(tmp_path / "gate.json", {"torch": "2.14.1"})
    found = rows(read_matrix([timed, *three]))
    assert found["new"].ratio == Ratio(1.25, 1.125, 1.5, 1.03, "step")
    assert found["old"].ratio is None
    assert found["other"].ratio is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_gate_is_read_as_the_shell_wrote_it(three: list[Path], tmp_path: Path, encoding: str) -> None:
    """What was printed is redirected to a file by a shell, which may mark it, or choose UTF-16, as PowerShell does."""
    timed = gate(tmp_path / "gate.json", {"torch": "2.14.1"})
    timed.write_text(timed.read_text(), encoding=encoding)
    assert rows(read_matrix([*three, timed]))["new"].ratio == Ratio(1.25, 1.125, 1.5, 1.03, "step")


@pytest.mark.parametrize(
    "name",
    ["torch", "torchvision", "python", "cpu", "cpu_capability", "device", "gpu", "threads", "memory_format"],
)
def test_a_gate_of_another_environment_is_refused(three: list[Path], tmp_path: Path, name: str) -> None:
    """A gate whose A is not the first trace's, or whose B is no trace's, is named with what differs."""
    other: dict[str, Any] = {name: "another"}
    for a, b in ((other, {"torch": "2.14.1"}), ({}, {"torch": "2.14.1"} | other)):
        timed = gate(tmp_path / "gate.json", b, a)
        with pytest.raises(InputError, match=rf"gate\.json.*\b{name}: .* -> another"):
            read_matrix([*three, timed])


def test_two_gates_of_one_trace_are_refused(three: list[Path], tmp_path: Path) -> None:
    """Which of two ratios holds is not for the table to choose."""
    timed = [gate(tmp_path / f"gate{n}.json", {"torch": "2.14.1"}) for n in (1, 2)]
    with pytest.raises(InputError, match=r"gate2\.json.*new\.json"):
        read_matrix([*three, *timed])


def test_gates_of_two_workloads_are_refused(three: list[Path], tmp_path: Path) -> None:
    """Ratios of different work do not stand in one column."""
    timed = [
        gate(tmp_path / "gate1.json", {"torch": "2.14.1"}),
        gate(tmp_path / "gate2.json", {"python": "3.12.1"}, workload="epoch-part"),
    ]
    with pytest.raises(InputError, match="epoch-part, step"):
        read_matrix([*three, *timed])


@pytest.mark.parametrize(
    ("ratio", "interval", "detectable", "differs"),
    [
        (1.25, [1.125, 1.5], 1.03, True),
        (1.25, [1.125, 1.5], 1.3, False),
        (1.02, [1.01, 1.03], 1.03, False),
        (1.25, [0.99, 1.5], 1.03, False),
        (0.8, [0.75, 0.9], 1.03, True),
        (0.8, [0.75, 0.9], 1.3, False),
        (0.99, [0.98, 0.995], 1.03, False),
        (0.8, [0.5, 1.0], 1.03, False),
    ],
)
def test_a_ratio_that_is_not_told_from_one_says_so(
    three: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ratio: float,
    interval: list[float],
    detectable: float,
    differs: bool,
) -> None:
    """A ratio counts as a difference only beyond what the gate detects, its whole interval on that side of 1."""
    timed = gate(tmp_path / "gate.json", {"torch": "2.14.1"}, ratio=ratio, interval=interval, detectable=detectable)
    out = printed(capsys, *three, timed)
    assert f"x {ratio:.2f} ({interval[0]:.2f} to {interval[1]:.2f})" in out
    assert ("not told from 1" in out) is not differs

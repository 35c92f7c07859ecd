"""What is printed of a matrix, as text, Markdown and JSON, is what differs between the environments."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.runs.environment import DECISIVE
from tests.traces.matrix.files import Make, entries, gate, lacking, printed


def test_the_text_says_what_is_common_above_the_table(
    three: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a terminal, columns with one value in all rows shrink to a line; the letters are explained below."""
    lines = printed(capsys, *three, gate(tmp_path / "gate.json", {"torch": "2.14.1"})).splitlines()
    assert lines == [
        "2 steps of udacity · seed 0 · synthetic data, not CIFAR-10",
        "All: CPU model a CPU, CPU AVX512, device cpu, threads 1, memory format contiguous, deterministic True",
        "",
        "environment  torch        python  passed  failed  skipped  trace  loss of step 2  time a step",
        "old          2.6.0+cu124  3.11.7  7       3       3        A      equal           -",
        "new          2.14.1       3.11.7  -       -       -        B      off by 1.1e-01  x 1.25 (1.12 to 1.50)",
        "other        2.6.0+cu124  3.12.1  -       -       -        A      equal           -",
        "",
        "Traces with the same letter are equal to the last bit. Losses are compared with the first one, relatively.",
        "Times are multiples of the first one's (with 95 % intervals), measured in turn by 'cifar-repro gate' "
        "(workload step).",
        "A: old, other",
        "B: new. First differs from old at step 2/forward/f#1: In step 2 the output of f differs though everything "
        "before it is equal: what f computes changed.",
    ]


def test_losses_that_are_a_bit_apart_are_not_called_equal(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """The closest that two float32 can be to one another, 2**-24 of the larger one, is a difference."""
    out = printed(capsys, make("a", entries(step_2_loss=4.0)), make("b", entries(step_2_loss=4 - 2**-22)))
    assert [line.split("  ")[-1] for line in out.splitlines()[3:6]] == ["loss of step 2", "equal", "off by 6.0e-08"]


def test_what_no_file_tells_has_no_column(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain traces make a table without tests and times, and without an empty line above it."""
    out = printed(capsys, make("a", environment={"python": "3.10.1"}), make("b", environment={"threads": 2}))
    assert "environment  torch        python  threads  trace  loss of step 2\na " in out
    assert "All: CPU model a CPU, CPU AVX512, device cpu, memory format contiguous, deterministic True\n" in out


def test_where_nothing_is_common_no_line_says_so(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Two environments that differ in everything have the table right below its caption."""
    everything = {"python": "3.10.1"} | {name: value for name, (value, *_) in DIFFERENCES.items()}
    lines = printed(capsys, make("a"), make("b", environment=everything)).splitlines()
    assert lines[1] == ""
    assert lines[2].startswith("environment  torch ")


# Another value of an entry of the environment, the title of its column, and both values there.
DIFFERENCES: dict[str, tuple[Any, str, list[str]]] = {
    "torch": ("2.14.1", "torch", ["2.6.0+cu124", "2.14.1"]),
    "cpu": ("another", "CPU model", ["a CPU", "another"]),
    "cpu_capability": ("AVX2", "CPU", ["AVX512", "AVX2"]),
    "device": ("cuda:0", "device", ["cpu", "cuda:0"]),
    "gpu": ("NVIDIA H100", "GPU", ["-", "NVIDIA H100"]),
    "threads": (2, "threads", ["1", "2"]),
    "memory_format": ("channels_last", "memory format", ["contiguous", "channels_last"]),
    "deterministic": (False, "deterministic", ["True", "False"]),
}


@pytest.mark.parametrize("name", [*DECISIVE, "cpu"])
def test_whatever_decides_the_bits_is_shown_where_it_differs(
    make: Make, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Of whatever `diff` lists as a difference of the environments, and of the CPU's model, the table has a column."""
    value, title, cells = DIFFERENCES[name]
    files = make("a"), make("b", environment={name: value})
    lines = printed(capsys, *files).splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("environment"))
    at = lines[place].index(f"  {title}  ") + 2
    assert [line[at:].split("  ")[0] for line in lines[place + 1 : place + 3]] == cells
    table = [[cell.strip() for cell in line.split("|")] for line in printed(capsys, *files, "--markdown").splitlines()]
    column = next(row for row in table if "environment" in row).index(title)
    assert [row[column] for row in table if row[1:2] in (["a"], ["b"])] == cells


def test_the_code_is_a_column_where_traces_tell_it(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """The same code of all is told above the table, other code in it, and none where a trace does not say."""
    code = {"version": "0.1.0", "commit": None, "changed": None, "source_sha256": "a" * 64}
    a, same = (make(name, header={"code": code}) for name in ("a", "same"))
    other, none = make("other", header={"code": code | {"source_sha256": "b" * 64}}), make("none")
    assert ", code 0.1.0 (sources aaaaaaaaaa)\n" in printed(capsys, a, same)
    out = printed(capsys, a, other, none)
    assert re.search(r"^other .*  0\.1\.0 \(sources bbbbbbbbbb\)  ", out, re.MULTILINE)
    assert re.search(r"^none .*  -  ", out, re.MULTILINE)


def test_the_markdown_has_every_column(three: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Markdown keeps the columns that are the same everywhere."""
    lines = printed(capsys, *three, "--markdown").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0][:7] == ["environment", "torch", "python", "CPU model", "CPU", "device", "GPU"]
    assert cells[0][7:11] == ["threads", "memory format", "deterministic", "code"]
    assert cells[2][:10] == ["old", "2.6.0+cu124", "3.11.7", "a CPU", "AVX512", "cpu", "-", "1", "contiguous", "True"]
    assert cells[2][10:] == ["-", "7", "3", "3", "A", "equal", "-"]
    assert {len(row) for row in cells} == {17}


def test_the_json_holds_rows_and_groups(three: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one object with what the table says, at full precision."""
    made = json.loads(printed(capsys, *three, "--json"))
    assert [row["group"] for row in made["environments"]] == ["A", "B", "A"]
    assert made["environments"][0]["tests"]["errors"] == 2
    assert made["environments"][1]["loss_difference"] == (2.25 - 2.0) / 2.25
    assert made["groups"]["A"] == {"members": ["old", "other"], "parts": None}
    assert made["groups"]["B"]["parts"]["first"] == "step 2/forward/f#1"


def test_a_missing_entry_is_printed(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """A group that parts by names alone says one of those that only either has."""
    other = [e | {"name": e["name"].replace("f#1", "g#1")} for e in entries()]
    out = printed(capsys, make("a"), make("b", lacking("forward/f#1")), make("c", other)).splitlines()
    assert "B: b. Differs from a: step 1/forward/f#1 is only in a" in out
    assert "C: c. Differs from a: step 1/forward/f#1 is only in a; step 1/forward/g#1 is only in c" in out

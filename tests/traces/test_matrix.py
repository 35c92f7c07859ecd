"""The table of many traces: who is equal to whom, where the others part, and which times are shown."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.cli import main
from cifar_repro.core.errors import InputError
from cifar_repro.runs.environment import DECISIVE
from cifar_repro.traces.junit import count_tests
from cifar_repro.traces.matrix import Matrix, Ratio, Row, read_matrix
from tests import make_studies

ENVIRONMENT = make_studies.ENVIRONMENT | {"torch": "2.6.0+cu124", "torchvision": "0.21.0+cu124"}
LOSSES = {1: 2.5, 2: 2.25}
Make = Callable[..., Path]


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def entry(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "sha256": digest(value), "shape": [1], "dtype": "float32", "sample": [value]}


def entries(**changes: float) -> list[dict[str, Any]]:
    """Two steps of a training of one weight; changes: other values, by name with _ for what no keyword can hold."""
    values = {"init/w": 0.5}
    for step, loss in LOSSES.items():
        values |= {f"step {step}/forward/f#1": 1.0, f"step {step}/loss": loss, f"step {step}/update/w": 0.5 - step / 8}
    named = {name.replace(" ", "_").replace("/", "_").replace("#", "_"): name for name in values}
    values |= {named[key]: value for key, value in changes.items()}
    return [entry(name, value) for name, value in values.items()]


def lacking(name: str) -> list[dict[str, Any]]:
    """Such a training, of which no step has the entry of this name."""
    return [e for e in entries() if e["name"].partition("/")[2] != name]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a trace; header: other entries of it by dotted name; environment: other entries of that."""

    def make(
        name: str,
        made: list[dict[str, Any]] | None = None,
        environment: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
    ) -> Path:
        first = make_studies.HEADER | {"steps": 2, "environment": ENVIRONMENT | (environment or {})}
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        lines = [first | (header or {}), *(entries() if made is None else made)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return make


@pytest.fixture
def three(make: Make) -> list[Path]:
    """The first and the third are equal; the second parts from them in a forward of step 2."""
    return [
        make("old.json", header={"tests": {"passed": 7, "failed": 1, "errors": 2, "skipped": 3}}),
        make("new.json", entries(step_2_forward_f_1=1.5, step_2_loss=2.0), {"torch": "2.14.1"}),
        make("other.json", environment={"python": "3.12.1"}),
    ]


def rows(matrix: Matrix) -> dict[str, Row]:
    return {row.name: row for row in matrix.rows}


def gate(path: Path, b: dict[str, Any], a: dict[str, Any] | None = None, **changes: Any) -> Path:
    """What a gate of A against B printed."""
    sides = {side: {"side": side, "environment": ENVIRONMENT | (e or {})} for side, e in (("a", a), ("b", b))}
    content = {"gate": 1, "workload": "step", "detectable": 1.03, **sides, "ratio": 1.25, "interval": [1.125, 1.5]}
    path.write_text(json.dumps(content | changes, indent=1))
    return path


# ---- groups ---------------------------------------------------------------------------------------------------------


def test_traces_with_equal_digests_share_a_letter(three: list[Path]) -> None:
    """Letters are given in order, to equal traces the same one, whatever their environment and their tests."""
    matrix = read_matrix(three)
    assert [row.group for row in matrix.rows] == ["A", "B", "A"]
    assert matrix.members("A") == ["old", "other"]


@pytest.mark.parametrize("key", ["sha256", "shape", "dtype"])
def test_one_entry_that_differs_makes_another_group(make: Make, key: str) -> None:
    """No part of what identifies a tensor is ignored."""
    changed = entries()
    changed[-1][key] = {"sha256": digest("other"), "shape": [1, 1], "dtype": "float64"}[key]
    assert [row.group for row in read_matrix([make("a"), make("b", changed)]).rows] == ["A", "B"]


def test_a_trace_that_lacks_an_entry_is_another_group(make: Make) -> None:
    """A missing entry parts two traces whose other entries are equal, and is named."""
    matrix = read_matrix([make("a"), make("b", lacking("forward/f#1"))])
    assert [row.group for row in matrix.rows] == ["A", "B"]
    assert matrix.partings["B"].missing == ["step 1/forward/f#1", "step 2/forward/f#1"]


def test_a_group_says_where_it_parts_from_the_first(three: list[Path]) -> None:
    """Each group but the first has the first place where it differs, as `diff` finds it."""
    partings = read_matrix(three).partings
    assert list(partings) == ["B"]
    assert (partings["B"].first, partings["B"].kind) == ("step 2/forward/f#1", "forward of f")


def test_the_loss_of_the_last_step_is_compared_with_the_first_trace(three: list[Path]) -> None:
    """The difference is relative to the larger loss, of the last step, with all digits."""
    found = rows(read_matrix(three))
    assert found["new"].loss_difference == (2.25 - 2.0) / 2.25
    assert found["old"].loss_difference == found["other"].loss_difference == 0.0


def test_a_loss_that_only_one_trace_has_is_not_compared(make: Make) -> None:
    """A trace without losses has no difference, not one of zero."""
    assert read_matrix([make("a"), make("b", lacking("loss"))]).rows[1].loss_difference is None


def test_names_are_stems_unless_two_are_equal(make: Make) -> None:
    """Files of one name in two folders are told apart."""
    paths = [make("a/x.json"), make("b/x.json"), make("a/y.json")]
    assert [row.name for row in read_matrix(paths).rows] == [str(paths[0]), str(paths[1]), "y"]


def test_more_groups_than_letters(make: Make) -> None:
    """The 27th group is AA."""
    paths = [make(f"{n}.json", entries(init_w=float(n))) for n in range(28)]
    assert [row.group for row in read_matrix(paths).rows][24:] == ["Y", "Z", "AA", "AB"]


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("steps", 1, ("steps", "1", "2")),
        ("seeds", {"split": 0, "init": 5, "order": 0, "dropout": 0}, ("seeds", '"init": 5', '"init": 0')),
        ("recipe", {"name": "udacity", "batch_size": 10, "overridden": ["batch_size"]}, ("recipe", "10", "20")),
        ("recipe", {"name": "udacity", "overridden": []}, ("recipe", '"batch_size": null', '"batch_size": 20')),
        (
            "data",
            make_studies.HEADER["data"] | {"fingerprints": {"train": "a" * 64, "test": "v"}},
            ("data.fingerprints", '"v"', "b" * 64),
        ),
    ],
)
def test_traces_of_another_experiment_are_refused(make: Make, name: str, value: Any, named: tuple[str, ...]) -> None:
    """Traces of another recipe, seed, data or number of steps say nothing of the environment: both values are named."""
    a, b = make("a.json"), make("b.json", entries()[:4] if name == "steps" else None, header={name: value})
    with pytest.raises(InputError) as caught:
        read_matrix([a, b])
    assert all(part in str(caught.value) for part in (*named, str(a), str(b)))


# ---- times ----------------------------------------------------------------------------------------------------------


def test_a_gate_gives_its_ratio_to_the_trace_of_its_b(three: list[Path], tmp_path: Path) -> None:
    """The ratio stands in the row with B's environment, and in no other; the order of the files is free."""
    timed = gate(tmp_path / "gate.json", {"torch": "2.14.1"})
    found = rows(read_matrix([timed, *three]))
    assert found["new"].ratio == Ratio(1.25, 1.125, 1.5, 1.03, "step")
    assert found["old"].ratio is None
    assert found["other"].ratio is None


@pytest.mark.parametrize("name", ["torch", "torchvision", "python", "cpu", "cpu_capability", "threads", "device"])
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
    ("ratio", "interval", "differs"),
    [
        (1.25, [1.125, 1.5], True),
        (1.02, [1.01, 1.03], False),
        (1.25, [0.99, 1.5], False),
        (0.8, [0.75, 0.9], True),
        (0.99, [0.98, 0.995], False),
        (0.8, [0.5, 1.0], False),
    ],
)
def test_a_ratio_that_is_not_told_from_one_says_so(
    three: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ratio: float,
    interval: list[float],
    differs: bool,
) -> None:
    """A ratio counts as a difference only beyond what the gate detects, its whole interval on that side of 1."""
    timed = gate(tmp_path / "gate.json", {"torch": "2.14.1"}, ratio=ratio, interval=interval)
    out = printed(capsys, *three, timed)
    assert f"x {ratio:.2f} ({interval[0]:.2f} to {interval[1]:.2f})" in out
    assert ("not told from 1" in out) is not differs


# ---- what is printed ------------------------------------------------------------------------------------------------


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["matrix", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_the_text_says_what_is_common_above_the_table(
    three: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a terminal, columns with one value in all rows shrink to a line; the letters are explained below."""
    lines = printed(capsys, *three, gate(tmp_path / "gate.json", {"torch": "2.14.1"})).splitlines()
    assert lines == [
        "2 steps of udacity · seed 0 · synthetic data, not CIFAR-10",
        "All: CPU AVX512, device cpu, threads 1, memory format contiguous, deterministic True",
        "",
        "environment  torch        python  passed  failed  skipped  trace  loss of step 2  time a step",
        "old          2.6.0+cu124  3.11.7  7       3       3        A      equal           -",
        "new          2.14.1       3.11.7  -       -       -        B      off by 1.1e-01  x 1.25 (1.12 to 1.50)",
        "other        2.6.0+cu124  3.12.1  -       -       -        A      equal           -",
        "",
        "Traces with the same letter are equal in every digest.",
        "Times are those of the first times the ratio (95 % interval), measured in turn by 'cifar-repro gate' "
        "(workload step).",
        "A: old, other",
        "B: new. Parts from old at step 2/forward/f#1: In step 2 the output of f differs though all before it is "
        "equal: the forward f changed.",
    ]


def test_what_no_file_tells_has_no_column(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain traces make a table without tests and times, and without an empty line above it."""
    out = printed(capsys, make("a", environment={"python": "3.10.1"}), make("b", environment={"threads": 2}))
    assert "environment  torch        python  threads  trace  loss of step 2\na " in out
    assert "All: CPU AVX512, device cpu, memory format contiguous, deterministic True\n" in out


# Another value of an entry of the environment, the title of its column, and both values there.
DIFFERENCES: dict[str, tuple[Any, str, list[str]]] = {
    "torch": ("2.14.1", "torch", ["2.6.0+cu124", "2.14.1"]),
    "cpu_capability": ("AVX2", "CPU", ["AVX512", "AVX2"]),
    "device": ("cuda:0", "device", ["cpu", "cuda:0"]),
    "gpu": ("NVIDIA H100", "GPU", ["-", "NVIDIA H100"]),
    "threads": (2, "threads", ["1", "2"]),
    "memory_format": ("channels_last", "memory format", ["contiguous", "channels_last"]),
    "deterministic": (False, "deterministic", ["True", "False"]),
}


@pytest.mark.parametrize("name", DECISIVE)
def test_whatever_decides_the_bits_is_shown_where_it_differs(
    make: Make, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Of whatever `diff` lists as a difference of the environments, the table has a column, in text and in Markdown."""
    value, title, cells = DIFFERENCES[name]
    files = make("a"), make("b", environment={name: value})
    lines = printed(capsys, *files).splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("environment"))
    at = lines[place].index(f"  {title}  ") + 2
    assert [line[at:].split("  ")[0] for line in lines[place + 1 : place + 3]] == cells
    table = [[cell.strip() for cell in line.split("|")] for line in printed(capsys, *files, "--markdown").splitlines()]
    column = next(row for row in table if "environment" in row).index(title)
    assert [row[column] for row in table if row[1:2] in (["a"], ["b"])] == cells


def test_the_markdown_has_every_column(three: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Markdown keeps the columns that are the same everywhere."""
    lines = printed(capsys, *three, "--markdown").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0][:6] == ["environment", "torch", "python", "CPU", "device", "GPU"]
    assert cells[0][6:9] == ["threads", "memory format", "deterministic"]
    assert cells[2][:9] == ["old", "2.6.0+cu124", "3.11.7", "AVX512", "cpu", "-", "1", "contiguous", "True"]
    assert cells[2][9:] == ["7", "3", "3", "A", "equal", "-"]
    assert {len(row) for row in cells} == {15}


def test_the_json_holds_rows_and_groups(three: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one object with what the table says, at full precision."""
    made = json.loads(printed(capsys, *three, "--json"))
    assert [row["group"] for row in made["environments"]] == ["A", "B", "A"]
    assert made["environments"][0]["tests"]["errors"] == 2
    assert made["environments"][1]["loss_difference"] == (2.25 - 2.0) / 2.25
    assert made["groups"]["A"] == {"members": ["old", "other"], "parts": None}
    assert made["groups"]["B"]["parts"]["first"] == "step 2/forward/f#1"


def test_a_missing_entry_is_printed(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """A group that parts by a name alone says which."""
    out = printed(capsys, make("a"), make("b", lacking("forward/f#1")))
    assert "B: b. Parts from a: step 1/forward/f#1 is only in a" in out


# ---- tests in a trace -----------------------------------------------------------------------------------------------

SUITE = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="5">
<testcase classname="t" name="one"/><testcase classname="t" name="two"><system-out>fine</system-out></testcase>
<testcase classname="t" name="three"><failure message="no">why</failure></testcase>
<testcase classname="t" name="four"><error message="no">why</error></testcase>
<testcase classname="t" name="five"><skipped message="no">why</skipped></testcase>
</testsuite></testsuites>"""


def test_every_outcome_of_a_suite_is_counted(tmp_path: Path) -> None:
    """Passed, failed, errors and skipped are counted from the test cases."""
    (tmp_path / "tests.xml").write_text(SUITE)
    assert count_tests(tmp_path / "tests.xml") == {"passed": 2, "failed": 1, "errors": 1, "skipped": 1}


def test_what_pytest_writes_is_counted(tmp_path: Path) -> None:
    """The counts are those of pytest's own summary, a test that fails twice included."""
    (tmp_path / "test_five.py").write_text("""
import pytest
@pytest.fixture
def broken():
    yield
    assert False
def test_passes(): pass
def test_also_passes(): pass
def test_fails(): assert False
def test_fails_twice(broken): assert False
def test_skips(): pytest.skip("no reason")
""")
    command = [sys.executable, "-m", "pytest", "-q", "--junit-xml=tests.xml"]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    said = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False).stdout
    summary = {
        what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error|skipped)", said.splitlines()[-1])
    }
    assert summary == {"passed": 2, "failed": 2, "error": 1, "skipped": 1}, said
    assert count_tests(tmp_path / "tests.xml") == {"passed": 2, "failed": 2, "errors": 1, "skipped": 1}

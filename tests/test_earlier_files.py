"""Files of the versions that first wrote them still read: a record, a study, a trace and what a gate printed.

They are in tests/data/earlier/, as those versions wrote them (of the gate, without the path that it ran in).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.cli import main
from cifar_repro.core.recipe import RECIPES
from cifar_repro.formats import encode, plain
from cifar_repro.gate.gate import read_gate
from cifar_repro.runs.record import FIRST_FIELDS, plain_with_changes, read_record
from cifar_repro.studies.results import read_results
from cifar_repro.traces.trace_file import read_trace

FILES = Path(__file__).parent / "data" / "earlier"


def written(name: str) -> Any:
    return json.loads((FILES / name).read_text())


def holds(content: Any, earlier: Any) -> bool:
    """Whether all that the earlier file holds is in the content, unchanged."""
    if isinstance(earlier, dict):
        return all(name in content and holds(content[name], each) for name, each in earlier.items())
    if isinstance(earlier, list):
        return len(content) == len(earlier) and all(map(holds, content, earlier))
    return bool(content == earlier)


def test_a_record_of_the_first_version_reads() -> None:
    """Nothing of it is lost, and the recipe's later fields have the values that the run was made with."""
    earlier = written("run/record.json")
    assert set(earlier["recipe"]) == {*FIRST_FIELDS, "overridden"}, "the file must be one that lacks something"
    record = read_record(FILES / "run")
    assert holds(plain_with_changes(record), earlier)
    assert record.recipe == RECIPES["udacity"].with_changes({"epochs": 1})
    assert (record.code, record.started, record.ended) == ([], None, None), "no file of then says it"


def test_a_study_of_the_first_version_reads() -> None:
    """Nothing of it is lost, and a report is made of it."""
    study = read_results(FILES / "study")
    assert [run.code for run in study.runs] == [[], []]
    assert holds(plain_with_changes(study), written("study/study.json"))


def test_a_trace_of_the_first_version_reads() -> None:
    """Header and entries are those of the file."""
    header, entries = read_trace(FILES / "trace.jsonl")
    first, *others = [json.loads(line) for line in (FILES / "trace.jsonl").read_text().splitlines()]
    assert holds(plain_with_changes(header), first)
    assert header.code is None
    assert [plain(entry) for entry in entries] == others


def test_a_gate_of_the_first_version_reads() -> None:
    """Ratio, interval, sides and seconds are those of the file."""
    assert json.loads(encode(read_gate(FILES / "gate.json"))) == written("gate.json")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["report", "run", "study", "--out", "OUT"], 0),
        (["verdict", "study"], 3),  # two runs are too few
        (["verdict", "study", "--against", "run"], 0),  # which is the first of its runs
        (["diff", "trace.jsonl", "trace.jsonl"], 0),
        (["matrix", "trace.jsonl"], 0),
    ],
)
def test_the_commands_take_them(
    command: list[str], status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a command says of files of the first version is no complaint."""
    given = {"OUT": str(tmp_path / "report.html")}
    words = [given.get(word, str(FILES / word) if (FILES / word).exists() else word) for word in command]
    assert (main(words), capsys.readouterr().err) == (status, "")

"""Files that are no whole trace, gate or test results make no comparison, no matrix and no trace."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.shell import Shell
from tests.make_studies import HEADER
from tests.traces.hand_made import entry


def without(entries: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key != name}


LOSS = entry("step 1/loss", 2.5)
RECIPE = HEADER["recipe"]
SIDE = {"side": "threads=1", "environment": HEADER["environment"], "package": "/cifar_repro", "seconds_a_step": 0.008}
GATE: dict[str, Any] = {
    "gate": 1,
    "workload": "step",
    "rounds": 10,
    "a": SIDE,
    "b": SIDE,
    "ratio": 1.0,
    "interval": [1.0, 1.0],
    "detectable": 1.1,
    "slower": False,
    "faster": False,
    "loss_difference": 0.0,
    "seconds": {name: [0.08] * 10 for name in ("a", "b", "a_first", "a_again")},
}

# Lines of files that are no trace.
NO_TRACES: dict[str, list[Any]] = {
    "text": ["notes"],
    "a text in JSON": ['"notes"'],
    "brackets without end": ["[" * 100_000],
    "header a list": [[HEADER], LOSS],
    "no entries": [HEADER],
    "no step": [HEADER | {"steps": 0}, LOSS | {"name": "split/train"}],
    "fewer steps than its header says": [HEADER | {"steps": 2}, LOSS],
    "more steps than its header says": [HEADER, LOSS, LOSS | {"name": "step 2/loss"}],
    "a parameter that no step updates": [HEADER, LOSS | {"name": "init/w"}, LOSS],
    **{f"{name} null": [{**HEADER, name: None}, LOSS] for name in ("trace", "steps", "recipe", "data", "environment")},
    **{f"no {name}": [without(HEADER, name), LOSS] for name in HEADER},
    "seeds a list": [{**HEADER, "seeds": [0]}, LOSS],
    "an environment of a list": [{**HEADER, "environment": []}, LOSS],
    "half an environment": [{**HEADER, "environment": {"torch": "x"}}, LOSS],
    "unknown recipe": [{**HEADER, "recipe": RECIPE | {"name": "foo"}}, LOSS],
    "change without its value": [{**HEADER, "recipe": without(RECIPE, "dropout") | {"overridden": ["dropout"]}}, LOSS],
    "change that makes no sense": [{**HEADER, "recipe": RECIPE | {"dropout": 2, "overridden": ["dropout"]}}, LOSS],
    "half of the tests": [{**HEADER, "tests": {"passed": 1}}, LOSS],
    "half an entry": [HEADER, {"name": "step 1/loss"}],
    "name a number": [HEADER, LOSS | {"name": 3}],
    "unknown type": [HEADER, LOSS | {"dtype": "float31"}],
    "no sample": [HEADER, LOSS | {"sample": []}],
    "sample too short": [HEADER, LOSS | {"shape": [2]}],
    "sample of nothing": [HEADER, LOSS | {"shape": [0], "sample": []}],
    "sample a text": [HEADER, LOSS | {"sample": ["2.5"]}],
    "sample not of its type": [HEADER, LOSS | {"dtype": "int64"}],
    "sample too large for its type": [HEADER, LOSS | {"sample": [1e300]}],
    "sample of too many digits": [HEADER, LOSS | {"dtype": "int64", "sample": [10**30]}],
    "loss no number": [HEADER, LOSS | {"sample": [math.nan]}],
}
NO_GATES: dict[str, list[Any]] = {
    "gate of nothing": [{"gate": 1}],
    "gate of another schema": [GATE | {"gate": 2}],
    **{f"gate without {name}": [without(GATE, name)] for name in GATE if name != "gate"},
    "gate of no environment": [GATE | {"b": without(SIDE, "environment")}],
    "gate with a side of nothing": [GATE | {"b": {}}],
    "gate with a ratio of truth": [GATE | {"ratio": True}],
    "gate with a negative ratio": [GATE | {"ratio": -1.0}],
    "gate with half an interval": [GATE | {"interval": [1.0]}],
}


@pytest.mark.parametrize("lines", NO_TRACES.values(), ids=NO_TRACES)
def test_a_file_that_is_no_trace_is_not_compared(shell: Shell, lines: list[Any]) -> None:
    """A file that is no whole trace is named, be it the first or the second of two, or one of a matrix."""
    good, bad = with_a_good_trace(shell, lines)
    for command in (["diff", "--json", good, bad], ["diff", bad, good], ["matrix", good, bad]):
        shell.refuses(*command, naming=(bad,))


@pytest.mark.parametrize("lines", NO_GATES.values(), ids=NO_GATES)
def test_a_file_that_is_no_gate_makes_no_matrix(shell: Shell, lines: list[Any]) -> None:
    """What says that it is of a gate and is not whole is named, also where it stands after a good trace."""
    files = with_a_good_trace(shell, lines)
    shell.refuses("matrix", *files, naming=(files[1],))


def test_what_is_spoiled_of_a_trace_was_whole(shell: Shell) -> None:
    """The trace and the gate that the tests above take apart are good: each is refused for what was changed."""
    good, other = with_a_good_trace(shell, [HEADER, LOSS | {"sha256": "1"}])
    (shell.folder / "gate.json").write_text(json.dumps(GATE))
    assert shell.run("diff", good, other)[0] == 1
    assert shell.run("matrix", good, "gate.json")[0] == 0


def with_a_good_trace(shell: Shell, lines: list[Any]) -> list[Path]:
    """Two files: a good trace, and one of these lines."""
    files = [shell.folder / "good.json", shell.folder / "bad.json"]
    for file, content in zip(files, ([HEADER, LOSS], lines), strict=True):
        file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in content))
    return files


def test_a_matrix_of_no_trace_is_refused(shell: Shell) -> None:
    """A file that is not there is named; so are gates without a trace."""
    shell.refuses("matrix", "missing.json", naming=("missing.json",))
    (shell.folder / "gate.json").write_text(json.dumps(GATE))
    shell.refuses("matrix", "gate.json", naming=("no trace",))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"7 passed", id="text"),
        pytest.param(b"<html></html>", id="another root"),
        pytest.param(b'<!DOCTYPE t [<!ENTITY e "x">]><testsuites>&e;</testsuites>', id="entities"),
        pytest.param('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE t><testsuites/>'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'<?xml version="1.0" encoding="klingon"?><testsuites/>', id="unknown encoding"),
    ],
)
def test_tests_that_are_no_junit_xml_are_refused(shell: Shell, data: Path, content: bytes | None) -> None:
    """A --tests file that pytest did not write is named, and no trace is made."""
    if content is not None:
        (shell.folder / "tests.xml").write_bytes(content)
    shell.refuses("trace", "--data", data, "--tests", "tests.xml", "--out", "trace.json", naming=("tests.xml",))

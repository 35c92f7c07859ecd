"""A file that calls data official which by its own fingerprints is not contradicts itself, and is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.core import official
from cifar_repro.runs.record import read_record
from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import Finished, edit
from tests.make_studies import HEADER, make_study, write_study

CONTRADICTIONS = {
    "official without the fingerprints": (
        {"official": True},
        "official is true, but the fingerprints are not those of official CIFAR-10",
    ),
    "official with one of the two": (
        {"official": True, "fingerprints": {**official.FINGERPRINTS, "test": "b" * 64}},
        "official is true",
    ),
    "both": ({"official": True, "reordered": True}, "official is true"),
    "another order with the fingerprints of the official one": (
        {"reordered": True, "fingerprints": official.FINGERPRINTS},
        "reordered is true",
    ),
}
every_contradiction = pytest.mark.parametrize(("data", "why"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)


def saying(data: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """A function that makes a record, a study or a header say this of its data."""
    return lambda content: content["data"].update(data)


@every_contradiction
def test_a_record_that_contradicts_itself_is_refused(shell: Shell, run: Path, data: dict[str, Any], why: str) -> None:
    """By whatever reads a record; the file, the place in it and what is wrong are named."""
    edit(run, saying(data))
    for command in (["run", "--resume", run], ["verify", run], ["verdict", run]):
        shell.refuses(*command, naming=(run / "record.json", "record.data is", why))


@every_contradiction
def test_a_study_that_contradicts_itself_is_refused(shell: Shell, data: dict[str, Any], why: str) -> None:
    """There is no verdict on it."""
    folder = write_study(shell.folder / "study", make_study([70, 71, 72], official=False))
    study = json.loads((folder / "study.json").read_text())
    saying(data)(study)
    (folder / "study.json").write_text(json.dumps(study))
    shell.refuses("verdict", folder, naming=(folder / "study.json", "study.data is", why), remedy=False)


@every_contradiction
def test_a_trace_that_contradicts_itself_is_refused(shell: Shell, data: dict[str, Any], why: str) -> None:
    """It is not compared with another."""
    path = shell.folder / "trace.jsonl"
    path.write_text(json.dumps({**HEADER, "data": {**HEADER["data"], **data}}) + "\n")
    shell.refuses("diff", path, path, naming=(path, "data is", why))


def test_a_record_of_other_images_does_not_become_official_by_a_word(run: Path) -> None:
    """What a run wrote of a binary folder reads as before: not official, and no entry more in the file."""
    content = json.loads((run / "record.json").read_text())
    assert content["data"]["official"] is False
    assert "reordered" not in content["data"]
    record = read_record(run)
    assert (record.data.official, record.data.reordered) == (False, False)


def test_official_images_that_an_earlier_version_did_not_know_are_known(run: Path, finished: Finished) -> None:
    """Earlier versions took md5 sums for it, so they called an unpacked binary version not official."""
    edit(run, saying({"fingerprints": official.FINGERPRINTS}))
    assert read_record(run).data.official is True
    assert read_record(finished.folder).data.official is False

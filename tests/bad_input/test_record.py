"""A record that is none, lacks an entry or has a senseless one is refused."""

import math
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import as_id, changed, edit


@pytest.mark.parametrize("what", ["missing", "empty", "file"])
def test_folder_without_a_record_is_not_resumed(shell: Shell, what: str) -> None:
    """A run folder that is not there, holds no record, or is a file, is named."""
    folder = shell.folder / "mine"
    if what == "empty":
        folder.mkdir()
    elif what == "file":
        folder.write_text("")
    shell.refuses("run", "--resume", folder, naming=(folder,))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"epoch 1", id="text"),
        pytest.param(b'{"schema": 1,', id="cut off"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"[1, 2]", id="list"),
        pytest.param(b"[]", id="empty list"),
        pytest.param(b"1", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b'{"schema": 1}', id="schema only"),
        pytest.param(b"[" * 100_000, id="nested without end"),
    ],
)
def test_record_that_is_none_is_not_resumed(shell: Shell, run: Path, content: bytes) -> None:
    """A record that is no JSON, or no object with a record's entries, is named."""
    (run / "record.json").write_bytes(content)
    shell.refuses("run", "--resume", run, naming=(run / "record.json",))


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_record_of_another_schema_is_not_resumed(shell: Shell, run: Path, schema: object) -> None:
    """A record of another schema is named, with its schema."""
    edit(run, changed(("schema",), schema))
    shell.refuses("run", "--resume", run, naming=(run / "record.json", "schema", repr(schema)))


@pytest.mark.parametrize(
    "path",
    [
        "schema",
        "status",
        "recipe",
        "recipe.name",
        "recipe.epochs",
        "recipe.overridden",
        "seeds",
        "seeds.order",
        "data",
        "data.kind",
        "data.official",
        "data.path",
        "data.fingerprints",
        "data.fingerprints.train",
        "data.counts",
        "data.counts.train.airplane",
        "data.counts.test.truck",
        "environment",
        "environment.device",
        "environment.threads",
        "environment.memory_format",
        "environment.torch",
        "environment.cpu",
        "epochs",
        "best",
        "stopped",
        "test",
    ],
)
def test_record_that_lacks_an_entry_is_not_resumed(shell: Shell, run: Path, path: str) -> None:
    """A record without an entry that going on needs is named, with the entry."""
    *above, name = path.split(".")

    def take_out(record: dict[str, Any]) -> None:
        for key in above:
            record = record[key]
        del record[name]

    edit(run, take_out)
    shell.refuses("run", "--resume", run, naming=(run, name))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipe", []),
        ("recipe.name", "mnist"),
        ("recipe.name", []),
        ("recipe.epochs", -1),
        ("recipe.learning_rate", "fast"),
        ("recipe.overridden", 1),
        ("recipe.overridden", ["foo"]),
        ("seeds", []),
        ("seeds.order", -1),
        ("seeds.order", 0.5),
        ("status", "fine"),
        ("data", []),
        ("data.path", 1),
        ("data.fingerprints", None),
        ("environment", []),
        ("environment.device", "tpu"),
        ("environment.device", 0),
        ("environment.threads", "one"),
        ("environment.threads", 0),
        ("environment.threads", True),
        ("environment.threads", None),
        ("environment.memory_format", "diagonal"),
        ("environment.memory_format", []),
        ("epochs", 2),
        ("epochs", [1, 2]),
        ("epochs", [{}, {}]),
        ("epochs", None),
        ("stopped", "yes"),
        ("stopped", {"epoch": 1}),
        ("test", {"loss": 2.3}),
    ],
    ids=as_id,
)
def test_record_with_a_senseless_entry_is_not_resumed(shell: Shell, run: Path, path: str, value: object) -> None:
    """A record with an entry of the wrong kind, or with a value that makes no sense, is refused."""
    edit(run, changed(tuple(path.split(".")), value))
    line = shell.refuses("run", "--resume", run, naming=())
    assert any(part in line for part in (str(run), *path.split("."))), line


@pytest.mark.parametrize("value", ["low", True], ids=as_id)
def test_record_with_a_loss_that_is_no_number_is_not_verified(shell: Shell, run: Path, value: object) -> None:
    """A record whose loss was made something else is refused before anything is trained, and names it."""
    edit(run, lambda record: record["epochs"][1].update(train_loss=value))
    shell.refuses("verify", run, naming=(run / "record.json", "epochs[1].train_loss", value))


@pytest.mark.parametrize("value", [math.nan, -math.inf], ids=as_id)
def test_record_with_a_number_that_json_does_not_have_is_not_resumed(shell: Shell, run: Path, value: float) -> None:
    """A record with a NaN or an infinity is refused, even in an entry that nothing needs: it could not be printed."""
    edit(run, changed(("environment", "platform"), value))
    shell.refuses("run", "--json", "--resume", run, naming=(run / "record.json", "no finite number"))

"""docs/record.schema.json, by which others read records, is that of the classes."""

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_schema_is_that_of_the_classes() -> None:
    """Whoever changes what a record holds is told to write the file again."""
    made = runpy.run_path(str(ROOT / "tools" / "record_schema.py"))["record_schema"]()
    written = json.loads((ROOT / "docs" / "record.schema.json").read_text())
    assert written == made, "write it again: python tools/record_schema.py"


def test_the_schema_knows_the_entries_of_a_record() -> None:
    """It is of a record, with its epochs and the code that ran; a time is a time."""
    parts = json.loads((ROOT / "docs" / "record.schema.json").read_text())["$defs"]
    assert {"recipe", "code", "epochs", "test"} <= set(parts["Record"]["properties"])
    assert {"type": "string", "format": "date-time"} in parts["Record"]["properties"]["started"]["anyOf"]
    assert parts["Code"]["required"] == ["version", "commit", "changed", "source_sha256"]

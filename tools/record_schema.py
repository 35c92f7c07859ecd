"""Writes docs/record.schema.json, the JSON Schema of a run's record.json, from the classes that read it.

python tools/record_schema.py
"""

import json
from pathlib import Path
from typing import Any

from msgspec.json import schema

from cifar_repro.runs.record import Record

FILE = Path(__file__).parents[1] / "docs" / "record.schema.json"


def record_schema() -> dict[str, Any]:
    """What the file must hold."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_unbroken(schema(Record))}


def _unbroken(value: Any) -> Any:
    """With each description, which is a docstring, in one line: Python 3.13 and later strip their indentation."""
    if isinstance(value, list):
        return [_unbroken(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: " ".join(each.split()) if name == "description" and isinstance(each, str) else _unbroken(each)
        for name, each in value.items()
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(record_schema(), indent=1) + "\n")

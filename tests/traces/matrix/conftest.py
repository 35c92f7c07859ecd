"""Trace files of a training of two steps."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import make_studies
from tests.traces.matrix.files import ENVIRONMENT, Make, entries


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

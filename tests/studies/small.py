"""A study that takes a second."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from cifar_repro.core.recipe import RECIPES
from cifar_repro.studies.study import Plan

RECIPE = RECIPES["udacity"].with_changes({"epochs": 2})


def plan(folder: Path, **changes: Any) -> Plan:
    return replace(Plan(folder, RECIPE, seeds=3), **changes)


def without_seconds(path: Path) -> dict[str, Any]:
    """A study.json or record.json but for the seconds, and for when it was."""
    content: dict[str, Any] = {**json.loads(path.read_text()), "started": None, "ended": None}
    for run in content.get("runs", [content]):
        for epoch in run["epochs"]:
            del epoch["train_seconds"], epoch["valid_seconds"]
    return content

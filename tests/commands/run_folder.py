"""What a run leaves in its folder."""

import json
from pathlib import Path
from typing import Any

FIGURES = {"training_batch", "channel_values", "loss_curves", "confusion_matrix", "per_class_accuracy", "predictions"}


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return record

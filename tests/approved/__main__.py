"""Writes the approved answers of all scenes anew, and says which changed."""

import os
import tempfile

from tests.approved import FOLDER, answered
from tests.approved.scenes import SCENES

for name, scene in SCENES.items():
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        text = answered(scene)
        os.chdir(before)
    path = FOLDER / f"{name}.txt"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"{path.name} changed")

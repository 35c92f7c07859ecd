"""What tox runs in an environment of one torch version: the test suite and a trace, into reports/ENV.json.

    python tests/version_report.py ENV [pytest options]

ENV is the name of the environment, such as py311-torch214. Both results are written however the suite ends; the exit
status is that of the suite, or of the trace where the suite passed.
"""

import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

TRACE = ["--data", "synthetic", "--seed", "0", "--threads", "1", "--steps", "20", "--device", "cpu"]


def check_versions(environment: str, python: str, torch_version: str) -> None:
    """Ends the process with a line that names both versions, unless they are those that the environment is named by."""
    for name, factor, found in (("python", "py", python), ("torch", "torch", torch_version)):
        wanted = next((part for part in environment.split("-") if part.startswith(factor)), None)
        major, minor, *_ = found.split(".")
        if wanted != f"{factor}{major}{minor}":
            sys.exit(f"{environment}: {name} {found} is installed, but the environment's factor is {wanted}")


def main(environment: str, *options: str) -> int:
    check_versions(environment, platform.python_version(), torch.__version__)
    report = Path("reports") / f"{environment}.json"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        tests = f"{folder}/tests.xml"
        suite = subprocess.call([sys.executable, "-m", "pytest", f"--junit-xml={tests}", *options])
        command = [sys.executable, "-m", "cifar_repro", "trace", *TRACE, "--tests", tests, "--out", str(report)]
        traced = subprocess.call(command)
    return suite or traced


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The kill matrix of the wings, as Markdown: `python -m tests.wing_matrix > docs/kill-matrix-wings.md`.

    python -m tests.wing_matrix [WORD...]

Each fault of tests/wing_faults.py is planted in a copy of this repository, and the test that is named for it is run
there; each harmless change is made, and all tests of its wing are run. WORD: only changes whose name or module has it.
Progress goes to stderr. Exit status 1 where a fault is not found, or a harmless change is minded.
"""

import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from queue import Queue

from tests.audits.forked import run_pytest
from tests.wing_faults import FAULTS, HARMLESS, Fault

ROOT = Path(__file__).parents[1]
PLUGINS = ["cifar_repro.audits.pytest_plugin", "pytest_benchmark.plugin", "pytest_timeout"]
FOUND, PASSED = 1, 0  # exit statuses of pytest: some tests failed, all passed

HEAD = """# The kill matrix of the wings

Made by `python -m tests.wing_matrix`. Each fault is a small change of the package's own text (`tests/wing_faults.py`);
the test that is named for it must fail on it, and passes without. What is harmless must pass all tests of its wing.
Faults of the core are in [its own matrix](kill-matrix.md).

**{found} of {faults} faults are found; {passed} of {harmless} harmless changes pass all tests of their wing.**
"""


@dataclass(frozen=True)
class Answer:
    """What pytest made of a change: its exit status, and the first message of a test that failed."""

    status: int
    message: str


def main() -> int:
    words = sys.argv[1:]
    chosen = [[c for c in changes if _meant(c, words)] for changes in (FAULTS, HARMLESS)]
    faults, harmless = chosen
    with tempfile.TemporaryDirectory() as scratch:
        copies = _copies(Path(scratch), cpu_count() or 1)
        named = sorted({fault.tests for fault in faults})
        before = _run(_any(copies), named) if named else Answer(PASSED, "")
        if before.status != PASSED:
            print(f"the tests fail without any fault: {before.message}", file=sys.stderr)
            return 1
        with ThreadPoolExecutor(copies.qsize()) as pool:
            answers = list(pool.map(lambda change: _answer(change, copies), [*faults, *harmless]))
    of_faults, of_harmless = answers[: len(faults)], answers[len(faults) :]
    found = sum(answer.status == FOUND for answer in of_faults)
    passed = sum(answer.status == PASSED for answer in of_harmless)
    print(HEAD.format(found=found, faults=len(faults), passed=passed, harmless=len(harmless)))
    for wing in dict.fromkeys(fault.wing for fault in faults):
        print(f"## {wing}\n\n| fault | found by | which claims |\n|---|---|---|")
        for fault, answer in zip(faults, of_faults, strict=True):
            if fault.wing == wing:
                found_by = f"`{fault.tests}`" if answer.status == FOUND else "**nothing: not found**"
                print(f"| {fault.name} | {found_by} | {_cell(_claim(fault.tests))} |")
        print()
    print("## Harmless changes\n\n| change | wing | tests that fail |\n|---|---|---|")
    for change, answer in zip(harmless, of_harmless, strict=True):
        print(f"| {change.name} | {change.wing} | {'none' if answer.status == PASSED else _cell(answer.message)} |")
    return 0 if (found, passed) == (len(faults), len(harmless)) else 1


def _meant(change: Fault, words: Sequence[str]) -> bool:
    return not words or any(word in change.name or word in change.module for word in words)


def _copies(scratch: Path, count: int) -> "Queue[Path]":
    """Copies of all files that git knows, each for one change at a time."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    copies: Queue[Path] = Queue()
    for number in range(count):
        folder = scratch / str(number)
        for name in filter(None, listed.stdout.decode().split("\n")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
        copies.put(folder)
    return copies


@contextmanager
def _planted(folder: Path, change: Fault) -> Iterator[None]:
    file = folder / "cifar_repro" / change.module
    text = file.read_text(encoding="utf-8")
    file.write_text(change.planted(text), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def _any(copies: "Queue[Path]") -> Path:
    folder = copies.get()
    copies.put(folder)
    return folder


def _answer(change: Fault, copies: "Queue[Path]") -> Answer:
    folder = copies.get()
    try:
        with _planted(folder, change):
            answer = _run(folder, change.tests.split())
    finally:
        copies.put(folder)
    print(f"{change.wing}: {change.name}: {answer.status} {answer.message}", file=sys.stderr, flush=True)
    return answer


def _run(folder: Path, tests: Sequence[str]) -> Answer:
    arguments = ["-q", "--tb=line", "-p", "no:cacheprovider", *(word for p in PLUGINS for word in ("-p", p))]
    done = run_pytest([*arguments, *(f"tests/{test}" for test in tests)], folder, [])
    failed = re.search(r"^E +(.+)$", done.stdout, re.MULTILINE)
    return Answer(done.returncode, failed[1] if failed else done.stdout.strip().rpartition("\n")[2])


def _claim(test: str) -> str:
    """The docstring of a test."""
    name, _, function = test.partition("::")
    tree = ast.parse((ROOT / "tests" / name).read_text(encoding="utf-8"))
    (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    return ast.get_docstring(found) or ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())

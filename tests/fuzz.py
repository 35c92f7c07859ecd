"""Damages files of every kind at random, gives them to the commands that read them, and counts what is right and wrong.

    python -m tests.fuzz [--files 1000] [--seed 0] [--only WORD]

Right: the command takes the file, whose damage may leave a meaning; or it ends with status 2 and one line that names
the file and has no control characters, and all files stay as they were. Wrong: a traceback; another line, or none; a
changed file; a minute; and, of a file that has a digest of its own, any other result than that of the whole one.
Exit status 1 where something was wrong.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import stat
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from safetensors.torch import save_file

from cifar_repro.cli import main as cifar_repro
from cifar_repro.core.data import load_cifar10
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.runs.run import Run
from tests import make_data
from tests.traces.matrix.files import gate
from tests.workers import draw_nothing, in_this_process

SECONDS = 60
STUDY = "study --out study --seeds 2 --epochs 1 --data images --device cpu --threads 1"
# What no entry of a file should be, and what some programs make of it.
HOSTILE: list[Any] = [
    *(None, True, -1, 0, 2**63, 10**30, 1e308, 0.5, -0.0, "", "x", "\ud800", "\x1b[31m\x9b\x00", "/dev/zero", ".."),
    *("x" * 10_000, [], {}, [[[[]]]], {"x": None}),
]


@dataclass(frozen=True)
class Case:
    """A kind of file, and the commands that read it; all below the folder that `make_files` fills.

    sealed: a digest tells any damage of it, so no damaged one may give another result.
    """

    file: str
    commands: tuple[str, ...]
    sealed: bool = False


CASES = (
    Case("run/record.json", ("report run", "verdict run", "evaluate run --data images", "run --resume run")),
    Case("run/model_cifar.pt", ("evaluate run --data images --json", "report run --data images"), sealed=True),
    Case("begun/last.pt", ("run --resume begun",), sealed=True),
    Case("begun/last.pt", ("evaluate begun/last.pt --data images",)),
    Case("begun/record.json", ("run --resume begun", "verify begun --epochs 1")),
    Case("begun/metrics.jsonl", ("run --resume begun",)),
    Case("weights.pt", ("evaluate weights.pt --data images",)),
    Case("weights.safetensors", ("evaluate weights.safetensors --data images",)),
    Case("study/study.json", ("verdict study", "report study", "verdict study --against run")),
    Case("study/seed-1/record.json", (STUDY,)),
    Case("study/seed-1/model_cifar.pt", (STUDY,), sealed=True),
    Case("trace.jsonl", ("diff trace.jsonl other.jsonl", "matrix trace.jsonl same.jsonl")),
    Case("trace.jsonl.npz", ("diff trace.jsonl other.jsonl",), sealed=True),
    Case("gate.json", ("matrix trace.jsonl gate.json",)),
    Case("tests.xml", ("trace --data images --steps 1 --tests tests.xml --out new.jsonl",)),
    Case("images/cifar-10-batches-bin/data_batch_2.bin", ("data images", "evaluate weights.pt --data images")),
    Case("archive/cifar-10-binary.tar.gz", ("data archive",)),
    Case("python/cifar-10-batches-py/data_batch_3", ("data python",), sealed=True),
    Case("pictures/train/cat/00000.png", ("data pictures",)),
)


@dataclass(frozen=True)
class Answer:
    """How a command ended. status: its exit status, or what it raised."""

    status: int | str
    out: str
    err: str


def make_files(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """One whole file of each kind."""
    images = make_data.tiny_set(per_batch=20, test=20)
    make_data.publish_python(patch, images)
    for name, write in (
        ("images", make_data.write_binary_folder),
        ("archive", make_data.write_binary_archive),
        ("python", make_data.write_python_folder),
        ("pictures", make_data.write_image_folder),
    ):
        (folder / name).mkdir()
        write(folder / name, images)
    some = sorted((folder / "pictures" / "train").rglob("*.png"))[0]
    (folder / "pictures" / "train" / "cat").mkdir(exist_ok=True)
    shutil.copy(some, folder / "pictures" / "train" / "cat" / "00000.png")
    for line in (
        "run --data images --epochs 2 --threads 1 --out run",
        STUDY,
        "trace --data images --steps 1 --threads 1 --tensors all --out trace.jsonl",
        "trace --data images --steps 1 --threads 1 --tensors all --seed 1 --out other.jsonl",
    ):
        answer = call(line)
        assert answer.status == 0, f"{line}: {answer.err}"
    begin(folder)
    shutil.copy(folder / "run" / "model_cifar.pt", folder / "weights.pt")
    save_file(torch.load(folder / "weights.pt", weights_only=True), folder / "weights.safetensors")
    environment = json.loads((folder / "trace.jsonl").read_text().splitlines()[0])["environment"]
    gate(folder / "gate.json", environment, environment)
    shutil.copy(folder / "trace.jsonl", folder / "same.jsonl")
    cases = "<testcase/><testcase><failure/></testcase>"
    (folder / "tests.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")


def begin(folder: Path) -> None:
    """A run of two epochs that was interrupted after the first."""

    class Interrupted(Exception):
        pass

    def after_epoch(*_: object) -> NoReturn:
        raise Interrupted

    torch.set_num_threads(1)
    recipe = RECIPES["udacity"].with_changes({"epochs": 2})
    data = load_cifar10("images")
    run = Run.start(folder / "begun", recipe, Seeds.all(0), data, torch.device("cpu"), "contiguous")
    with contextlib.suppress(Interrupted):
        run.train(after_epoch)


def call(line: str, seconds: int = 0) -> Answer:
    """Runs a command in this process, for at most so many seconds; 0: as long as it takes."""
    written = [io.BytesIO(), io.BytesIO()]
    streams = [io.TextIOWrapper(each, encoding="utf-8", write_through=True) for each in written]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]), alarm(seconds):
        status: int | str
        try:
            status = cifar_repro(line.split())
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else str(stop.code)
        except BaseException as error:
            at = error.__traceback__
            while at is not None and at.tb_next is not None:
                at = at.tb_next
            where = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else "?"
            status = f"{type(error).__name__} in {where}: {error!r:.200}"
    said = [each.getvalue().decode(errors="backslashreplace") for each in written]
    return Answer(status, *said)


@contextlib.contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """After so many seconds inside, TimeoutError is raised; 0: never."""
    if not seconds:
        yield
        return

    def late(*_: object) -> NoReturn:
        raise TimeoutError(f"{seconds} seconds are over")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def damage(path: Path, rng: random.Random, others: list[Path]) -> str:
    """Damages a file; returns in what way."""
    if rng.random() < 0.1:
        return not_a_file(path, rng)
    content = path.read_bytes()
    if path.suffix in (".json", ".jsonl") and rng.random() < 0.6:
        changed, what = another_entry(content, path.suffix == ".jsonl", rng)
    else:
        changed, what = other_bytes(content, rng, others)
    path.unlink()  # and not written over, which would reach the whole one
    path.write_bytes(changed)
    return what


def not_a_file(path: Path, rng: random.Random) -> str:
    """Something else in its place, or nothing."""
    path.unlink()
    what = rng.choice(["nothing", "a folder", "a FIFO", "a link to itself", "a link to /dev/zero"])
    if what == "a folder":
        path.mkdir()
    elif what == "a FIFO":
        os.mkfifo(path)
    elif what.startswith("a link"):
        path.symlink_to(path.name if what == "a link to itself" else "/dev/zero")
    return what


def other_bytes(content: bytes, rng: random.Random, others: list[Path]) -> tuple[bytes, str]:
    start = rng.randrange(len(content) + 1)
    end = min(len(content), start + rng.choice([1, 4, 64, 4096]))
    middle = {
        "bytes": rng.randbytes(end - start),
        "without a piece": b"",
        "more": content[start:end] + rng.randbytes(8),
        "a piece twice": content[start:end] * 2,
        "zeros": bytes(end - start),
    }
    what = rng.choice([*middle, "a bit", "cut", "empty", "another file"])
    if what in middle:
        return content[:start] + middle[what] + content[end:], f"{what} at {start}"
    if what == "cut":
        return content[:start], f"cut at {start}"
    if what == "another file":
        other = rng.choice(others)
        return other.read_bytes(), f"{other.name} in its place"
    if what == "empty":
        return b"", what
    at = min(start, len(content) - 1)
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :], f"a bit at {at}"


def another_entry(content: bytes, lines: bool, rng: random.Random) -> tuple[bytes, str]:
    """A hostile value in place of an entry of a JSON file, or of one line of it; or without the entry."""
    rows = content.split(b"\n")
    number = rng.randrange(max(1, len(rows) - 1)) if lines else 0
    tree = json.loads(rows[number] if lines else content)
    holder, key, name = tree, None, ""
    while isinstance(holder, (dict, list)) and holder:
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        name += f".{key}"
        if not isinstance(holder[key], (dict, list)) or not holder[key] or rng.random() < 0.3:
            break
        holder = holder[key]
    value = rng.choice(HOSTILE)
    if key is not None and rng.random() < 0.2:
        del holder[key]
        what = f"without {name}"
    elif key is not None:
        holder[key] = value
        what = f"{name} is {value!r:.40}"
    else:
        tree, what = value, f"it is {value!r:.40}"
    text = json.dumps(tree).encode()
    return (b"\n".join([*rows[:number], text, *rows[number + 1 :]]) if lines else text), what


def contents(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of the last change of each regular file, but for locks."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and path.name != ".lock":
            found[str(path.relative_to(folder))] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def complaint(
    case: Case, answer: Answer, same: bool, before: dict[str, tuple[int, int, int]], folder: Path
) -> str | None:
    """What is wrong with an answer; None where it is right. same: whether it is that on the whole file."""
    if answer.status not in (0, 1, 2, 3):
        return str(answer.status)
    said = [c for c in answer.out + answer.err if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    if said:
        return f"control characters: {said[:5]}"
    if answer.status != 2:
        # A report without pictures, and a trace without kept tensors, say so.
        without = "There are no pictures" in answer.out or not (folder / case.file).is_file()
        bad = case.sealed and not same and not without
        return f"taken, with another result: {answer.out[-200:]!r}" if bad else None
    lines = answer.err.splitlines()
    if len(lines) != 1 or not lines[0].startswith("cifar-repro: "):
        return f"{len(lines)} lines: {answer.err[-300:]!r}"
    named = [Path(case.file).name, *(str(parent) for parent in Path(case.file).parents if str(parent) != ".")]
    if not any(name in lines[0] for name in named):
        return f"the file is not named: {lines[0]}"
    if (after := contents(folder)) != before:
        return f"files changed: {sorted(name for name, _ in before.items() ^ after.items())}"
    return None


def came_to(line: str, answer: Answer, folder: Path) -> tuple[int | str, str]:
    """The status of a command, and the weights of a run that went on, else what was printed."""
    if answer.status == 0 and line == "run --resume begun":
        epochs = json.loads((folder / "begun" / "record.json").read_text())["epochs"]
        return 0, ", ".join(epoch["weights_sha256"] for epoch in epochs)
    return answer.status, answer.out


def fuzz(files: int, seed: int, only: str = "", seconds: int = 0) -> Counter[str]:
    """Counts by kind of file, "right" and "wrong"; each wrong one is told on stderr. seconds: for each command."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    cases = [case for case in CASES if only in case.file]
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr("cifar_repro.studies.jobs.run_here", in_this_process)
        draw_nothing(patch)
        original, folder = Path(scratch) / "whole", Path(scratch) / "damaged"
        original.mkdir()
        os.chdir(original)
        try:
            make_files(original, patch)
            others = [original / case.file for case in CASES]
            untouched = contents(original)
            whole: dict[str, tuple[int | str, str]] = {}
            for number in range(files):
                case = cases[number % len(cases)]
                line = rng.choice(case.commands)
                for what in ([] if line in whole else ["whole"]) + ["damaged"]:
                    os.chdir(original)
                    shutil.rmtree(folder, ignore_errors=True)
                    shutil.copytree(original, folder, copy_function=os.link)  # as what is written comes by a rename
                    os.chdir(folder)
                    how = damage(folder / case.file, rng, others) if what == "damaged" else ""
                    before = contents(folder)
                    answer = call(line + (" --out new.html" if line.startswith("report") else ""), seconds)
                    result = came_to(line, answer, folder)
                    if what == "whole":
                        assert answer.status in (0, 1, 3), f"{line}: {answer}"
                        whole[line] = result
                wrong = complaint(case, answer, result == whole[line], before, folder)
                counts[f"{case.file}: {'wrong' if wrong else 'right'}"] += 1
                counts["wrong" if wrong else "right"] += 1
                if wrong:
                    print(f"{number}: {case.file}, {how}: {line}: {wrong}", file=sys.stderr)
            assert contents(original) == untouched, "a command wrote into a file in place"
        finally:
            os.chdir(home)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", metavar="WORD", help="files whose path has it")
    options = parser.parse_args()
    counts = fuzz(options.files, options.seed, options.only, SECONDS)
    for name, count in sorted(counts.items()):
        print(f"{count:6} {name}")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""Stops studies at random moments, goes on with them, and compares them with one that was never stopped.

    python tests/study_equality.py [--stops 6] [--cluster] [--seed 0]

A study is a process of its own (`python -m cifar_repro study`, synthetic images, 4 seeds of 3 epochs, 2 processes). It
is stopped once by SIGINT, SIGTERM or SIGKILL in turn, at a moment drawn evenly from the time that the undisturbed study
takes. No process may be left ten seconds later; SIGINT and SIGTERM must give exit status 130 and one line that says how
to go on. Then the same command must end with the same study.json (seconds aside) and the same weights.

--cluster: does the study also on a real Ray cluster of this machine with two CPUs, undisturbed, with a worker killed by
SIGKILL while it trains, and with the study killed and gone on with; every record, weight and study.json must be equal
to the local ones. Needs the extra `cluster`. Exit status 0 if all is equal, else 1. Linux only.
"""

import argparse
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from kill_and_resume import write_images

from cifar_repro.core.checkpoint import weights_digest

SEEDS, EPOCHS = 4, 3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def command(data: Path, out: Path, *more: str) -> list[str]:
    study = [sys.executable, "-m", "cifar_repro", "study", "--data", str(data), "--out", str(out)]
    return [*study, "--seeds", str(SEEDS), "--epochs", str(EPOCHS), *(more or ("--jobs", "2"))]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Where this script runs in the background, SIGINT is ignored, and would be by all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


def descendants(process: int) -> dict[int, str]:
    """The processes below that one: id and command line."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found: dict[int, str] = {}
    level = [process]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found |= {child: command_line(child) for child in level}
    return found


def left(processes: dict[int, str]) -> dict[int, str]:
    """Those that run on after ten seconds."""
    deadline = time.monotonic() + 10
    while processes and time.monotonic() < deadline:
        time.sleep(0.2)
        processes = {pid: name for pid, name in processes.items() if command_line(pid)}
    return processes


def command_line(process: int) -> str:
    """Empty where that process has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def outcome(folder: Path) -> dict[str, Any]:
    """All that must be equal."""
    study = json.loads((folder / "study.json").read_text())
    records = [json.loads((folder / f"seed-{seed}" / "record.json").read_text()) for seed in range(SEEDS)]
    for record in records:
        del record["started"], record["ended"]
    for run in [*study["runs"], *records]:
        for epoch in run["epochs"]:
            del epoch["train_seconds"], epoch["valid_seconds"]
    lasts = [torch.load(folder / f"seed-{seed}" / "last.pt", weights_only=True) for seed in range(SEEDS)]
    bests = [torch.load(folder / f"seed-{seed}" / "model_cifar.pt", weights_only=True) for seed in range(SEEDS)]
    return {
        "study": study,
        "records": records,
        "best": [weights_digest(best) for best in bests],
        "last": [weights_digest(last[name]) for last in lasts for name in ("network", "best_weights", "global")],
        "generators": [last["order"].tolist() for last in lasts],
        "files": sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix != ".tmp"),
    }


def stopped(arguments: list[str], number: int, moment: float) -> list[str]:
    """Starts a study and stops it; what was wrong with how it ended."""
    study = start(arguments)
    try:
        study.wait(moment)
    except subprocess.TimeoutExpired:
        below = descendants(study.pid)
        study.send_signal(number)
    else:
        below = {}
    _, said = study.communicate()
    wrong = [f"left running: {name}" for name in left(below).values()]
    if below and number != signal.SIGKILL and study.returncode != 0:  # begun, and not at its very end
        if study.returncode != 130:
            wrong.append(f"exit status {study.returncode}")
        if not re.fullmatch(r"cifar-repro: interrupted: .*go on with the same command\n", said):
            wrong.append(f"stderr {said!r}")
    return wrong


def goes_on(arguments: list[str], out: Path, expected: dict[str, Any]) -> list[str]:
    """Goes on with a study; what is not as expected."""
    ended = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        return [f"going on: exit status {ended.returncode}: {ended.stderr}"]
    here = outcome(out)
    return [f"{name} differs" for name in expected if here[name] != expected[name]]


@contextmanager
def cluster() -> Iterator[tuple[str, int]]:
    """A Ray cluster with two CPUs: its address, and the process that is above all of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--head", "--block", f"--port={port}", "--num-cpus=2", "--include-dashboard=false"]
    # For the cluster and for the studies; without it the answer would depend on whether Ray ever ran on this machine.
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    head = subprocess.Popen(
        [str(Path(sys.executable).with_name("ray")), "start", "--node-ip-address=127.0.0.1", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not any("raylet" in name for name in descendants(head.pid).values()):
            time.sleep(0.5)
        time.sleep(3)
        yield f"127.0.0.1:{port}", head.pid
    finally:
        head.terminate()
        head.wait()


def loses_a_worker(arguments: list[str], above: int) -> list[str]:
    """Does a study on a cluster and kills the first worker that trains, a second after it began to."""
    study = start(arguments)
    killed = False
    while study.poll() is None:
        at_work = [pid for pid, name in descendants(above).items() if name.startswith("ray::_task")]
        if at_work and not killed:
            time.sleep(1)
            os.kill(at_work[0], signal.SIGKILL)
            killed = True
        time.sleep(0.1)
    _, said = study.communicate()
    return [] if killed and study.returncode == 0 else [f"a worker killed: {killed}; {study.returncode}: {said}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=6, help="studies to stop (default: 6)")
    parser.add_argument("--cluster", action="store_true", help="also on a Ray cluster")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments (default: 0)")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    failures = 0

    def tell(what: str, wrong: list[str]) -> None:
        nonlocal failures
        failures += bool(wrong)
        print(f"{what}: {'; '.join(wrong) or 'identical'}", flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        write_images(data)
        begun = time.perf_counter()
        subprocess.run(command(data, Path(scratch) / "whole"), check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begun
        expected = outcome(Path(scratch) / "whole")
        print(f"an undisturbed study takes {seconds:.1f} s", flush=True)
        for stop in range(options.stops):
            out, moment, number = Path(scratch) / f"stop{stop}", moments.uniform(0, seconds), SIGNALS[stop % 3]
            wrong = stopped(command(data, out), number, moment)
            done = [len(json.loads(path.read_text())["epochs"]) for path in sorted(out.glob("seed-*/record.json"))]
            wrong += goes_on(command(data, out), out, expected)
            tell(f"{number.name} at {moment:5.1f} s, with {done} epochs done", wrong)
        if options.cluster:
            with cluster() as (address, above):
                out = Path(scratch) / "ray"
                on_ray = command(data, out, "--cluster", address)
                tell("on Ray", goes_on(on_ray, out, expected))
                out = Path(scratch) / "ray-lost"
                on_ray = command(data, out, "--cluster", address)
                wrong = loses_a_worker(on_ray, above)
                tell("on Ray, a worker killed", wrong + goes_on(on_ray, out, expected))
                out = Path(scratch) / "ray-killed"
                on_ray = command(data, out, "--cluster", address)
                begun = time.perf_counter()
                wrong = stopped(on_ray, signal.SIGKILL, seconds * 0.7)
                done = [path.parent.name for path in sorted(out.glob("seed-*/record.json"))]
                wrong += goes_on(on_ray, out, expected)
                tell(f"on Ray, the study killed with {done} done, gone on with there", wrong)
    print("all equal" if not failures else f"{failures} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

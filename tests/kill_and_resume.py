"""Kills runs with SIGKILL at random moments, resumes them, and compares them with a run that was never killed.

    python tests/kill_and_resume.py [--kills 20] [--seed 0]

Each run is a process of its own (`python -m cifar_repro run`, synthetic images, 8 epochs); it is killed once, at a
moment drawn evenly from the time that the undisturbed run takes, and then resumed. Exit status 0 if every one ends with
the same record (seconds aside), the same weights in `model_cifar.pt` and the same state in `last.pt`; else 1.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifar_repro.core.checkpoint import weights_digest
from cifar_repro.core.data import synthetic

EPOCHS = 8


def command(folder: Path, data: Path, *more: str) -> list[str]:
    run = [sys.executable, "-m", "cifar_repro", "run", "--data", str(data), "--threads", "1", *more]
    return run if "--resume" in more else [*run, "--epochs", str(EPOCHS), "--out", str(folder)]


def write_images(folder: Path) -> None:
    """2,000 training and 400 test images of the synthetic set in the binary layout: an epoch takes about a second."""
    images = synthetic(train=2_000, test=400)
    (folder / "cifar-10-batches-bin").mkdir()
    parts = {f"data_batch_{k + 1}": (images.train, slice(400 * k, 400 * (k + 1))) for k in range(5)}
    for name, (part, chosen) in {**parts, "test_batch": (images.test, slice(400))}.items():
        rows = np.column_stack([part.labels[chosen].numpy(), part.images[chosen].flatten(1).numpy()])
        rows.astype(np.uint8).tofile(folder / "cifar-10-batches-bin" / f"{name}.bin")


def outcome(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "record.json").read_text())
    last = torch.load(folder / "last.pt", weights_only=True)
    del record["started"], record["ended"]
    for epoch in [*record["epochs"], *last["epochs"]]:
        del epoch["train_seconds"], epoch["valid_seconds"]
    return {
        "record": record,
        "best": weights_digest(torch.load(folder / "model_cifar.pt", weights_only=True)),
        "last": [weights_digest(last[name]) for name in ("network", "best_weights", "global")],
        "generator": last["order"].tolist(),
        "epochs": last["epochs"],
        "figures": sorted(path.name for path in (folder / "figures").iterdir()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="runs to kill (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments (default: 0)")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    equal = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_images(folder)
        start = time.perf_counter()
        subprocess.run(command(folder / "whole", folder), check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        expected = outcome(folder / "whole")
        print(f"an undisturbed run takes {seconds:.1f} s", flush=True)
        for kill in range(1, options.kills + 1):
            run, moment = folder / f"run{kill}", moments.uniform(0, seconds)
            process = subprocess.Popen(command(run, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(moment)
            process.kill()
            process.wait()
            record = run / "record.json"
            done = len(json.loads(record.read_text())["epochs"]) if record.exists() else None
            again = command(run, folder) if done is None else command(run, folder, "--resume", str(run))
            resumed = subprocess.run(again, stdout=subprocess.DEVNULL)
            same = resumed.returncode == 0 and outcome(run) == expected
            equal += same
            state = "before its record was written" if done is None else f"after {done} of {EPOCHS} epochs"
            verdict = "identical" if same else "DIFFERENT"
            print(f"{kill:3}: killed at {moment:5.2f} s, {state}: resumed, {verdict}", flush=True)
    print(f"{equal} of {options.kills} identical to the run that was never killed")
    return 0 if equal == options.kills else 1


if __name__ == "__main__":
    sys.exit(main())

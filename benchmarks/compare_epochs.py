"""One epoch (training and validation) of the lesson's own loop against the engine, interleaved.

    python -m benchmarks.compare_epochs --data FOLDER [--threads 2] [--rounds 3]

Runs A B C A B C ... in one process after a short warm-up of each, and prints every time and the median over the rounds
of the ratio to the lesson's loop in the same round: machines drift, ratios within a round less so.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks import tutorial
from cifar_repro.core.data import ImageSet, load_cifar10
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.seeding import make_deterministic
from cifar_repro.core.training import fit

ONE = RECIPES["udacity"].with_changes({"epochs": 1})


def lesson(data: ImageSet) -> float:
    """Seconds of an epoch of the lesson's loop; its data set is built before the clock starts."""
    steps = tutorial.train(data, ONE, Seeds())
    next(steps)  # the first step builds loaders and network; the engine's clock starts after them, too
    start = time.perf_counter()
    for _ in steps:
        pass
    return time.perf_counter() - start


def engine(memory_format: str) -> Callable[[ImageSet], float]:
    def run(data: ImageSet) -> float:
        epoch = fit(ONE, Seeds(), data, memory_format=memory_format).epochs[0]
        return epoch.train_seconds + epoch.valid_seconds

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="auto", help="as in cifar-repro run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    make_deterministic(options.threads)
    data = load_cifar10(options.data).train
    candidates = {"lesson": lesson, "contiguous": engine("contiguous"), "channels_last": engine("channels_last")}
    print(f"{len(data):,} images, {options.threads} threads, torch {torch.__version__}", flush=True)
    few = ImageSet(data.images[:1_000], data.labels[:1_000])
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for run in candidates.values():
        run(few)
    for number in range(1, options.rounds + 1):
        for name, run in candidates.items():
            seconds[name].append(run(data))
        times = ", ".join(f"{name} {seconds[name][-1]:.1f} s" for name in candidates)
        print(f"round {number}: {times}", flush=True)
    for name in candidates:
        ratios = [base / own for base, own in zip(seconds["lesson"], seconds[name], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:14} {statistics.median(ratios):.2f} times as fast as the lesson's loop ({spread})")


if __name__ == "__main__":
    main()

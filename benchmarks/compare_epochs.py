"""One epoch (training and validation) of the lesson's own loop, the engine, PyTorch Lightning and Keras, interleaved.

    python -m benchmarks.compare_epochs --data FOLDER [--threads 2] [--rounds 3] [--images N]

Runs A B C A B C ... in one process after a short warm-up of each, and prints every time and the median over the rounds
of the ratio to the lesson's loop in the same round: machines drift, ratios within a round less so. "Seeds" trains as
many seeds at once as there are threads, one single-threaded process each; its time is that of an epoch of all of them.
Peak memory is that of a process of its own for each, data included.
"""

import argparse
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import torch

from benchmarks import measures
from benchmarks.epochs import ONE, OWN, Candidate, epoch_flops
from benchmarks.peers import PEERS, missing
from cifar_repro.core.data import ImageSet, load_cifar10
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.seeding import make_deterministic

CANDIDATES: dict[str, Candidate] = OWN | PEERS
SEEDS = "seeds"
WARM_UP = 1_000  # images


@cache
def images(where: str, n: int | None) -> ImageSet:
    """The first `n` training images, or all; read once a process."""
    data = load_cifar10(where).train
    return ImageSet(data.images[:n], data.labels[:n])


def seconds_of(name: str, where: str, n: int | None, threads: int, seed: int) -> float:
    """Seconds of one epoch of a candidate, in this process."""
    make_deterministic(threads)
    return CANDIDATES[name](images(where, n), ONE, Seeds.all(seed), "cpu").seconds


def peak_of(name: str, where: str, n: int | None, threads: int) -> int | None:
    """Bytes of memory at the peak of an epoch of a candidate, in a process that does nothing else."""
    images(where, n)
    measures.reset_peak_memory("cpu")  # reading the images may have taken more
    seconds_of(name, where, n, threads, seed=0)
    return measures.peak_memory("cpu")


def processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="auto", help="as in cifar-repro run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, help="of the training images, only so many")
    options = parser.parse_args()
    where, threads = options.data, options.threads
    make_deterministic(threads)
    n = len(images(where, options.images))
    print(f"{n:,} images, {threads} threads, torch {torch.__version__}", flush=True)
    names = [name for name in CANDIDATES if not missing(name)]
    for name in set(CANDIDATES) - set(names):
        print(missing(name))
    peak = measures.sgemm_peak("cpu", threads)

    def at_once(pool: ProcessPoolExecutor, n: int | None) -> float:
        """Seconds until every process has trained a seed of its own for an epoch."""
        start = time.perf_counter()
        list(pool.map(seconds_of, *zip(*[("contiguous", where, n, 1, seed) for seed in range(threads)], strict=True)))
        return time.perf_counter() - start

    seconds: dict[str, list[float]] = {name: [] for name in [*names, SEEDS]}
    with processes(threads) as pool:
        for name in names:
            seconds_of(name, where, WARM_UP, threads, seed=0)
        at_once(pool, WARM_UP)
        at_once(pool, options.images)  # reads the images
        for number in range(1, options.rounds + 1):
            for name in names:
                seconds[name].append(seconds_of(name, where, options.images, threads, seed=0))
            seconds[SEEDS].append(at_once(pool, options.images))
            times = ", ".join(f"{name} {own[-1]:.1f} s" for name, own in seconds.items())
            print(f"round {number}: {times}", flush=True)

    print(f"\n{'':16}{'seconds':>8}{'times as fast as the lesson':>40}{'GFLOP/s':>9}{'of sgemm':>9}{'peak memory':>12}")
    for name, own in seconds.items():
        seeds = threads if name == SEEDS else 1
        ratios = [base * seeds / mine for base, mine in zip(seconds["lesson"], own, strict=True)]
        speed = seeds * epoch_flops(n) / statistics.median(own)
        memory = ""
        if name != SEEDS:
            with processes(1) as pool:
                memory = f"{(pool.submit(peak_of, name, where, options.images, threads).result() or 0) / 1e6:,.0f} MB"
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        rate = f"{speed / 1e9:9.1f}{speed / peak:9.1%}"
        print(f"{name:16}{statistics.median(own):8.1f}{spread:>40}{rate}{memory:>12}", flush=True)
    epochs = RECIPES["udacity"].epochs
    print(f"\nsgemm peak at {threads} threads: {peak / 1e9:.0f} GFLOP/s")
    for name, seeds in (("lesson", 1), (SEEDS, threads)):
        rate = seeds * 3600 / (epochs * statistics.median(seconds[name]))
        print(f"{name}: {rate:.1f} seeds of {epochs} epochs an hour, {seeds} at a time")


if __name__ == "__main__":
    main()

"""A process of a speed gate. Its source is handed to the side's own interpreter (`python -c SOURCE SETTINGS`), so that
an older cifar_repro can be timed, too: it needs nothing of that but the public names of `import cifar_repro`.

Reads a line from stdin for each measurement and answers with a line of JSON on stdout; the first line says what is
measured. Between two measurements it sleeps in the read.
"""

import ctypes
import gc
import json
import os
import platform
import random
import sys
import time
from collections.abc import Callable
from typing import Any

Run = Callable[[], tuple[int, list[float]]]  # what is timed: steps, losses

STEPS, BATCH, WARM_UP = 10, 20, 2
HELD: list[bytearray] = []  # memory that shifts what is allocated after it
IMAGES = 300  # of the epoch part: 240 of them, 12 steps, for training and 60, 3 batches, for validation


def main() -> None:
    settings = json.loads(sys.argv[1])
    # Whatever prints to stdout from here on must not get between the lines of the protocol.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # each line at once, so that an error stays the last word
    if settings["package"]:
        sys.path.insert(0, settings["package"])
    if settings["core"] is not None:
        os.sched_setaffinity(0, [settings["core"]])

    def answer(value: object) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    import torch

    import cifar_repro

    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # no stub
    torch.set_num_threads(settings["threads"])
    workload = {"step": training_steps, "epoch-part": epoch_part}[settings["workload"]](settings["memory_format"])
    answer(
        {
            "environment": environment(settings["memory_format"]),
            "package": os.path.dirname(os.path.abspath(cifar_repro.__file__)),
        }
    )
    gc.freeze()  # else every collection walks through all of torch
    for _ in sys.stdin:
        deal_memory_anew()
        run = workload()
        start = clock()
        steps, losses = run()
        answer({"seconds": clock() - start, "steps": steps, "losses": losses})


def training_steps(memory_format: str) -> Callable[[], Run]:
    """Whole training steps of the lesson's network on batches in memory."""
    import torch

    from cifar_repro import Net, train_epoch

    def prepare() -> Run:
        torch.manual_seed(0)
        layout = getattr(torch, {"contiguous": "contiguous_format"}.get(memory_format, memory_format))
        network = Net(0.25).to(memory_format=layout)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        images = torch.rand(STEPS, BATCH, 3, 32, 32) * 2 - 1
        labels = torch.randint(10, (STEPS, BATCH))
        batches = [(x.contiguous(memory_format=layout), y) for x, y in zip(images, labels)]  # noqa: B905 - one length
        train_epoch(network, batches[:WARM_UP], optimizer)
        return lambda: (STEPS, list(train_epoch(network, batches, optimizer).losses))

    return prepare


def epoch_part(memory_format: str) -> Callable[[], Run]:
    """A short epoch through `fit`: split, batches, training steps, validation, digest of the weights."""
    import torch

    from cifar_repro import RECIPES, ImageSet, Seeds, fit

    recipe = RECIPES["udacity"].with_changes({"epochs": 1})
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (IMAGES, 3, 32, 32), dtype=torch.uint8, generator=generator)
    data = ImageSet(pixels, torch.randint(10, (IMAGES,), generator=generator))
    warm_up = ImageSet(data.images[: 2 * BATCH], data.labels[: 2 * BATCH])

    def run() -> tuple[int, list[float]]:
        (epoch,) = fit(recipe, Seeds(), data, memory_format=memory_format).epochs
        return IMAGES * 4 // 5 // BATCH, [epoch.train_loss, epoch.valid_loss]

    def prepare() -> Run:
        fit(recipe, Seeds(), warm_up, memory_format=memory_format)
        return run

    return prepare


def deal_memory_anew() -> None:
    """Gives freed memory back and shifts what comes next, so that a measurement gets other pages than the one before.

    Where the weights happen to lie in the cache makes a process some per cent slower or faster for as long as it lives;
    dealt anew for each measurement, luck is a part of the noise and no bias.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:  # glibc
        trim(0)
    HELD[:] = [bytearray(random.randrange(1, 1 << 16)) for _ in range(16)]


def clock() -> float:
    """Seconds that this thread ran or slept; the time in which it was ready but the machine gave its core to others is
    left out, where the kernel counts it (Linux, Documentation/scheduler/sched-stats: the second number of schedstat).
    """
    try:
        with open("/proc/thread-self/schedstat") as file:
            waited = int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        waited = 0.0
    return time.perf_counter() - waited


def environment(memory_format: str) -> dict[str, Any]:
    """As in a record; as much of it as an older package can tell."""
    import torch

    try:
        try:
            from cifar_repro.runs.environment import environment as full
        except ImportError:  # an older package, which mypy cannot see, has it there
            from cifar_repro.evidence.environment import environment as full  # type: ignore[import-not-found, no-redef]
        found = full(torch.device("cpu"), memory_format)
        return found if isinstance(found, dict) else {name: getattr(found, name) for name in found.__struct_fields__}
    except Exception:  # whatever an older package lacks
        return {
            "torch": torch.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "device": "cpu",
            "threads": torch.get_num_threads(),
            "memory_format": memory_format,
        }


if __name__ == "__main__":
    main()

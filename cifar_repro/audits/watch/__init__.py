"""What runs in the process of somebody else's program, before it: torch is watched, and what happens is written down.

`start` puts the small CIFAR-10 in place of torchvision's and has torch's functions report to a log, whose lines are the
classes of `events.py`. Start with `training.py`. Nothing here judges, and nothing changes what the program computes.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from cifar_repro.audits.watch.log import Log

VARIABLE = "CIFAR_REPRO_AUDIT"  # holds a Setting, as JSON


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """Where the program's file, the small set (.npz) and the log are; hurry: when to make epochs short, in seconds."""

    file: str
    data: str
    log: str
    hurry: float


def setting() -> Setting:
    return msgspec.json.decode(os.environ[VARIABLE], type=Setting)


def start(said: Setting) -> "tuple[Log, Callable[[BaseException | None], None]]":
    """Watches what follows in this process; also gives what is to be called at its end, with its error if it failed."""
    import numpy as np

    from cifar_repro.audits.events import Finished
    from cifar_repro.audits.small_data import SmallSet
    from cifar_repro.audits.watch import bridges, data, training
    from cifar_repro.audits.watch.log import Log
    from cifar_repro.audits.watch.state import State

    with np.load(said.data) as arrays:
        images = SmallSet(**{name: arrays[name] for name in arrays.files}, source="")
    log = Log(Path(said.log), Path(said.file))
    state = State(images)
    bridges.install(log, Path(said.file).read_text(encoding="utf-8", errors="replace"))
    data.install(log, state, images, said.hurry)
    training.install(log, state)

    def end(error: BaseException | None = None) -> None:
        state.compare(log)
        log.failed(error) if error else log.write(Finished())

    return log, end

"""The numbers of a run's epochs in the forms that other tools read: CSV and TensorBoard's events."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.errors import InputError
from cifar_repro.core.training import Epoch

CSV, EVENTS = "metrics.csv", "tensorboard"
SCALARS = ("train_loss", "valid_loss", "valid_accuracy", "train_seconds", "valid_seconds")


def write_csv(folder: Path, epochs: Sequence[Epoch]) -> None:
    """Writes metrics.csv: a line an epoch, its entries as in the record but for `running_loss`; what is None is empty.

    Numbers have all their digits.
    """
    text = io.StringIO(newline="")
    rows = [{name: value for name, value in asdict(epoch).items() if name != "running_loss"} for epoch in epochs]
    writer = csv.DictWriter(text, [name for name in Epoch.__dataclass_fields__ if name != "running_loss"])
    writer.writeheader()
    writer.writerows(rows)
    with replacing(folder / CSV) as file:
        file.write(text.getvalue().encode())


def check_tensorboard() -> None:
    """Raises InputError where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise InputError(
            "tensorboard: it is not installed: give it with pip install 'cifar-repro[tensorboard]', or leave it out"
        )


def tensorboard(folder: Path, done: Sequence[Epoch]) -> Callable[[Epoch], None]:
    """What writes an epoch to the events in a run's folder, each on the disk at once.

    done: the epochs of a run that is resumed, which are written again in place of what an earlier process wrote.
    """
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder / EVENTS), purge_step=1 if done else None)

    def write(epoch: Epoch) -> None:
        for name in SCALARS:
            if (value := getattr(epoch, name)) is not None:
                writer.add_scalar(name, value, epoch.epoch)
        writer.flush()

    for epoch in done:
        write(epoch)
    return write

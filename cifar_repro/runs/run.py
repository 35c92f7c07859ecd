"""A run in its folder: start or resume it, train, test; whatever happens, what is on disk is whole.

`last.pt` is the commit point of an epoch: it is written first and holds all that the other files are made of, so a run
killed at any moment goes on from it, and the other files are made again.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn

from cifar_repro.core import checkpoint
from cifar_repro.core.data import Cifar10, batches
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.evaluation import Evaluation, evaluate
from cifar_repro.core.model import build_network
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.core.training import Epoch, fit, split, torch_memory_format
from cifar_repro.runs.code import code_differences, code_here
from cifar_repro.runs.environment import differences, environment
from cifar_repro.runs.folders import A_RUN, alone, check_only
from cifar_repro.runs.last_state import LAST, read_last, save_last
from cifar_repro.runs.record import (
    NAME,
    Best,
    Record,
    Stopped,
    Tested,
    check_same_data,
    describe_data,
    read_record,
    write_record,
)

BEST, METRICS = "model_cifar.pt", "metrics.jsonl"


def check_unused(folder: Path) -> None:
    """Raises InputError where a run in that folder would overwrite something."""
    for name in (NAME, LAST, BEST, METRICS):
        if (folder / name).exists():
            raise InputError(
                f"out: {str(folder)!r} already holds {name}: give a new folder, or go on with it by --resume"
            )
    check_only(A_RUN, folder)


class Run:
    """One run of a recipe, and its folder, in which no other process works until `close`.

    alone: what `close` gives up. A run that is only looked at needs none.
    """

    def __init__(
        self, folder: Path, record: Record, data: Cifar10, state: dict[str, Any] | None, alone: ExitStack | None = None
    ):
        self.folder, self.record, self.data, self.state = folder, record, data, state
        self._alone = ExitStack() if alone is None else alone
        self.recipe, self.seeds = record.recipe, record.seeds
        self.device = torch.device(record.environment.device)
        self.memory_format = record.environment.memory_format

    @classmethod
    def start(
        cls, folder: Path, recipe: Recipe, seeds: Seeds, data: Cifar10, device: torch.device, memory_format: str
    ) -> "Run":
        """A new run; makes the folder and writes the record.

        Raises InputError where that would overwrite something, or another process works there.
        """
        check_unused(folder)
        torch_memory_format(memory_format)
        split(recipe, seeds, len(data.train))
        folder.mkdir(parents=True, exist_ok=True)
        here = environment(device, memory_format)
        described = describe_data(data)
        record = Record(
            recipe=recipe, seeds=seeds, data=described, environment=here, code=[code_here()], started=_now()
        )
        with ExitStack() as stack:
            stack.enter_context(alone(folder, "run"))
            check_unused(folder)  # another process may have come first
            write_record(folder, record)
            return cls(folder, record, data, None, stack.pop_all())

    @classmethod
    def resume(cls, folder: Path, record: Record, data: Cifar10) -> "Run":
        """Goes on with a run from its last whole epoch, in an environment that gives the same bits.

        Where the code is another one, or the run's was not recorded, the record has this one, too.
        Raises InputError if the data or the environment is another, if the folder does not hold what is needed, or
        another process works there. No file is changed before `train`.
        """
        if record.stopped:
            raise InputError(
                f"{folder}: cannot be resumed: its loss was {record.stopped.loss} in epoch {record.stopped.epoch} and "
                "would be so again: start a new run with another learning rate"
            )
        check_same_data(record.data, data, f"{folder}: cannot be resumed on other data")
        here = environment(torch.device(record.environment.device), record.environment.memory_format)
        changed = differences(record.environment, here)
        if changed:
            raise InputError(
                f"{folder}: cannot be resumed to the same numbers here ({'; '.join(changed)}): start a new run"
            )
        for path in (folder / name for name in (LAST, BEST, METRICS)):
            if path.exists() and not path.is_file():
                raise InputError(f"{path}: cannot be resumed: it is no regular file: move it away, or start a new run")
        state = read_last(folder, record)
        as_read = record
        if state is not None:  # a kill may have come between last.pt and the record
            record = replace(record, **_kept(state))
        if not record.code or code_differences(record.code[-1:], code_here()):
            record = replace(record, code=[*(record.code or [None]), code_here()])
        with ExitStack() as stack:
            stack.enter_context(alone(folder, "run"))
            if read_record(folder) != as_read:
                raise InputError(f"{folder}: another process went on with this run meanwhile: give the command again")
            return cls(folder, record, data, state, stack.pop_all())

    def close(self) -> None:
        """Lets other processes work in the folder."""
        self._alone.close()

    def steps_left(self) -> int:
        """How many mini-batches are still to do: of training, of validation, and of the test at the end."""
        training, held_out = (len(part) for part in split(self.recipe, self.seeds, len(self.data.train)))
        test = len(self.data.test)
        validation = {"split": held_out, "test": test, "none": 0}[self.recipe.validation]
        steps, checks, tests = (-(-images // self.recipe.batch_size) for images in (training, validation, test))
        return (self.recipe.epochs - len(self.record.epochs)) * (steps + checks) + tests

    def train(
        self,
        after_epoch: Callable[[Epoch, float | None], None] = lambda epoch, previous_best: None,
        progress: Progress = no_progress,
    ) -> None:
        """Trains the epochs that are still to do; `after_epoch(epoch, best validation loss before it)` follows each.

        That loss is infinite before there is one, and None where the validation does not choose the weights.
        Raises NonFiniteLoss, after noting it in the record, and OSError where the disk fails; what was kept stays.
        """

        def keep(epoch: Epoch, state: dict[str, Any]) -> None:
            previous = [e["valid_loss"] for e in state["epochs"][:-1] if e["saved"]]
            save_last(self.folder, self.record, state)
            self.state = state
            self._write_epochs(new_best=epoch.saved)
            best = previous[-1] if previous else float("inf")
            after_epoch(epoch, best if self.recipe.tests_best else None)

        if self.state is not None:  # resumed: a kill may have come between last.pt and the other files
            self._write_epochs(new_best=True)
        try:
            fit(
                self.recipe,
                self.seeds,
                self.data.train.to(self.device),
                test=self.data.test.to(self.device),
                memory_format=self.memory_format,
                resume=self.state,
                after_epoch=keep,
                progress=progress,
            )
        except NonFiniteLoss as error:
            epoch = len(self.record.epochs) + 1
            stopped = Stopped(epoch=epoch, phase=error.phase, step=error.step, loss=str(error.loss))
            self._write(status="diverged", stopped=stopped, ended=_now())
            raise

    def _write_epochs(self, new_best: bool) -> None:
        """Writes what follows from the state of the last whole epoch."""
        assert self.state is not None
        if new_best:
            checkpoint.save(self.folder / BEST, self.state["best_weights"])
        kept = _kept(self.state)
        with checkpoint.replacing(self.folder / METRICS) as file:
            file.writelines((json.dumps(asdict(epoch)) + "\n").encode() for epoch in kept["epochs"])
        self._write(**kept)

    def _write(self, **changes: Any) -> None:
        """Changes entries of the record, here and on the disk."""
        self.record = replace(self.record, **changes)
        write_record(self.folder, self.record)

    def test(self, progress: Progress = no_progress) -> Evaluation:
        """Evaluates the weights that were kept on the test images; the record has it once `complete` writes it."""
        network = load_best(self.folder, self.recipe, self.record.epochs, self.record.best)
        result = evaluate_images(network, self.data, self.recipe, self.device, self.memory_format, progress)
        self.record = replace(self.record, test=Tested.of(result))
        return result

    def complete(self) -> None:
        """Says in the record that all of the run is there; the last thing to be written."""
        self._write(status="complete", ended=self.record.ended or _now())  # one that was complete stays as it is


def _kept(state: dict[str, Any]) -> dict[str, Any]:
    """The entries of the record that follow from the state of the last whole epoch."""
    epochs = [Epoch(**epoch) for epoch in state["epochs"]]
    best = [epoch for epoch in epochs if epoch.saved][-1]
    return {"epochs": epochs, "best": Best(epoch=best.epoch, valid_loss=best.valid_loss)}


def _now() -> datetime:
    """In UTC, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def evaluate_images(
    network: nn.Module, data: Cifar10, recipe: Recipe, device: torch.device, memory_format: str, progress: Progress
) -> Evaluation:
    """The network's evaluation on the test images, unaugmented, in the recipe's batches."""
    layout = torch_memory_format(memory_format)
    network = network.to(device).to(memory_format=layout)
    indices = torch.arange(len(data.test))
    made = batches(data.test.to(device), indices, recipe.batch_size, pixels=recipe.pixels, memory_format=layout)
    return evaluate(network, progress(made, total=-(-len(indices) // recipe.batch_size), desc="testing"))


def load_best(folder: Path, recipe: Recipe, epochs: Sequence[Epoch], best: Best | None) -> nn.Module:
    """The network with the weights that the run in a folder kept, on the CPU. Raises as `check_best`."""
    network = build_network(recipe)
    checkpoint.load_weights(folder / BEST, network)
    check_best(folder / BEST, network, epochs, best)
    return network


def check_best(path: Path, network: nn.Module, epochs: Sequence[Epoch], best: Best | None) -> None:
    """Raises InputError unless the network has the weights of the best one of a record's epochs. path: theirs."""
    recorded = [epoch.weights_sha256 for epoch in epochs if best is not None and epoch.epoch == best.epoch]
    if recorded != [checkpoint.weights_digest(network.state_dict())]:
        raise InputError(
            f"{path}: these are not the weights of the best epoch in {NAME} beside it: give the folder as the run left "
            "it, or have them written again by run --resume"
        )

"""A trace: a digest of every tensor of the first training steps, in order and by name.

The file is JSON lines: a header (schema, recipe, seeds, data, environment), then an entry for each tensor. Names say
phase and place, never the number of an operation, so that traces of different torch versions can be aligned:

    split/train, split/valid            indices; the second only where there is a validation split
    init/conv1.weight ...               the parameters before the first step
    step 1/batch/indices, images, labels
    step 1/forward/conv1, pool#1 ...    the output of every module; #k where one is called more than once in a step
    step 1/mask/dropout#1 ...           what dropout keeps
    step 1/loss
    step 1/gradient/fc2.bias ...        in the order in which backward makes them, last layer first
    step 1/update/conv1.weight ...      the parameters after the step

Beside it, on request, FILE.npz holds the tensors themselves under the same names (numpy's format, without pickle).
"""

import hashlib
import json
import math
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cifar_repro.core import seeding
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10, batches
from cifar_repro.core.errors import InputError, NonFinite, NonFiniteLoss
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.core.training import begin, split, torch_memory_format, train_epoch
from cifar_repro.evidence.environment import environment
from cifar_repro.evidence.junit import OUTCOMES
from cifar_repro.evidence.record import RECORD, caption, new_record
from cifar_repro.evidence.shape import check

SCHEMA = 1
SAMPLED = 8  # values of each tensor that are kept in full

# The shapes of the header and of an entry (see `shape`): what readers of traces rely on.
HEADER = {
    "steps": int,
    **{name: RECORD[name] for name in ("recipe", "seeds", "data", "environment")},
    "tests": (None, dict.fromkeys(OUTCOMES, int)),
}
ENTRY = {
    "name": str,
    "sha256": str,
    "shape": [int],
    "dtype": ("bool", "int64", "float32", "float64"),
    "sample": [(bool, float)],
}


def summarise(name: str, tensor: torch.Tensor) -> dict[str, Any]:
    """The entry of one tensor.

    sha256 over its bytes, contiguous and little-endian; shape and dtype; norm, mean and absmax in float64; and a
    sample of SAMPLED values evenly spaced over the flattened tensor, with all their digits. Raises NonFinite for a NaN
    or infinite value, which JSON cannot hold.
    """
    array = _array(tensor)
    flat = torch.from_numpy(array).flatten()
    values = flat.double()
    norm = values.norm().item()
    if not math.isfinite(norm):
        raise NonFinite(f"the norm of {name} is {norm}")
    places = torch.linspace(0, len(flat) - 1, min(SAMPLED, len(flat)), dtype=torch.float64).round().long()
    return {
        "name": name,
        "sha256": digest(array),
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "norm": norm,
        "mean": values.mean().item(),
        "absmax": values.abs().max().item(),
        "sample": flat[places].tolist(),
    }


def digest(array: npt.NDArray[Any]) -> str:
    """sha256 hex over the bytes of an array, contiguous and little-endian."""
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()


def _array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    return tensor.detach().cpu().contiguous().numpy()


def trace(
    recipe: Recipe,
    seeds: Seeds,
    data: Cifar10,
    steps: int,
    *,
    device: torch.device,
    memory_format: str = "contiguous",
    dtype: torch.dtype = torch.float32,
    progress: Progress = no_progress,
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields the tensors, by name, of the first `steps` steps of the run that `fit` would make of the same arguments.

    Each is good until the next one is asked for: the parameters are live. In float64 (`dtype`) the steps start from the
    same float32 weights and images, so that only the rounding of what is computed from them differs. Raises InputError
    if the first epoch has fewer steps, NonFiniteLoss as `fit` would.
    """
    layout = torch_memory_format(memory_format)
    images = data.train.to(device)
    train_idx, valid_idx = split(recipe, seeds, len(images))
    available = -(-len(train_idx) // recipe.batch_size)
    if not 1 <= steps <= available:
        raise InputError(
            f"steps: {steps} makes no sense: the first epoch has {available}: give a number from 1 to that"
        )
    yield "split/train", train_idx
    if len(valid_idx):
        yield "split/valid", valid_idx

    with seeding.isolated(device):
        training = begin(recipe, seeds, device, layout)
        network, optimizer = training.network, training.optimizer
        for name, parameter in network.named_parameters():
            yield f"init/{name}", parameter
        network.to(dtype)  # the optimizer holds the same parameters
        order = train_idx[torch.randperm(len(train_idx), generator=training.order)]

        chosen = order[: steps * recipe.batch_size]
        options: dict[str, Any] = {"augmentation": recipe.augmentation, "pixels": recipe.pixels}
        made = batches(images, chosen, recipe.batch_size, **options, memory_format=layout)
        for step, (indices, batch) in enumerate(
            zip(chosen.split(recipe.batch_size), progress(made, total=steps, desc="tracing"), strict=True), start=1
        ):
            for name, tensor in [("indices", indices), ("images", batch[0]), ("labels", batch[1])]:
                yield f"step {step}/batch/{name}", tensor
            with _Watch(network, device) as watch:
                try:
                    losses = train_epoch(network, [(batch[0].to(dtype), batch[1])], optimizer)
                except NonFiniteLoss as error:  # it counts the one step it has seen
                    raise NonFiniteLoss(error.phase, step, error.loss) from None
            for name, tensor in watch.seen:
                yield f"step {step}/{name}", tensor
            yield f"step {step}/loss", torch.tensor(losses.losses, dtype=dtype)
            for name, parameter in reversed(list(network.named_parameters())):
                assert parameter.grad is not None
                yield f"step {step}/gradient/{name}", parameter.grad
            for name, parameter in network.named_parameters():
                yield f"step {step}/update/{name}", parameter


class _Watch:
    """While it is open, collects the output of every module and the mask of every dropout; changes no number."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self.device = device
        self.seen: list[tuple[str, torch.Tensor]] = []
        self.calls: Counter[str] = Counter()
        self.states: dict[nn.Module, dict[str, torch.Tensor]] = {}
        self.names = {module: name for name, module in network.named_modules() if name}
        self.hooks: list[Any] = []

    def __enter__(self) -> "_Watch":
        for module in self.names:
            if isinstance(module, nn.Dropout):
                self.hooks.append(module.register_forward_pre_hook(self._before_dropout))
            self.hooks.append(module.register_forward_hook(self._after))
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def _before_dropout(self, module: nn.Module, inputs: Any) -> None:
        self.states[module] = seeding.global_state(self.device)

    def _after(self, module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        name = self.names[module]
        self.calls[name] += 1
        numbered = f"{name}#{self.calls[name]}"
        if isinstance(module, nn.Dropout):
            # The output does not show what was dropped where the input was zero: draw it again from the same state.
            with seeding.isolated(self.device):
                seeding.set_global_state(self.states[module], self.device)
                kept = nn.functional.dropout(torch.ones_like(inputs[0]), module.p, training=True) != 0
            self.seen.append((f"mask/{numbered}", kept))
        self.seen.append((f"forward/{numbered}", output.detach().clone()))


def write_trace(
    path: Path, header: dict[str, Any], tensors: Iterator[tuple[str, torch.Tensor]], *, keep: bool = False
) -> None:
    """Writes header and entries as JSON lines and, to keep them, the tensors to `tensors_path(path)`, one by one.

    Each file appears whole or not at all, the tensors first.
    """
    with ExitStack() as files:
        lines = files.enter_context(replacing(path))
        archive = None
        if keep:
            archive = files.enter_context(zipfile.ZipFile(files.enter_context(replacing(tensors_path(path))), "w"))
        _write_line(lines, header)
        for name, tensor in tensors:
            _write_line(lines, summarise(name, tensor))
            if archive is not None:
                # ZipInfo has a fixed date, so that equal tensors make equal files.
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, _array(tensor), allow_pickle=False)


def _write_line(file: IO[bytes], value: dict[str, Any]) -> None:
    file.write((json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n").encode())


def tensors_path(path: Path) -> Path:
    """Where the tensors of the trace in `path` are, if they were kept."""
    return path.with_name(f"{path.name}.npz")


def header(
    recipe: Recipe, seeds: Seeds, data: Cifar10, steps: int, device: torch.device, memory_format: str
) -> dict[str, Any]:
    """The first line of a trace: what was traced, on what, and where."""
    record = new_record(recipe, seeds, data, environment(device, memory_format))
    kept = {name: record[name] for name in ("recipe", "seeds", "data", "environment")}
    return {"trace": SCHEMA, "steps": steps, **kept}


def read_trace(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and entries. Raises InputError for anything but a whole trace of this schema."""
    if not path.is_file():
        raise InputError(f"{path}: no such file: give one that 'cifar-repro trace' wrote")
    try:
        first, *entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if first["trace"] != SCHEMA:
            raise InputError(
                f"{path}: trace schema {first['trace']!r} is not {SCHEMA}: read it with the version that wrote it"
            )
        check({"tests": None, **first}, HEADER, "header")
        caption(first)  # raises KeyError for an overridden field that the recipe lacks
        check(entries, [ENTRY], "entry")
        for entry in entries:
            _check_sample(entry)
        if not entries:
            raise ValueError("no entries")
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise InputError(f"{path}: is no trace ({type(error).__name__}: {error}): give a whole one") from error
    return first, entries


def _check_sample(entry: dict[str, Any]) -> None:
    """Raises ValueError or ArithmeticError unless the sample is what `summarise` makes of such a tensor."""
    with np.errstate(over="raise"):
        values = np.array(entry["sample"], dtype=entry["dtype"])
    if not 1 <= len(values) == min(SAMPLED, math.prod(entry["shape"])) or values.tolist() != entry["sample"]:
        raise ValueError(f"the sample of {entry['name']} is not of {entry['dtype']} {entry['shape']}")


def kept_tensors(path: Path) -> Callable[[dict[str, Any]], npt.NDArray[Any]] | None:
    """What reads the tensor of an entry of the trace in `path`; None if the tensors were not kept.

    Reading raises InputError for a file that is damaged, or whose tensor is not the one of the entry.
    """
    file = tensors_path(path)
    if not file.is_file():
        return None

    def read(entry: dict[str, Any]) -> npt.NDArray[Any]:
        try:
            with zipfile.ZipFile(file) as archive, archive.open(f"{entry['name']}.npy") as member:
                array: npt.NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError, NotImplementedError) as error:
            raise InputError(f"{file}: cannot be read ({error}): trace again, or remove it") from error
        if digest(array) != entry["sha256"]:
            raise InputError(f"{file}: its {entry['name']} is not that of {path.name}: trace again, or remove it")
        return array

    return read

"""Weights as people have them: wrapped, prefixed, in other formats; what a file is that holds none, and the remedy."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cifar_repro.core import checkpoint, files
from cifar_repro.core.errors import InputError
from cifar_repro.core.model import build_network
from cifar_repro.core.recipe import RECIPES, Recipe
from cifar_repro.runs.record import NAME, read_record
from cifar_repro.runs.run import BEST, check_best

State = Mapping[str, torch.Tensor]
# What DataParallel puts before the names of a network's entries, and torch.compile there or within them.
WRAPPERS = ("module", "_orig_mod")
REMEDY = "give what torch.save(network.state_dict(), FILE) wrote"


def load_any_weights(path: Path, recipe: Recipe) -> tuple[nn.Module, list[str]]:
    """The recipe's network with the weights of a file, or of a run's folder; and what was stripped off, in words.

    A file is one of torch.save or safetensors. It may hold the state_dict or, as trainers save it, a mapping with one
    inside; prefixes before the names do no harm. No code in it is ever executed. Raises InputError, which says what the
    file is where that is known, and what to do, and where the weights of a run are not those that its record says.
    """
    file, found_in = (path / BEST, [BEST]) if path.is_dir() else (path, [])
    states = list(_states(_safetensors(file) if file.suffix == ".safetensors" else _of_torch(file)))
    if not states:
        raise InputError(f"{file}: holds no state_dict: {REMEDY}")
    network = build_network(recipe)
    for where, state in states:
        if fitting := _fitting(state, network.state_dict()):
            checkpoint.fit_weights(file, fitting[0], network)
            if file.name == BEST and (file.parent / NAME).exists():
                record = read_record(file.parent)
                check_best(file, network, record.epochs, record.best)
            return network, [*found_in, *([f"entry {where}"] if where else []), *fitting[1]]
    for other in RECIPES.values():
        theirs = build_network(other).state_dict()
        if other.network != recipe.network and any(_fitting(state, theirs) for _, state in states):
            raise InputError(f"{file}: holds weights of the network of {other.name}: give --recipe {other.name}")
    checkpoint.fit_weights(file, states[0][1], network)  # says what does not fit
    raise AssertionError(f"{file}: fits, although it did not")


def _states(content: Any, where: str = "") -> Iterator[tuple[str, State]]:
    """Every mapping of names to tensors in what a file holds, and by which keys it is reached."""
    if not isinstance(content, Mapping):
        return
    if content and all(isinstance(value, torch.Tensor) for value in content.values()):
        yield where, {str(name): tensor for name, tensor in content.items()}
    elif where.count(".") < 3:
        for name, value in content.items():
            yield from _states(value, f"{where}.{name}".removeprefix("."))


def _fitting(state: State, wanted: State) -> tuple[State, list[str]] | None:
    """The entries of the network by its own names, and what stood before these; None where it is not there whole."""
    names = {".".join(part for part in name.split(".") if part not in WRAPPERS): name for name in state}
    first = next(iter(wanted))
    for prefix in [name.removesuffix(first) for name in names if name == first or name.endswith(f".{first}")]:
        alone = prefix or len(names) == len(wanted)  # beside a prefix there may be others: a trainer's metrics
        if alone and all(prefix + name in names for name in wanted):
            weights = {name: state[names[prefix + name]] for name in wanted}
            if all(weights[name].shape == tensor.shape for name, tensor in wanted.items()):
                before = [part for part in WRAPPERS if part in names[prefix + first].split(".")]
                return weights, [f"prefix {part}" for part in (*before, prefix) if part]
    return None


def _of_torch(file: Path) -> Any:
    """What a file of `torch.save` holds; of a file that cannot be read, what it is."""
    content = files.read(file, files.WEIGHTS, "give a file of weights")
    if content.startswith(b"version https://git-lfs"):
        raise InputError(f"{file}: is a Git LFS pointer in place of the file: get it by git lfs pull")
    if content.startswith(checkpoint.ZIP) and zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            if any("/code/" in name for name in members.namelist()):
                raise InputError(f"{file}: is TorchScript, a program with its weights: {REMEDY}")
    try:
        return checkpoint.decode(content, file)
    except InputError as error:
        if refused := re.search(r"GLOBAL (\S+)", str(error.__cause__)):
            what = f"an object of {refused[1]}, which nothing but running its code could load"
            if refused[1].endswith("getattr"):
                what = "the method network.state_dict, and not what it returns"
            raise InputError(f"{file}: holds {what}: {REMEDY}") from error
        raise


def _safetensors(file: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = files.read(file, files.WEIGHTS, "give a file of weights")
    try:
        return load(content)
    except (SafetensorError, ValueError, LookupError, RuntimeError, MemoryError) as error:
        raise InputError(f"{file}: is not whole ({error}): give a whole safetensors file") from error

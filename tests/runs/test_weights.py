"""Weights as people have them are read; what holds none is called what it is."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cifar_repro.core.checkpoint import weights_digest
from cifar_repro.core.errors import InputError
from cifar_repro.core.model import BlitzNet, Net
from cifar_repro.core.recipe import RECIPES
from cifar_repro.runs.weights import load_any_weights

UDACITY = RECIPES["udacity"]
NET = Net()
STATE = NET.state_dict()
DIGEST = weights_digest(STATE)


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in STATE.items()}


# What is saved, and what must be said to be stripped.
WRAPPED: dict[str, tuple[Any, list[str]]] = {
    "plain": (STATE, []),
    "DataParallel": (prefixed("module."), ["prefix module"]),
    "torch.compile": (prefixed("_orig_mod."), ["prefix _orig_mod"]),
    "both": (prefixed("module._orig_mod."), ["prefix module", "prefix _orig_mod"]),
    "a layer compiled": ({k.replace("conv1.", "conv1._orig_mod."): v for k, v in STATE.items()}, ["prefix _orig_mod"]),
    "state_dict": ({"state_dict": STATE}, ["entry state_dict"]),
    "a trainer's": (
        {"model_state_dict": STATE, "epoch": 3, "optimizer_state_dict": {"state": {}, "param_groups": [{"lr": 0.1}]}},
        ["entry model_state_dict"],
    ),
    "kuangliu's": ({"net": prefixed("module."), "acc": 93.0, "epoch": 1}, ["entry net", "prefix module"]),
    "Lightning's": (
        {"state_dict": {**prefixed("model."), "metric.total": torch.zeros(1)}, "pytorch-lightning_version": "2.4"},
        ["entry state_dict", "prefix model."],
    ),
    "a wider network's before it": (
        {"teacher": {name: torch.cat([tensor, tensor]) for name, tensor in STATE.items()}, "student": STATE},
        ["entry student"],
    ),
    "a trainer's in a trainer's": ({"checkpoint": {"model": STATE}}, ["entry checkpoint.model"]),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_wrapped_weights_are_those_of_the_plain_file(tmp_path: Path, kind: str) -> None:
    """Whatever is around them or before their names, the network is the same, and what was stripped is told."""
    content, stripped = WRAPPED[kind]
    torch.save(content, tmp_path / "w.pt")
    network, said = load_any_weights(tmp_path / "w.pt", UDACITY)
    assert weights_digest(network.state_dict()) == DIGEST
    assert said == stripped


def test_data_parallel_and_lightning_prefix_as_they_do() -> None:
    """The prefixes of this test are those that torch gives."""
    assert list(nn.DataParallel(Net()).state_dict()) == list(prefixed("module."))
    compiled = functools.partial(torch.compile, backend="eager")(Net())
    assert list(compiled.state_dict()) == list(prefixed("_orig_mod."))


def test_safetensors_are_read(tmp_path: Path) -> None:
    """With a prefix, too; what is not whole is told."""
    save_file(prefixed("module."), tmp_path / "w.safetensors")
    network, said = load_any_weights(tmp_path / "w.safetensors", UDACITY)
    assert (weights_digest(network.state_dict()), said) == (DIGEST, ["prefix module"])
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(whole[:-100])
    with pytest.raises(InputError, match=r"w\.safetensors: is not whole .*: give a whole safetensors file"):
        load_any_weights(tmp_path / "w.safetensors", UDACITY)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    """With what to give."""
    with pytest.raises(InputError, match=rf"{name}: no such file: give a file of weights$"):
        load_any_weights(tmp_path / name, UDACITY)


@pytest.mark.parametrize(("depth", "found"), [(1, True), (4, True), (5, False)])
def test_weights_are_looked_for_a_few_keys_down(tmp_path: Path, depth: int, found: bool) -> None:
    """As deep as trainers keep them; whoever nests deeper says which."""
    content: dict[str, Any] = STATE
    for _ in range(depth):
        content = {"inner": content, "epoch": 3}
    torch.save(content, tmp_path / "w.pt")
    if found:
        network, said = load_any_weights(tmp_path / "w.pt", UDACITY)
        assert (weights_digest(network.state_dict()), said) == (DIGEST, ["entry " + ".".join(["inner"] * depth)])
    else:
        with pytest.raises(InputError, match="holds no state_dict"):
            load_any_weights(tmp_path / "w.pt", UDACITY)


def test_the_folder_of_a_run_stands_for_its_best_weights(tmp_path: Path) -> None:
    """And so does a last.pt of it for the weights after the last epoch."""
    torch.save(STATE, tmp_path / "model_cifar.pt")
    network, said = load_any_weights(tmp_path, UDACITY)
    assert (weights_digest(network.state_dict()), said) == (DIGEST, ["model_cifar.pt"])


def lfs(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2200000\n")


def script(path: Path) -> None:
    torch.jit.script(nn.Linear(2, 2)).save(str(path))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lfs, "is a Git LFS pointer in place of the file: get it by git lfs pull"),
        (
            lambda path: torch.save(NET, path),
            "an object of cifar_repro.core.model.Net, which nothing but running its code",
        ),
        (lambda path: torch.save(NET.state_dict, path), "the method network.state_dict, and not what it returns"),
        (
            lambda path: torch.save(BlitzNet().state_dict(), path),
            "network of pytorch-blitz: give --recipe pytorch-blitz",
        ),
        (lambda path: torch.save({"epoch": 3}, path), "holds no state_dict: give what torch.save"),
        (lambda path: torch.save([1, 2], path), "holds no state_dict"),
        (lambda path: torch.save(dict(list(STATE.items())[1:]), path), "entry conv1.weight is missing"),
        (lambda path: torch.save(prefixed("pre"), path), "entry conv1.weight is missing"),
        (lambda path: torch.save({**STATE, "fc2.bias": torch.zeros(3)}, path), r"entry fc2.bias is \(3,\)"),
        (lambda path: torch.save({**STATE, "fc3.bias": torch.zeros(3)}, path), "entry 'fc3.bias' is not the network's"),
        (lambda path: path.mkdir(), r"model_cifar.pt: no such file"),
    ],
    ids=[
        "LFS",
        "module",
        "method",
        "blitz",
        "no weights",
        "list",
        "missing",
        "other names",
        "shape",
        "more",
        "empty folder",
    ],
)
def test_what_cannot_be_read_is_called_what_it_is(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    """With the file's name and the remedy, and nothing in it is executed."""
    make(tmp_path / "w.pt")
    with pytest.raises(InputError, match=said) as error:
        load_any_weights(tmp_path / "w.pt", UDACITY)
    assert "w.pt" in str(error.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_torchscript_is_called_torchscript(tmp_path: Path) -> None:
    """It is a program with its weights, which loading would make runnable."""
    script(tmp_path / "w.pt")
    with pytest.raises(InputError, match="is TorchScript, a program with its weights: give what"):
        load_any_weights(tmp_path / "w.pt", UDACITY)

"""Lets programs run that are old, or written for another machine; each bridge that was used is noted in the log."""

import os
import socket
import sys
import types
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from cifar_repro.audits.watch.log import Log, put

OLD_NUMPY = {
    "Inf": np.inf, "Infinity": np.inf, "infty": np.inf, "NaN": np.nan, "float": float, "int": int, "bool": bool,
    "object": object, "str": str, "float_": np.float64, "product": np.prod,
}  # fmt: skip
GPU = ("cuda", "mps")
FACTORIES = (
    *("tensor", "as_tensor", "zeros", "ones", "empty", "full", "rand", "randn", "randint", "arange", "eye"),
    *("zeros_like", "ones_like"),
)


def install(log: Log, source: str) -> None:
    """source: the text of the program; what it does not name needs no bridge."""
    warnings.filterwarnings("ignore", message=".*(non-interactive|CUDA is not available|Using a target size).*")
    torch.set_num_threads(1)
    _old_numpy(log)
    _old_torch(log)
    _gpu(log)
    _folders_that_are_not_here(log)
    _offline()
    if "matplotlib" in source or "plt" in source or "seaborn" in source:
        _old_matplotlib(log)
    if "google.colab" in source:
        _colab(log)


def _old_numpy(log: Log) -> None:
    original = np.__getattr__

    def __getattr__(name: str) -> Any:
        if name in OLD_NUMPY:
            log.bridged(f"np.{name}, which numpy has no more")
            return OLD_NUMPY[name]
        return original(name)

    put(np, "__getattr__", __getattr__)


def _old_torch(log: Log) -> None:
    original_item, original_load = torch.Tensor.__getitem__, torch.load

    def __getitem__(self: torch.Tensor, index: Any) -> Any:
        if type(index) is int and index == 0 and self.dim() == 0:
            log.bridged("x[0] of a tensor that is one number (as loss.data[0]); today it is x.item()")
            return self
        return original_item(self, index)

    put(torch.Tensor, "__getitem__", __getitem__)

    def load(*args: Any, **kwargs: Any) -> Any:
        if not torch.cuda.is_available():
            kwargs["map_location"] = "cpu"
        try:
            return original_load(*args, **kwargs)
        except Exception as error:
            if "weights_only" not in str(error) or kwargs.get("weights_only"):
                raise
            log.bridged("torch.load of a whole network, which today needs weights_only=False")
            return original_load(*args, **{**kwargs, "weights_only": False})

    put(torch, "load", load)

    def variable(data: torch.Tensor, requires_grad: bool = False, volatile: bool = False) -> torch.Tensor:
        return data.requires_grad_() if requires_grad else data

    put(torch.autograd, "Variable", variable)
    put(torch.autograd.variable, "Variable", variable)

    def compile(model: Any = None, **kwargs: Any) -> Any:
        log.bridged("torch.compile was left out")
        return (lambda each: each) if model is None else model

    put(torch, "compile", compile)


def _folders_that_are_not_here(log: Log) -> None:
    """What is saved there, on a drive of Colab, say, is kept in the folder in which the program runs."""
    kept: dict[str, str] = {}
    save, load, exists = torch.save, torch.load, os.path.exists

    def save_here(obj: Any, f: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(f, str | os.PathLike) and not os.path.isdir(os.path.dirname(os.path.abspath(f))):
            log.bridged("weights for a folder that is not here were saved in another one")
            f = kept.setdefault(os.fspath(f), f"kept-{len(kept)}.pt")
        save(obj, f, *args, **kwargs)

    def here(f: Any) -> Any:
        return kept.get(os.fspath(f), f) if isinstance(f, str | os.PathLike) else f

    put(torch, "save", save_here)
    put(torch, "load", lambda f, *args, **kwargs: load(here(f), *args, **kwargs))
    put(os.path, "exists", lambda path: exists(here(path)))


def _gpu(log: Log) -> None:
    """There is none: what is written for it runs on the CPU."""

    def note() -> None:
        log.bridged("code for a GPU ran on the CPU")

    def is_gpu(value: Any) -> bool:
        return (isinstance(value, str) and value.split(":")[0] in GPU) or (
            isinstance(value, torch.device) and value.type in GPU
        )

    def here(values: Any) -> Any:
        if isinstance(values, dict):
            return {k: torch.device("cpu") if is_gpu(v) else v for k, v in values.items()}
        return tuple(torch.device("cpu") if is_gpu(v) else v for v in values)

    def stays(self: Any, *args: Any, **kwargs: Any) -> Any:
        note()
        return self

    for cls in (torch.Tensor, nn.Module):
        put(cls, "cuda", stays)

    def moving(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def moved(*args: Any, **kwargs: Any) -> Any:
            if any(map(is_gpu, (*args, *kwargs.values()))):
                note()
                args, kwargs = here(args), here(kwargs)
            return original(*args, **kwargs)

        put(owner, name, moved)

    moving(torch.Tensor, "to")
    moving(nn.Module, "to")
    for name in FACTORIES:
        moving(torch, name)
    for name in ("synchronize", "set_device"):
        put(torch.cuda, name, lambda *args, **kwargs: note())
    put(torch.cuda, "get_device_name", lambda *args: "no GPU")


def _offline() -> None:
    original = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(
            ("127.", "::1", "localhost")
        ):
            raise OSError(f"the audit lets no program use the network (asked for {address[0]})")
        original(self, address)

    put(socket.socket, "connect", connect)


def _old_matplotlib(log: Log) -> None:
    try:
        import matplotlib.pyplot as plt
        from matplotlib.gridspec import SubplotSpec
    except ImportError:
        return
    plt.rcParams["figure.max_open_warning"] = 0
    original = getattr(SubplotSpec, "_from_subplot_args")  # noqa: B009 - none that mypy knows

    def whole(figure: Any, args: Any) -> Any:
        if any(isinstance(a, float) and a == int(a) for a in args):
            log.bridged("a subplot's number is a float (as 20/2); today it must be whole (20//2)")
            args = tuple(int(a) if isinstance(a, float) and a == int(a) else a for a in args)
        return original(figure, args)

    put(SubplotSpec, "_from_subplot_args", staticmethod(whole))


def _colab(log: Log) -> None:
    """Its drive is not there, and nothing is mounted."""
    google, colab = types.ModuleType("google"), types.ModuleType("google.colab")
    drive = types.ModuleType("google.colab.drive")
    put(drive, "mount", lambda *args, **kwargs: log.bridged("Google's drive is not there"))
    put(google, "colab", colab)
    put(colab, "drive", drive)
    sys.modules |= {"google": google, "google.colab": colab, "google.colab.drive": drive}

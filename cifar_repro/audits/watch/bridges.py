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

from cifar_repro.audits.watch.log import Log, around, put

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
    @around(np, "__getattr__")
    def attribute(original: Any, name: str) -> Any:
        if name in OLD_NUMPY:
            log.bridged(f"np.{name}, which numpy has no more")
            return OLD_NUMPY[name]
        return original(name)


def _old_torch(log: Log) -> None:
    @around(torch.Tensor, "__getitem__")
    def item(original: Any, tensor: torch.Tensor, index: Any) -> Any:
        if type(index) is int and index == 0 and tensor.dim() == 0:
            log.bridged("x[0] of a tensor that is one number (as loss.data[0]); today it is x.item()")
            return tensor
        return original(tensor, index)

    @around(torch, "load")
    def load(original: Any, *args: Any, **kwargs: Any) -> Any:
        if not torch.cuda.is_available():
            args, kwargs["map_location"] = (*args[:1], *args[2:]), "cpu"
        try:
            return original(*args, **kwargs)
        except Exception as error:
            if "weights_only" not in str(error) or kwargs.get("weights_only"):
                raise
            log.bridged("torch.load of a whole network, which today needs weights_only=False")
            return original(*args, **{**kwargs, "weights_only": False})

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

    @around(torch, "save")
    def save(original: Any, obj: Any, f: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(f, str | os.PathLike) and not os.path.isdir(os.path.dirname(os.path.abspath(f))):
            log.bridged("weights for a folder that is not here were saved in another one")
            f = kept.setdefault(os.fspath(f), f"kept-{len(kept)}.pt")
        original(obj, f, *args, **kwargs)

    @around(torch, "load")
    @around(os.path, "exists")
    def here(original: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
        return original(kept.get(os.fspath(f), f) if isinstance(f, str | os.PathLike) else f, *args, **kwargs)


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

    def moved(original: Any, *args: Any, **kwargs: Any) -> Any:
        if any(map(is_gpu, (*args, *kwargs.values()))):
            note()
            args, kwargs = here(args), here(kwargs)
        return original(*args, **kwargs)

    for owner, name in ((torch.Tensor, "to"), (nn.Module, "to"), *((torch, name) for name in FACTORIES)):
        around(owner, name)(moved)
    for name in ("synchronize", "set_device"):
        put(torch.cuda, name, lambda *args, **kwargs: note())
    put(torch.cuda, "get_device_name", lambda *args: "no GPU")


def _offline() -> None:
    @around(socket.socket, "connect")
    def connect(original: Any, self: socket.socket, address: Any) -> None:
        internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if internet and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise OSError(f"the audit lets no program use the network (asked for {address[0]})")
        original(self, address)


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

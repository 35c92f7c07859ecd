"""A benchmark and reproducibility suite around the CIFAR-10 CNN of the Udacity PyTorch lesson."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public name -> the module that defines it. Imported on first use, so that `import cifar_repro`
# (and with it `cifar-repro --help`) does not pay for torch.
_HOME = {
    "RECIPES": "recipe",
    "Recipe": "recipe",
    "Seeds": "recipe",
    "ImageSet": "data",
    "load_cifar10": "data",
    "split_indices": "data",
    "conv_output_size": "shapes",
    "volume_walk": "shapes",
    "Net": "model",
    "train_epoch": "training",
    "fit": "training",
    "evaluate": "evaluation",
    "weights_digest": "checkpoint",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cifar_repro' has no attribute {name!r}")
    return getattr(import_module(f"cifar_repro.core.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])

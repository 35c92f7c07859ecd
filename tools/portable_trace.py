"""Traces the first steps of `udacity` with any torch from 1.0 on, in the format of `cifar-repro trace`.

    python portable_trace.py --data FOLDER --out FILE

This one file needs Python 3.6 or later, numpy and torch, and nothing of cifar_repro: copy it to where the old torch is.
What it writes, `cifar-repro diff` and `cifar-repro matrix` read. With a torch that cifar_repro supports, it writes what
`cifar-repro trace` does, byte for byte, so that two traces differ only where two versions of torch do.

FOLDER holds cifar-10-batches-bin, the binary version of CIFAR-10, which is read with numpy. (The python version would
have to be unpickled, and what can unpickle can run anything.)
"""

import argparse
import hashlib
import json
import platform
import re
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

try:
    from importlib.metadata import version
except ImportError:  # Python 3.6 and 3.7

    def version(name):
        return __import__(name).__version__


CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FILES = {"train": [f"data_batch_{k}.bin" for k in range(1, 6)], "test": ["test_batch.bin"]}
OFFICIAL = {  # fingerprints of CIFAR-10 as it was published
    "train": "1e91790dbaf241617ca1f29a9aba08eb9a62df84cc90676b47edd05ad2ab3c94",
    "test": "9a4c74f5c8b6f2c4e13d3a1dfb43a5a8cda8a9da515e99fd620d2013a1a6287a",
}
RECORD = 1 + 3 * 32 * 32  # a label byte, then the red, green and blue plane
SAMPLED = 8  # values of each tensor that are kept in full
BATCH, RATE, DROPOUT, VALID = 20, 0.01, 0.25, 0.2  # those of the lesson
RECIPE = {"name": "udacity", "batch_size": BATCH, "epochs": 30, "learning_rate": RATE, "valid_fraction": VALID}
REST = {"augmentation": "none", "network": "net", "optimizer": "sgd", "momentum": 0.0, "learning_rate_decay": 0.0}
REST.update({"pixels": "minus-one-to-one", "validation": "split", "loss_window": 0})


class Net(nn.Module):
    """The lesson's network."""

    def __init__(self, dropout: float):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(64 * 4 * 4, 500)
        self.fc2 = nn.Linear(500, 10)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.relu(self.pool(conv(x)))  # as in cifar_repro: pool(relu(x)), bit for bit
        x = self.dropout(x.view(-1, 64 * 4 * 4))
        x = self.dropout(F.relu(self.fc1(x)))
        return self.fc2(x)


def watch(network: nn.Module, seen: list) -> None:
    """From now on `seen` gets the output of every module and the mask of every dropout, by name; changes no number."""
    calls = Counter()
    states = []

    def before_dropout(module, inputs):
        states.append(torch.get_rng_state())

    def after(name, module, inputs, output):
        if not seen:  # a new step
            calls.clear()
        calls[name] += 1
        numbered = f"{name}#{calls[name]}"
        if isinstance(module, nn.Dropout):
            # The output does not show what was dropped where the input was zero: draw it again from the same state.
            now = torch.get_rng_state()
            torch.set_rng_state(states.pop())
            kept = F.dropout(torch.ones_like(inputs[0]), module.p, True)
            torch.set_rng_state(now)
            seen.append((f"mask/{numbered}", array(kept) != 0))  # torch has no bool before 1.2
        seen.append((f"forward/{numbered}", array(output).copy()))

    for name, module in network.named_children():
        if isinstance(module, nn.Dropout):
            module.register_forward_pre_hook(before_dropout)
        module.register_forward_hook(partial(after, name))


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def trace(images: np.ndarray, labels: np.ndarray, seed: int, steps: int, dropout: float):
    """Yields every tensor of the first steps, in the order and by the names of `cifar-repro trace`."""
    shuffled = list(range(len(images)))
    np.random.RandomState(seed).shuffle(shuffled)
    held_out = int(np.floor(VALID * len(images)))
    train_idx = np.array(shuffled[held_out:], dtype=np.int64)
    yield "split/train", train_idx
    yield "split/valid", np.array(shuffled[:held_out], dtype=np.int64)

    torch.manual_seed(seed)
    network = Net(dropout)
    order = torch.from_numpy(train_idx)
    order = order[torch.randperm(len(order), generator=torch.Generator().manual_seed(seed))]
    torch.manual_seed(seed)

    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    seen = []
    watch(network, seen)
    parameters = list(network.named_parameters())
    for name, parameter in parameters:
        yield "init/" + name, array(parameter)
    for step, indices in enumerate(order[: steps * BATCH].split(BATCH), start=1):
        at = f"step {step}/"
        # As torchvision's ToTensor and Normalize do it.
        batch = torch.from_numpy(images)[indices].float().div(255).sub_(0.5).div_(0.5)
        targets = torch.from_numpy(labels)[indices]
        for name, tensor in [("indices", indices), ("images", batch), ("labels", targets)]:
            yield at + "batch/" + name, array(tensor)
        del seen[:]
        # As `zero_grad()` does since torch 2.0. The zeros of before would turn a gradient of -0.0 into 0.0.
        for _, parameter in parameters:
            parameter.grad = None
        loss = F.cross_entropy(network(batch), targets)
        loss.backward()
        optimizer.step()
        for name, values in seen:
            yield at + name, values
        yield at + "loss", np.array([loss.item()], dtype=np.float32)
        for name, parameter in reversed(parameters):
            yield at + "gradient/" + name, array(parameter.grad)
        for name, parameter in parameters:
            yield at + "update/" + name, array(parameter)


def entry(name: str, values: np.ndarray) -> dict:
    """What a trace holds of one tensor: a digest, and numbers that tell how far apart two of them are."""
    flat = values.reshape(-1)
    doubles = torch.from_numpy(flat.astype(np.float64))
    places = np.linspace(0, len(flat) - 1, min(SAMPLED, len(flat))).round().astype(np.int64)
    return {
        "name": name,
        "sha256": hashlib.sha256(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest(),
        "shape": list(values.shape),
        "dtype": values.dtype.name,
        "norm": doubles.norm().item(),
        "mean": doubles.mean().item(),
        "absmax": doubles.abs().max().item(),
        "sample": flat[places].tolist(),
    }


def read(folder: Path, names):
    """Images (N, 3, 32, 32) uint8 and labels (N,) int64 of some files of the binary version, one after the other."""
    parts = [np.fromfile(str(folder / "cifar-10-batches-bin" / name), dtype=np.uint8) for name in names]
    for name, part in zip(names, parts):
        if not len(part) or len(part) % RECORD:
            raise ValueError(f"{name}: {len(part)} bytes, no whole number of records of {RECORD}")
    records = np.concatenate(parts).reshape(-1, RECORD)
    images = np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32)
    return images, records[:, 0].astype(np.int64)


def describe_data(folder: Path, parts) -> dict:
    """parts: images and labels, by "train" and "test"."""
    fingerprints, counts = {}, {}
    for part, (images, labels) in parts.items():
        digest = hashlib.sha256(images.tobytes())
        digest.update(labels.astype(np.uint8).tobytes())
        fingerprints[part] = digest.hexdigest()
        counts[part] = dict(zip(CLASSES, np.bincount(labels, minlength=len(CLASSES)).tolist()))
    return {
        "kind": "binary",
        "official": fingerprints == OFFICIAL,
        "path": str(folder.resolve()),
        "fingerprints": fingerprints,
        "counts": counts,
    }


def describe_environment() -> dict:
    try:
        torchvision = version("torchvision")
    except ImportError:  # PackageNotFoundError is one
        torchvision = "none"
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    asked = getattr(torch, "are_deterministic_algorithms_enabled", None)
    return {
        "torch": str(torch.__version__),
        "torchvision": torchvision,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": model.group(1) if model else platform.processor() or platform.machine(),
        "cpu_capability": cpu_capability(cpuinfo),
        "device": "cpu",
        "gpu": None,
        "threads": torch.get_num_threads(),
        "memory_format": "contiguous",
        "deterministic": bool(asked and asked()),
    }


def cpu_capability(cpuinfo: str) -> str:
    """The instructions that torch's own kernels use (those of MKL and oneDNN choose for themselves)."""
    tells = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", None)
    if tells:
        return tells()
    built = torch.__config__.show() if hasattr(torch, "__config__") else ""
    said = re.search(r"CPU capability usage: (.+)", built)
    if said:
        return said.group(1).replace("NO AVX", "DEFAULT")
    # The versions that do not say have kernels for AVX2 at most.
    flags = set(cpuinfo.split())
    return "AVX2" if {"avx2", "fma"} <= flags else "AVX" if "avx" in flags else "DEFAULT"


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="holds cifar-10-batches-bin")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="must not exist")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="training steps to trace (default: 20)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="all four seeds (default: 0)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads of torch (default: 1)")
    parser.add_argument("--dropout", type=float, default=DROPOUT, metavar="P", help=f"(default: {DROPOUT})")
    options = parser.parse_args(arguments)
    if options.out.exists():
        parser.error(f"out: {options.out} is already there: give another name")
    try:
        data = {part: read(options.data, names) for part, names in FILES.items()}
    except (OSError, ValueError) as error:
        parser.error(f"data: {error}: give a folder that holds cifar-10-batches-bin")
    images, labels = data["train"]
    available = -(-(len(images) - int(VALID * len(images))) // BATCH)
    if not 1 <= options.steps <= available:
        parser.error(f"steps: {options.steps} is out of range: give a number from 1 to {available}")

    torch.set_num_threads(options.threads)
    if hasattr(torch, "use_deterministic_algorithms"):  # 1.8 and later; on the CPU it changes no number
        torch.use_deterministic_algorithms(True)
    overridden = [] if options.dropout == DROPOUT else ["dropout"]
    header = {
        "trace": 1,
        "steps": options.steps,
        "recipe": {**RECIPE, "dropout": options.dropout, **REST, "overridden": overridden},
        "seeds": dict.fromkeys(("split", "init", "order", "dropout"), options.seed),
        "data": describe_data(options.data, data),
        "environment": describe_environment(),
    }
    traced = trace(images, labels, options.seed, options.steps, options.dropout)
    lines = [header] + [entry(name, values) for name, values in traced]
    text = "".join(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n" for line in lines)
    options.out.write_bytes(text.encode())
    print(f"{options.steps} steps in {options.out}")


if __name__ == "__main__":
    main()

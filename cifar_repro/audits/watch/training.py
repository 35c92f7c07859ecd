"""Watches how a program trains: calls of networks, losses, gradients, steps, weights, what it prints."""

import builtins
import random
import weakref
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from tqdm import tqdm

from cifar_repro.audits import events
from cifar_repro.audits.small_data import Images, SmallSet
from cifar_repro.audits.watch.log import Log

LOSSES = (
    *("cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "kl_div", "multi_margin_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"),
)


@dataclass
class Found:
    images: list[int | None]
    looks: tuple[int, int, int]
    low: list[float]
    high: list[float]


@dataclass
class Known:
    """A network that was called. first: a checksum of each parameter as it was then."""

    number: int
    first: dict[str, int]
    trained: bool = False


@dataclass
class State:
    """What must be remembered from one event to the next."""

    data: SmallSet
    reads: list[int] = field(default_factory=list)  # images read since the last batch
    iterations: int = 0
    ended_training: int = 0  # loops over batches that trained and came to their end
    stepped: int | None = None  # the loop in which the last step was
    depth: int = 0
    active: int = 0
    minding: int = 0
    network: nn.Module | None = None
    images: list[int | None] = field(default_factory=list)  # of the last call
    iteration: int | None = None
    output: torch.Tensor | None = None  # of the last call of a network
    steps: int = 0

    def __post_init__(self) -> None:
        self.known = Images(self.data)
        self.networks: weakref.WeakKeyDictionary[nn.Module, Known] = weakref.WeakKeyDictionary()
        self.batches: deque[tuple[torch.Tensor, list[int | None], int]] = deque(maxlen=4)
        self.parameters: dict[int, int] = {}
        self.kept: list[Any] = []  # what has a number must live on: another object could get its place
        self.weighed: int | None = None
        self.reached: set[int] = set()  # parameters that had a gradient in one of the first steps

    def identify(self, batch: torch.Tensor) -> Found:
        """Which images these are: by their numbers, else by what was read for them."""
        n, numbers = len(batch), batch.detach().cpu()
        if numbers.dim() == 2 and numbers.shape[1] == 3072:
            numbers = numbers.view(n, 3, 32, 32)
        if numbers.dim() == 4 and numbers.shape[-1] == 3:
            numbers = numbers.permute(0, 3, 1, 2)
        images: list[int | None] = [None] * n
        looks, low, high = [2] * n, [], []
        if n and numbers.dim() == 4:
            array = np.ascontiguousarray(numbers.to(torch.float32).numpy())
            low, high = array.min((0, 2, 3)).tolist(), array.max((0, 2, 3)).tolist()
            if array.shape[1:] == (3, 32, 32):
                images, looks = self.known.of_numbers(array)
        if len(self.reads) == n:
            images = list(self.reads)
        return Found(images, (looks.count(0), looks.count(1), looks.count(2)), low, high)

    def keep(self, batch: torch.Tensor, images: list[int | None], iteration: int) -> None:
        self.batches.append((batch, images, iteration))

    def which(self, batch: torch.Tensor) -> tuple[list[int | None], int | None]:
        """The images that a network is called on, and the loop over a DataLoader that gave them."""
        n = len(batch)
        for given, images, iteration in reversed(self.batches):
            if given.data_ptr() == batch.data_ptr() and len(given) >= n:
                return images[:n], iteration
        found = self.identify(batch)
        last = self.batches[-1] if self.batches else None
        if last is not None and len(last[1]) == n and (None in found.images or found.images == last[1]):
            return last[1], last[2]
        if None in found.images and len(self.reads) > n:
            found.images = list(self.reads[-n:])
        self.reads.clear()
        return found.images, None

    def ended(self, log: Log, iteration: int) -> None:
        """A loop over a DataLoader came to its end."""
        if self.stepped == iteration:
            self.ended_training += 1
            if self.ended_training <= 2:
                self.compare(log)

    def compare(self, log: Log) -> None:
        for module, known in list(self.networks.items()):
            if known.trained:
                same = [name for name, p in module.named_parameters() if checksum([p]) == known.first.get(name)]
                numbers = {name: self.number(p) for name, p in module.named_parameters()}
                lacking = [name for name in same if numbers[name] not in self.reached]
                log.write(events.Unchanged(network=known.number, names=same, unreached=lacking))

    def number(self, parameter: torch.Tensor) -> int:
        if id(parameter) not in self.parameters:
            self.kept.append(parameter)
            self.parameters[id(parameter)] = len(self.parameters)
        return self.parameters[id(parameter)]


def checksum(tensors: Any) -> int:
    total = 0
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous()
        total = zlib.crc32(
            plain.flatten().view(torch.uint8).numpy().data if plain.dim() else bytes(str(plain), "ascii"), total
        )
    return total


def weights_in(saved: Any, depth: int = 2) -> int | None:
    """The checksum of the network's weights in what is saved."""
    if isinstance(saved, nn.Module):
        saved = saved.state_dict()
    if isinstance(saved, Mapping) and saved:
        if all(isinstance(value, torch.Tensor) for value in saved.values()):
            return checksum(saved.values())
        for value in saved.values():
            if depth and (found := weights_in(value, depth - 1)) is not None:
                return found
    return None


def finish(log: Log, state: State) -> None:
    """At the end of the program, however it came."""
    state.compare(log)


def install(log: Log, state: State) -> None:
    _watch_networks(log, state)
    _watch_layers(state)
    for name in LOSSES:
        _watch_loss(log, state, name)
    _watch_steps(log, state)
    _watch_weights(log, state)
    _watch_words(log)


def _watch_networks(log: Log, state: State) -> None:
    original = nn.Module.__call__

    def __call__(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        first = next((a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor)), None)
        if state.depth or first is None or not first.dim() or next(self.parameters(), None) is None:
            return original(self, *args, **kwargs)
        onward = state.output is not None and first.data_ptr() == state.output.data_ptr()
        known = state.networks.get(self)
        if known is None:
            known = state.networks[self] = _meet(log, state, self)
        state.depth, state.active, state.minding = 1, 0, 0
        try:
            result = original(self, *args, **kwargs)
        finally:
            state.depth = 0
        state.network = self
        output = result if isinstance(result, torch.Tensor) else next(iter(_first_tensors(result)), None)
        state.output = output
        predicted = [] if output is None or output.dim() != 2 else output.detach().argmax(1).tolist()
        grad = output is not None and output.requires_grad
        if onward:
            log.write(
                events.Onward(
                    network=known.number, active=state.active, minding=state.minding, grad=grad, predicted=predicted
                )
            )
            return result
        state.images, iteration = state.which(first)
        weights = None
        if iteration is None or iteration != state.weighed:
            weights, state.weighed = checksum(self.state_dict().values()), iteration
        state.iteration = iteration
        log.write(
            events.Forward(
                network=known.number,
                iteration=iteration,
                images=state.images,
                training=self.training,
                active=state.active,
                minding=state.minding,
                grad=grad,
                predicted=predicted,
                weights=weights,
                at=log.here(),
            )
        )
        return result

    nn.Module.__call__ = __call__  # type: ignore[method-assign,assignment]


def _first_tensors(result: Any) -> Any:
    values = result.values() if isinstance(result, Mapping) else result if isinstance(result, list | tuple) else ()
    return (v for v in values if isinstance(v, torch.Tensor))


def _meet(log: Log, state: State, module: nn.Module) -> Known:
    known = Known(len(state.networks), {name: checksum([p]) for name, p in module.named_parameters()})
    log.write(
        events.Network(
            network=known.number,
            name=type(module).__name__,
            parameters={name: state.number(p) for name, p in module.named_parameters()},
            frozen=[name for name, p in module.named_parameters() if not p.requires_grad],
            at=log.here(),
        )
    )
    return known


def _watch_layers(state: State) -> None:
    """Dropout and batch normalisation tell whether they behave as in training."""

    def watch(module: Any, name: str, training_at: int, default: bool) -> None:
        original = getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            training = (
                kwargs["training"] if "training" in kwargs else (args[training_at : training_at + 1] or [default])[0]
            )
            p = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            if "norm" in name or p:
                state.minding += 1
                state.active += bool(training)
            return original(*args, **kwargs)

        setattr(module, name, watched)

    for name in ("dropout", "dropout1d", "dropout2d", "alpha_dropout"):
        watch(F, name, 2, True)
    watch(torch, "dropout", 2, True)
    watch(F, "batch_norm", 5, False)


def _watch_loss(log: Log, state: State, name: str) -> None:
    original = getattr(F, name)

    def watched(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(input, target, *args, **kwargs)
        if not isinstance(result, torch.Tensor) or not isinstance(input, torch.Tensor) or not input.dim():
            return result
        size, total = len(input), float(result.detach().sum())
        reduction = kwargs.get("reduction", "mean")
        mean = total if reduction == "mean" and result.dim() == 0 else total / max(1, size)
        log.write(
            events.Loss(
                function=name,
                size=size,
                mean=mean,
                found=_kind(input.detach()),
                outputs=input.shape[1] if input.dim() > 1 else 1,
                given=_other_labels(state, target),
                at=log.here(),
            )
        )
        return result

    setattr(F, name, watched)


def _kind(x: torch.Tensor) -> str:
    """What the first argument of a loss is."""
    if x.dim() != 2 or x.shape[1] < 2 or not len(x):
        return "other"
    x = x.double()
    if x.min() >= 0 and torch.allclose(x.sum(1), torch.ones(len(x), dtype=x.dtype), atol=1e-3):
        return "probabilities"
    if x.max() <= 1e-6 and torch.allclose(x.exp().sum(1), torch.ones(len(x), dtype=x.dtype), atol=1e-3):
        return "log-probabilities"
    if x.min() == 0 and (x == 0).double().mean() > 0.2:
        return "rectified"
    return "logits"


def _other_labels(state: State, target: Any) -> list[int]:
    """The labels that a loss was given, where they are not the true ones of the last images; else nothing."""
    if not isinstance(target, torch.Tensor) or len(target) != len(state.images) or None in state.images:
        return []
    labels = (target.argmax(1) if target.dim() == 2 else target.flatten()).tolist()
    true = [state.known.labels[code] for code in state.images if code is not None]
    return [] if labels == true or len(labels) != len(true) else [int(label) for label in labels]


def _watch_steps(log: Log, state: State) -> None:
    def nonzero(parameters: Any) -> bool:
        return any(p.grad is not None and bool(p.grad.detach().any()) for p in parameters)

    original_backward = torch.Tensor.backward

    def backward(self: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        stale = state.network is not None and nonzero(state.network.parameters())
        value = float(self.detach()) if self.numel() == 1 else None
        log.write(events.Backward(value=value, stale=stale, at=log.here()))
        original_backward(self, *args, **kwargs)

    torch.Tensor.backward = backward  # type: ignore[method-assign]
    original_init = torch.optim.Optimizer.__init__
    numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original_init(self, *args, **kwargs)
        numbers[self] = len(numbers)
        parameters = [state.number(p) for group in self.param_groups for p in group["params"]]
        log.write(
            events.Optimizer(optimizer=numbers[self], name=type(self).__name__, parameters=parameters, at=log.here())
        )

    torch.optim.Optimizer.__init__ = __init__  # type: ignore[method-assign]

    def step(optimizer: Any, args: Any, kwargs: Any) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        log.write(events.Step(optimizer=numbers.get(optimizer, -1), gradients=nonzero(parameters), at=log.here()))
        state.stepped = state.iteration
        state.steps += 1
        if state.steps <= 3:
            everything = (p for network in state.networks for p in network.parameters())
            state.reached |= {state.number(p) for p in everything if p.grad is not None}
        held = {id(p) for p in parameters}
        for module, known in state.networks.items():
            known.trained = known.trained or any(id(p) in held for p in module.parameters())

    register_optimizer_step_pre_hook(step)


def _watch_weights(log: Log, state: State) -> None:
    original_save, original_load, original_restore = torch.save, torch.load, nn.Module.load_state_dict

    def save(obj: Any, *args: Any, **kwargs: Any) -> None:
        log.write(events.Save(weights=weights_in(obj), at=log.here()))
        original_save(obj, *args, **kwargs)

    def load(*args: Any, **kwargs: Any) -> Any:
        loaded = original_load(*args, **kwargs)
        if isinstance(loaded, nn.Module):
            log.write(events.Restore(weights=checksum(loaded.state_dict().values()), live=False, at=log.here()))
        return loaded

    def load_state_dict(self: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        own = {p.data_ptr() for p in self.state_dict().values() if p.dim()}
        live = any(isinstance(t, torch.Tensor) and t.data_ptr() in own for t in state_dict.values())
        result = original_restore(self, state_dict, *args, **kwargs)
        log.write(events.Restore(weights=checksum(self.state_dict().values()), live=live, at=log.here()))
        return result

    torch.save, torch.load, nn.Module.load_state_dict = save, load, load_state_dict  # type: ignore[method-assign]


def _watch_words(log: Log) -> None:
    original_print = builtins.print

    def print(*values: Any, sep: str | None = " ", file: Any = None, **kwargs: Any) -> None:
        original_print(*values, sep=sep, file=file, **kwargs)
        if at := log.here():
            log.write(events.Print(text=(" " if sep is None else sep).join(map(str, values)), at=at))

    builtins.print = print
    tqdm.write = lambda s, *args, **kwargs: print(s)  # type: ignore[method-assign,assignment]

    def seeding(module: Any, name: str, generator: str) -> None:
        original: Callable[..., Any] = getattr(module, name)

        def seed(*args: Any, **kwargs: Any) -> Any:
            if args or kwargs:
                log.write(events.Seed(generator=generator, at=log.here()))
            return original(*args, **kwargs)

        setattr(module, name, seed)

    seeding(torch, "manual_seed", "torch")
    seeding(np.random, "seed", "numpy")
    seeding(random, "seed", "random")

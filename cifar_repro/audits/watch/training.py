"""Watches how a program trains: calls of networks, losses, gradients, steps, weights, what it prints."""

import builtins
import random
import weakref
from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from tqdm import tqdm

from cifar_repro.audits import events
from cifar_repro.audits.watch.log import Log, around, put
from cifar_repro.audits.watch.state import Known, State, checksum, weights_in

LOSSES = (
    *("cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "kl_div", "multi_margin_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"),
)


def install(log: Log, state: State) -> None:
    _watch_networks(log, state)
    _watch_layers(state)
    for name in LOSSES:
        _watch_loss(log, state, name)
    _watch_steps(log, state)
    _watch_weights(log, state)
    _watch_words(log)


def _watch_networks(log: Log, state: State) -> None:
    @around(nn.Module, "__call__")
    def call(original: Any, self: nn.Module, *args: Any, **kwargs: Any) -> Any:
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
        weights = None
        if not onward:
            state.images, state.iteration = state.which(first)
            if state.iteration is None or state.iteration != state.weighed:
                weights, state.weighed = checksum(self.state_dict().values()), state.iteration
        log.write(
            events.Forward(
                network=known.number,
                iteration=state.iteration,
                images=state.images,
                training=self.training,
                active=state.active,
                minding=state.minding,
                grad=output is not None and output.requires_grad,
                predicted=predicted,
                weights=weights,
                onward=onward,
                at=log.here(),
            )
        )
        return result


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
        @around(module, name)
        def watched(original: Any, *args: Any, **kwargs: Any) -> Any:
            told = [kwargs[word] for word in ("training", "train") if word in kwargs]
            training = (told or args[training_at : training_at + 1] or [default])[0]
            p = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            if "norm" in name or p:
                state.minding += 1
                state.active += bool(training)
            return original(*args, **kwargs)

    for name in ("dropout", "dropout1d", "dropout2d", "alpha_dropout"):
        watch(F, name, 2, True)
    watch(torch, "dropout", 2, True)
    watch(F, "batch_norm", 5, False)


def _watch_loss(log: Log, state: State, name: str) -> None:
    form = signature(getattr(F, name))

    @around(F, name)
    def watched(original: Any, input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(input, target, *args, **kwargs)
        if not isinstance(result, torch.Tensor) or not isinstance(input, torch.Tensor) or not input.dim():
            return result
        one = input.dim() == 1 and isinstance(target, torch.Tensor) and not target.dim()  # an image and its label
        size, total = 1 if one else len(input), float(result.detach().sum())
        given = form.bind(input, target, *args, **kwargs).arguments
        is_mean = given.get("reduction", "mean") in ("mean", "batchmean") and given.get("size_average") is not False
        mean = total if is_mean and result.dim() == 0 else total / max(1, size)
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
    if not isinstance(target, torch.Tensor) or not target.dim() or None in state.images:
        return []
    if len(target) != len(state.images):
        return []
    labels = (target.argmax(1) if target.dim() == 2 else target.flatten()).tolist()
    true = [state.known.labels[code] for code in state.images if code is not None]
    return [] if labels == true or len(labels) != len(true) else [int(label) for label in labels]


def _watch_steps(log: Log, state: State) -> None:
    def nonzero(parameters: Any) -> bool:
        return any(p.grad is not None and bool(p.grad.detach().any()) for p in parameters)

    @around(torch.Tensor, "backward")
    def backward(original: Any, self: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        stale = state.network is not None and nonzero(state.network.parameters())
        value = float(self.detach()) if self.numel() == 1 else None
        log.write(events.Backward(value=value, stale=stale, at=log.here()))
        original(self, *args, **kwargs)

    numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    @around(torch.optim.Optimizer, "__init__")
    def init(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        numbers[self] = len(numbers)
        parameters = [state.number(p) for group in self.param_groups for p in group["params"]]
        log.write(
            events.Optimizer(optimizer=numbers[self], name=type(self).__name__, parameters=parameters, at=log.here())
        )

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

    @around(torch.optim.lr_scheduler.ReduceLROnPlateau, "step")
    def plateau(original: Any, self: Any, metrics: Any, *args: Any, **kwargs: Any) -> None:
        log.write(events.Plateau(value=float(metrics), at=log.here()))
        original(self, metrics, *args, **kwargs)


def _watch_weights(log: Log, state: State) -> None:
    @around(torch, "save")
    def save(original: Any, obj: Any, *args: Any, **kwargs: Any) -> None:
        log.write(events.Save(weights=weights_in(obj), at=log.here()))
        original(obj, *args, **kwargs)

    @around(torch, "load")
    def load(original: Any, *args: Any, **kwargs: Any) -> Any:
        loaded = original(*args, **kwargs)
        if isinstance(loaded, nn.Module):
            log.write(events.Restore(weights=checksum(loaded.state_dict().values()), live=False, at=log.here()))
        return loaded

    @around(nn.Module, "load_state_dict")
    def restore(original: Any, self: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        own = {p.data_ptr() for p in self.state_dict().values() if p.dim()}
        live = any(isinstance(t, torch.Tensor) and t.data_ptr() in own for t in state_dict.values())
        result = original(self, state_dict, *args, **kwargs)
        log.write(events.Restore(weights=checksum(self.state_dict().values()), live=live, at=log.here()))
        return result


def _watch_words(log: Log) -> None:
    @around(builtins, "print")
    def say(original: Any, *values: Any, sep: str | None = " ", **kwargs: Any) -> None:
        original(*values, sep=sep, **kwargs)
        if at := log.here():
            log.write(events.Print(text=(" " if sep is None else sep).join(map(str, values)), at=at))

    put(tqdm, "write", lambda s, *args, **kwargs: print(s))
    for module, name, generator in (
        (torch, "manual_seed", "torch"),
        (np.random, "seed", "numpy"),
        (random, "seed", "random"),
    ):

        @around(module, name)
        def seed(original: Any, *args: Any, generator: str = generator, **kwargs: Any) -> Any:
            if args or kwargs:
                log.write(events.Seed(generator=generator, at=log.here()))
            return original(*args, **kwargs)

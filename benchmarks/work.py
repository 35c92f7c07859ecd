"""The pieces of a training that are timed, the engine's and the lesson's, each with a check that it was done.

The engine is checked against the lesson's own network and loop, and those against the engine, on the same device and
from the same weights and seeds, so what is timed is never compared with itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader

from benchmarks import measures, tutorial
from cifar_repro.audits.lesson import TutorialNet
from cifar_repro.core.data import ImageSet, batches
from cifar_repro.core.evaluation import evaluate
from cifar_repro.core.model import build_network
from cifar_repro.core.recipe import RECIPES
from cifar_repro.core.training import make_optimizer, torch_memory_format, train_epoch

RECIPE = RECIPES["udacity"]


@dataclass(frozen=True)
class Work:
    """What is timed is `run(*ready())`, `ready` left out.

    check: takes what run returned; AssertionError unless all was done and done right. images: that one run handles.
    flops: of one run; 0 where it is no matter of arithmetic.
    """

    ready: Callable[[], tuple[Any, ...]]
    run: Callable[..., Any]
    check: Callable[[Any], None]
    images: int
    flops: int = 0


def _lesson_network(device: str) -> nn.Module:
    torch.manual_seed(0)
    return TutorialNet(RECIPE.dropout).to(device)


def _engine_network(device: str, memory_format: str) -> nn.Module:
    torch.manual_seed(0)
    return build_network(RECIPE).to(device).to(memory_format=torch_memory_format(memory_format))


def plain_step(
    network: nn.Module, images: torch.Tensor, labels: torch.Tensor, optimizer: torch.optim.Optimizer
) -> float:
    """A training step as the lesson writes it; returns the loss from before the update."""
    optimizer.zero_grad()
    loss = F.cross_entropy(network(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def _weights(network: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


class _Step:
    """One training step of `network` on one batch, and what `other`, of the same weights, makes of the same step."""

    def __init__(self, network: nn.Module, other: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.network, self.images, self.labels = network.train(), images, labels
        self.optimizer = make_optimizer(RECIPE, network)
        self.start = _weights(network)
        torch.manual_seed(0)
        plain = images.contiguous()  # all that the lesson's network takes
        self.logits = other.train()(plain).detach()
        torch.manual_seed(0)
        self.loss = plain_step(other, plain, labels, make_optimizer(RECIPE, other))
        self.gradients = [parameter.grad.clone() for parameter in other.parameters()]
        self.changes = [after - before for after, before in zip(_weights(other), self.start, strict=True)]

    def restore(self) -> tuple[()]:
        """The weights, no gradients, and dropout's generator, as before the step."""
        with torch.no_grad():
            for parameter, value in zip(self.network.parameters(), self.start, strict=True):
                parameter.copy_(value)
        self.network.zero_grad()
        torch.manual_seed(0)
        return ()

    def with_loss(self) -> tuple[torch.Tensor]:
        self.restore()
        return (F.cross_entropy(self.network(self.images), self.labels),)

    def with_gradients(self) -> tuple[()]:
        self.restore()
        for parameter, gradient in zip(self.network.parameters(), self.gradients, strict=True):
            parameter.grad = torch.empty_like(parameter).copy_(gradient)
        return ()

    def check_logits(self, logits: torch.Tensor) -> None:
        assert logits is not None, "the forward pass gave nothing"
        assert_close(logits.detach(), self.logits)

    def check_gradients(self, _: None) -> None:
        for parameter, gradient in zip(self.network.parameters(), self.gradients, strict=True):
            assert parameter.grad is not None, "the backward pass left no gradient"
            assert_close(parameter.grad, gradient)

    def check_update(self, _: None) -> None:
        # Compared as changes: a weight is so much larger than its change that no change would pass for the right one.
        for after, before, change in zip(self.network.parameters(), self.start, self.changes, strict=True):
            assert_close(after.detach() - before, change, rtol=1e-2, atol=1e-6)

    def check_step(self, loss: float) -> None:
        assert loss is not None, "the step gave no loss"
        assert_close(loss, self.loss, rtol=1e-4, atol=0.0)
        self.check_update(None)


def steps(data: ImageSet, batch_size: int, device: str, memory_format: str) -> dict[str, Work]:
    """The parts of a training step, and the whole of it, on a batch that is there already."""
    layout = torch_memory_format(memory_format)
    indices = torch.arange(batch_size) % len(data)
    images, labels = next(batches(data.to(device), indices, batch_size, memory_format=layout))
    network = _engine_network(device, memory_format)
    step = _Step(network, _lesson_network(device), images, labels)
    lesson = _Step(_lesson_network(device), _engine_network(device, "contiguous"), images.contiguous(), labels)
    n, forward, backward = batch_size, measures.forward_flops(network), measures.backward_flops(network)
    whole = n * (forward + backward)

    def engine_step() -> float:
        return train_epoch(network, [(images, labels)], step.optimizer).mean

    def lesson_step() -> float:
        return plain_step(lesson.network, lesson.images, labels, lesson.optimizer)

    return {
        "forward": Work(step.restore, lambda: network(images), step.check_logits, n, n * forward),
        "backward": Work(step.with_loss, torch.Tensor.backward, step.check_gradients, n, n * backward),
        "optimizer step": Work(step.with_gradients, step.optimizer.step, step.check_update, n),
        "training step": Work(step.restore, engine_step, step.check_step, n, whole),
        "training step, lesson": Work(lesson.restore, lesson_step, lesson.check_step, n, whole),
    }


def _nothing() -> tuple[()]:
    return ()


def _lesson_loader(data: ImageSet, batch_size: int) -> DataLoader:
    return DataLoader(tutorial.Pictures(data, tutorial.transform_of(RECIPE)), batch_size=batch_size)


def _consume(made: Iterable[tuple[torch.Tensor, torch.Tensor]], device: str) -> tuple[int, torch.Tensor]:
    """Goes through batches; returns how many images there were, and the last ones, on the CPU."""
    count, last = 0, torch.empty(0)
    for images, labels in made:
        images, labels = images.to(device), labels.to(device)
        count, last = count + len(labels), images
    return count, last.cpu()


def pipelines(data: ImageSet, batch_size: int, device: str, memory_format: str) -> dict[str, Work]:
    """All images, in batches, ready for a network on the device."""
    there, indices = data.to(device), torch.arange(len(data))
    layout = torch_memory_format(memory_format)

    def engine() -> tuple[int, torch.Tensor]:
        return _consume(batches(there, indices, batch_size, memory_format=layout), device)

    def lesson() -> tuple[int, torch.Tensor]:
        return _consume(_lesson_loader(data, batch_size), device)

    def check_against(other: Callable[[], tuple[int, torch.Tensor]]) -> Callable[[tuple[int, torch.Tensor]], None]:
        def check(result: tuple[int, torch.Tensor]) -> None:
            assert result is not None, "no batch came out"
            assert result[0] == len(data), f"{result[0]} images came out of {len(data)}"
            assert_close(result[1], other()[1])

        return check

    return {
        "data": Work(_nothing, engine, check_against(lesson), len(data)),
        "data, lesson": Work(_nothing, lesson, check_against(engine), len(data)),
    }


def validations(data: ImageSet, batch_size: int, device: str, memory_format: str) -> dict[str, Work]:
    """The mean loss of a network over all images."""
    there, indices = data.to(device), torch.arange(len(data))
    layout = torch_memory_format(memory_format)
    network, plain = _engine_network(device, memory_format), _lesson_network(device).eval()

    def engine() -> float:
        return evaluate(network, batches(there, indices, batch_size, memory_format=layout)).loss

    def lesson() -> float:
        total = 0.0
        for images, labels in _lesson_loader(data, batch_size):
            loss = F.cross_entropy(plain(images.to(device)), labels.to(device))
            total += loss.item() * images.size(0)
        return total / len(data)

    def check_against(other: Callable[[], float]) -> Callable[[float], None]:
        def check(loss: float) -> None:
            assert loss is not None, "no loss came out"
            assert_close(loss, other(), rtol=1e-5, atol=0.0)

        return check

    flops = len(data) * measures.forward_flops(network)
    return {
        "validation": Work(_nothing, engine, check_against(lesson), len(data), flops),
        "validation, lesson": Work(_nothing, lesson, check_against(engine), len(data), flops),
    }

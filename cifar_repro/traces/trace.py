"""A trace: every tensor of the first training steps, in order and by name.

Names say phase and place, never the number of an operation, so that traces of different torch versions can be aligned:

    split/train, split/valid            indices; the second only where there is a validation split
    init/conv1.weight ...               the parameters before the first step
    step 1/batch/indices, images, labels
    step 1/forward/conv1, pool#1 ...    the output of every module; #k where one is called more than once in a step
    step 1/mask/dropout#1 ...           what dropout keeps
    step 1/loss
    step 1/gradient/fc2.bias ...        in the order in which backward makes them, last layer first
    step 1/update/conv1.weight ...      the parameters after the step
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from cifar_repro.core import seeding
from cifar_repro.core.data import Cifar10, batches
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.core.recipe import Recipe, Seeds
from cifar_repro.core.training import begin, split, torch_memory_format, train_epoch


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
            f"steps: {steps} is out of range: give a number from 1 to {available}, the steps of the first epoch"
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

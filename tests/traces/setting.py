"""What these tests trace: five steps on 25 images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from cifar_repro.core.data import Cifar10
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.traces.trace import trace
from cifar_repro.traces.trace_file import Trace, header, summarise

CPU = torch.device("cpu")
STEPS = 5
SEEDS = Seeds(1, 2, 3, 4)
RECIPE = RECIPES["udacity"].with_changes({"batch_size": 5, "epochs": 1})


@dataclass(frozen=True)
class Setting:
    """What is traced."""

    data: Cifar10
    recipe: Recipe = RECIPE
    seeds: Seeds = SEEDS
    threads: int = 1
    memory_format: str = "contiguous"

    def tensors(self, dtype: torch.dtype = torch.float32) -> Iterator[tuple[str, torch.Tensor]]:
        options: dict[str, Any] = {"memory_format": self.memory_format, "dtype": dtype}
        return trace(self.recipe, self.seeds, self.data, STEPS, device=CPU, **options)

    def traced(self) -> Trace:
        torch.set_num_threads(self.threads)
        first = header(self.recipe, self.seeds, self.data, STEPS, CPU, self.memory_format)
        return Trace(first, [summarise(*tensor) for tensor in self.tensors()])

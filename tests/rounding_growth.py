"""Measures how rounding grows in a training: the same one in float32 and in float64, epoch by epoch.

    python tests/rounding_growth.py --data FOLDER [--recipe udacity] [--seeds 0 1] [--epochs 10] [--check] -o FILE

Both trainings have the same split, initial weights, order and dropout masks, and the same float32 pixels; they differ
in nothing but the rounding of what is computed from these. FILE gets, for each seed and epoch, the training and
validation losses of both; it is written again after each epoch. With --check a third training, in float32 but in
channels_last, shows another rounding. `cifar_repro/verdicts/rounding.json` is made of such files.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from cifar_repro.core import seeding
from cifar_repro.core.data import ImageSet, batches, load_cifar10
from cifar_repro.core.evaluation import evaluate
from cifar_repro.core.recipe import Recipe, Seeds, get_recipe
from cifar_repro.core.training import begin, split, torch_memory_format, train_epoch


def trainings(
    recipe: Recipe, seed: int, data: ImageSet, dtype: torch.dtype, memory_format: str = "contiguous"
) -> Iterator[tuple[list[float], float, float]]:
    """(loss of each step, train_loss, valid_loss) of each epoch. Holds the global generator between two epochs."""
    layout = torch_memory_format(memory_format)
    train_idx, valid_idx = split(recipe, Seeds.all(seed), len(data))

    def passes(indices: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        made = batches(data, indices, recipe.batch_size, augmentation=recipe.augmentation, memory_format=layout)
        return ((images.to(dtype), labels) for images, labels in made)

    training = begin(recipe, Seeds.all(seed), torch.device("cpu"), layout)
    network = training.network.to(dtype)
    for _ in range(recipe.epochs):
        chosen = train_idx[torch.randperm(len(train_idx), generator=training.order)]
        train_losses = train_epoch(network, passes(chosen), training.optimizer)
        yield train_losses.losses, train_losses.mean, evaluate(network, passes(valid_idx)).loss


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", default="udacity")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()

    seeding.make_deterministic(threads=1)
    data = load_cifar10(options.data)
    recipe = get_recipe(options.recipe).with_changes({"epochs": options.epochs})
    kinds: list[tuple[str, torch.dtype, str]] = [
        ("float32", torch.float32, "contiguous"),
        ("float64", torch.float64, "contiguous"),
    ]
    if options.check:
        kinds.append(("channels_last", torch.float32, "channels_last"))
    result: dict[str, Any] = {"recipe": recipe.name, "images": len(data.train), "torch": torch.__version__, "seeds": {}}
    for seed in options.seeds:
        runs = {name: trainings(recipe, seed, data.train, dtype, layout) for name, dtype, layout in kinds}
        states: dict[str, torch.Tensor] = {}  # each training's own global generator
        epochs: list[dict[str, Any]] = []
        result["seeds"][str(seed)] = epochs
        for epoch in range(1, options.epochs + 1):
            entry: dict[str, Any] = {"epoch": epoch}
            steps: dict[str, list[float]] = {}
            for name, run in runs.items():
                if name in states:
                    torch.set_rng_state(states[name])
                steps[name], train_loss, valid_loss = next(run)
                states[name] = torch.get_rng_state()
                entry[name] = {"train_loss": train_loss, "valid_loss": valid_loss}
            if epoch == 1:
                marks = [step for k in range(20) if (step := 2**k) <= len(steps["float64"])]
                entry["steps"] = {
                    step: {name: abs(steps[name][step - 1] / steps["float64"][step - 1] - 1) for name in steps}
                    for step in marks
                }
            epochs.append(entry)
            options.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
            exact = entry["float64"]
            shown = {
                f"{name} {loss}": f"{entry[name][loss] / exact[loss] - 1:+.2e}"
                for name in runs
                if name != "float64"
                for loss in exact
            }
            print(f"seed {seed} epoch {epoch}", shown, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

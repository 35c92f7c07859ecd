"""Why are the published training losses of `udacity` lower than ours? Each hypothesis, tried over a few seeds.

    python tools/hypotheses.py run --data DATA --out FILE [--seeds 3] [--epochs 3] [--only NAME ...]
    python tools/hypotheses.py table FILE

`run` trains some epochs of each, one thread, on DATA (official CIFAR-10) and keeps a JSON line a seed in FILE as it
ends; the same command goes on where it was stopped. Seed s is the seed of split, weights, order and dropout alike, so
that the same seed of two hypotheses differs in nothing but what the hypothesis changes. `table` prints Markdown.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from statistics import fmean

import torch
from torch import nn
from torch.utils.data import RandomSampler

from cifar_repro.core.data import Cifar10, batches, load_cifar10
from cifar_repro.core.evaluation import evaluate
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.seeding import make_deterministic
from cifar_repro.core.training import begin, split, train_epoch
from cifar_repro.verdicts.published import known

EPOCHS = 3  # that the table compares
BASE = RECIPES["udacity"]
Order = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


def permuted(indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """As the lesson does: each image once, a new permutation each epoch."""
    return indices[torch.randperm(len(indices), generator=generator)]


def with_replacement(indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """As many draws as there are images, some of them twice."""
    return indices[torch.tensor(list(RandomSampler(range(len(indices)), replacement=True, generator=generator)))]


def unshuffled(indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The order of the split, in every epoch."""
    return indices


def no_change(network: nn.Module) -> None:
    pass


def kaiming(network: nn.Module) -> None:
    """He's normal initialisation, biases zero."""
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")


def one_dropout(network: nn.Module) -> None:
    """None before fc1, where the lesson has its first."""
    original, calls = network.dropout.forward, iter(range(10**9))
    network.dropout.forward = lambda x: x if next(calls) % 2 == 0 else original(x)


LESSON = "the lesson, as it is"
# What each changes: fields of the recipe, the network once it is built, the order, steps trained before epoch 1.
HYPOTHESES: dict[str, tuple[dict[str, object], Callable[[nn.Module], None], Order, int]] = {
    LESSON: ({}, no_change, permuted, 0),
    "batches of 16": ({"batch_size": 16}, no_change, permuted, 0),
    "learning rate 0.012": ({"learning_rate": 0.012}, no_change, permuted, 0),
    "momentum 0.2": ({"momentum": 0.2}, no_change, permuted, 0),
    "trained on all 50,000": ({"validation": "none", "valid_fraction": 0.0}, no_change, permuted, 0),
    "weights kept from 200 earlier steps": ({}, no_change, permuted, 200),
    "pixels from 0 to 1": ({"pixels": "unit"}, no_change, permuted, 0),
    "He's initialisation": ({}, kaiming, permuted, 0),
    "images drawn with replacement": ({}, no_change, with_replacement, 0),
    "the same order in every epoch": ({}, no_change, unshuffled, 0),
    "dropout 0.2": ({"dropout": 0.2}, no_change, permuted, 0),
    "no dropout before fc1": ({}, one_dropout, permuted, 0),
}


def losses(name: str, seed: int, epochs: int, data: Cifar10) -> list[list[float | None]]:
    """[training, validation] loss of each epoch; validation: of the held-out images, None where there are none."""
    changes, change, order, earlier = HYPOTHESES[name]
    recipe, seeds = BASE.with_changes(changes), Seeds.all(seed)
    train_idx, valid_idx = split(recipe, seeds, len(data.train))
    training = begin(recipe, seeds, torch.device("cpu"), torch.contiguous_format)
    state = torch.get_rng_state()
    torch.manual_seed(seed + 1_000_000)
    change(training.network)
    torch.set_rng_state(state)  # dropout draws what it draws in the lesson

    def passes(indices: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return batches(data.train, indices, recipe.batch_size, pixels=recipe.pixels)

    if earlier:
        first = permuted(train_idx, torch.Generator().manual_seed(seed + 1_000_000))[: earlier * recipe.batch_size]
        train_epoch(training.network, passes(first), training.optimizer)
    found: list[list[float | None]] = []
    for _ in range(epochs):
        loss = train_epoch(training.network, passes(order(train_idx, training.order)), training.optimizer).mean
        found.append([loss, evaluate(training.network, passes(valid_idx)).loss if len(valid_idx) else None])
    return found


def run(options: argparse.Namespace) -> None:
    make_deterministic(1)
    data = load_cifar10(options.data)
    if not data.official:
        options.error(f"data: {options.data} is not official CIFAR-10, of which the published results are: give that")
    done = {(e["name"], e["seed"]) for e in read(options.out) if len(e["losses"]) >= options.epochs}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name in options.only or HYPOTHESES:
            if (name, seed) not in done:
                entry = {
                    "name": name,
                    "seed": seed,
                    "torch": str(torch.__version__),
                    "losses": losses(name, seed, options.epochs, data),
                }
                with options.out.open("a") as file:
                    file.write(json.dumps(entry) + "\n")
                print(name, seed, [f"{train:.3f}" for train, _ in entry["losses"]], flush=True)


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def table(file: Path, lesson: Mapping[int, list[list[float]]] | None = None) -> str:
    """The Markdown table of what a file holds.

    lesson: [training, validation] loss of each epoch of further runs of the recipe as it is, by seed.
    """
    published = [e["train_loss"] for e in known("udacity")["epochs"][:EPOCHS]]
    lines = [
        "| hypothesis | seeds | training loss of epochs 1, 2, 3: mean (range) | from the published one, % | "
        "from the lesson with the same seeds, % |",
        "|---|---|---|---|---|",
        f"| published | 1 run | {', '.join(f'{x:.3f}' for x in published)} | | |",
    ]
    runs: dict[str, dict[int, list[list[float]]]] = {name: {} for name in HYPOTHESES}
    for entry in read(file):
        runs[entry["name"]][entry["seed"]] = entry["losses"]
    base = runs[LESSON] = {**runs[LESSON], **(lesson or {})}
    for name, by_seed in runs.items():
        if by_seed:
            columns = [[losses[e][0] for losses in by_seed.values() if len(losses) > e] for e in range(EPOCHS)]
            counts = list(dict.fromkeys(map(len, columns)))
            means = ", ".join(f"{fmean(c):.3f} ({min(c):.3f} to {max(c):.3f})" for c in columns)
            off = _percents(fmean(c) / x - 1 for c, x in zip(columns, published, strict=True))
            effect = ""
            if name != LESSON:
                pairs = [[by_seed[seed][e][0] / base[seed][e][0] - 1 for seed in by_seed] for e in range(EPOCHS)]
                effect = f" {_percents(map(fmean, pairs))}"
            lines.append(f"| {name} | {' to '.join(map(str, counts))} | {means} | {off} |{effect} |")
    return "\n".join(lines) + "\n"


def whole(file: Path, lesson: Mapping[int, list[list[float]]]) -> str:
    """The Markdown table of the hypotheses that were run over all epochs of the published curve; empty without any.

    lesson: [training, validation] loss of each epoch of runs of the recipe as it is, by seed. How far a run is from the
    published one is the mean over the epochs of |its loss / the published one - 1|.
    """
    published = [[e["train_loss"], e["valid_loss"]] for e in known("udacity")["epochs"]]
    runs: dict[str, dict[int, list[list[float]]]] = {LESSON: dict(lesson)}
    for entry in read(file):
        if len(entry["losses"]) == len(published):
            runs.setdefault(entry["name"], {})[entry["seed"]] = entry["losses"]
    if len(runs) == 1:
        return ""
    shown = range(9, len(published), 10)  # epochs 10, 20 and 30
    lines = [
        "| hypothesis | seeds | training loss of epochs 10, 20, 30: mean | from the lesson with the same seeds, % | "
        "training loss, from the published one, %: mean (range) | validation loss, from the published one, % |",
        "|---|---|---|---|---|---|",
        f"| published | 1 run | {', '.join(f'{published[n][0]:.3f}' for n in shown)} | | | |",
    ]
    for name, by_seed in runs.items():
        means = ", ".join(f"{fmean(losses[n][0] for losses in by_seed.values()):.3f}" for n in shown)
        pairs = [[by_seed[seed][n][0] / lesson[seed][n][0] - 1 for seed in by_seed] for n in shown]
        effect = f" {_percents(map(fmean, pairs))}" if name != LESSON else ""
        distances = []
        for k in (0, 1):
            far = [
                fmean(100 * abs(ours[k] / theirs[k] - 1) for ours, theirs in zip(losses, published, strict=True))
                for losses in by_seed.values()
            ]
            distances.append(f"{fmean(far):.1f} ({min(far):.1f} to {max(far):.1f})")
        lines.append(f"| {name} | {len(by_seed)} | {means} |{effect} | {' | '.join(distances)} |")
    return "\n".join(lines) + "\n"


def _percents(shares: Iterable[float]) -> str:
    return ", ".join(f"{100 * share:+.1f}" for share in shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run")
    runs.add_argument("--data", required=True)
    runs.add_argument("--out", type=Path, required=True)
    runs.add_argument("--seeds", type=int, default=3)
    runs.add_argument("--epochs", type=int, default=EPOCHS)
    runs.add_argument("--first-seed", type=int, default=0)
    runs.add_argument("--only", nargs="+", choices=HYPOTHESES)
    runs.set_defaults(call=run, error=runs.error)
    tables = commands.add_parser("table")
    tables.add_argument("file", type=Path)
    tables.set_defaults(call=lambda options: print(table(options.file), end=""))
    options = parser.parse_args()
    options.call(options)


if __name__ == "__main__":
    main()

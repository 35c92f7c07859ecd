"""Measures the distributions over seeds that accuracy targets come from, and keeps them in targets.json.

    python -m benchmarks.measure_targets --recipe udacity --data synthetic --epochs 1 [--seeds 10]
    python -m benchmarks.measure_targets --runs FOLDER...

The first trains seeds 0, 1, ... on one thread and goes on where an earlier call stopped; the second takes complete
runs of a recipe that `cifar-repro run` or `study` made. Every seed's accuracy is kept as soon as it is there.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from benchmarks import targets
from benchmarks.targets import Distribution
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import load_cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import Seeds, get_recipe
from cifar_repro.core.seeding import make_deterministic
from cifar_repro.core.training import fit
from cifar_repro.formats import plain
from cifar_repro.runs.environment import environment
from cifar_repro.runs.record import describe_data
from cifar_repro.studies.results import read_results

CPU = torch.device("cpu")
ENVIRONMENT = ("torch", "cpu", "cpu_capability", "device", "threads", "memory_format")


def keep(distribution: Distribution, path: Path = targets.FILE) -> Distribution:
    """Adds the accuracies to those of the same recipe, kind of data and epochs in the file; returns all of them.

    Raises InputError where those were measured on other images.
    """
    name = (distribution.recipe, distribution.data, distribution.epochs)
    others = [d for d in targets.read(path) if (d.recipe, d.data, d.epochs) != name]
    before = targets.find(*name, path)
    if before is not None:
        if before.fingerprints != distribution.fingerprints:
            raise InputError(f"data: not the images that the targets of {name} were measured on: remove those first")
        distribution = replace(
            distribution,
            accuracy={**before.accuracy, **distribution.accuracy},
            measured=_both(before.measured, distribution.measured),
        )
    entries = sorted([*others, distribution], key=lambda d: (d.recipe, d.data, d.epochs))
    with replacing(path) as file:
        file.write((json.dumps([asdict(d) for d in entries], indent=1, allow_nan=False) + "\n").encode())
    return distribution


def _both(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """As now; where something of the environment was otherwise before, with both."""
    both = dict(now)
    for name in set(ENVIRONMENT) & before.keys() & now.keys():
        values = str(before[name]).split(" and ")
        there = str(now[name]) in values
        both[name] = before[name] if there else " and ".join([*values, str(now[name])])
    return both


def _measured(environment: Mapping[str, Any]) -> dict[str, Any]:
    day = datetime.now(timezone.utc).date().isoformat()
    return {"date": day, "command": " ".join(["python -m benchmarks.measure_targets", *_shown(sys.argv[1:])])} | {
        name: environment[name] for name in ENVIRONMENT
    }


def _shown(arguments: list[str]) -> list[str]:
    """The arguments without the folders of this machine."""
    return [Path(argument).name if "/" in argument else argument for argument in arguments]


def measure(recipe_name: str, where: str, epochs: int, seeds: int) -> None:
    """Trains every seed below `seeds` that the file does not have yet."""
    recipe, data = get_recipe(recipe_name).with_changes({"epochs": epochs}), load_cifar10(where)
    described = describe_data(data)
    kind, fingerprints = targets.kind_of(described), plain(described.fingerprints)
    before = targets.find(recipe_name, kind, epochs)
    for seed in range(seeds):
        if before is not None and str(seed) in before.accuracy:
            continue
        training = fit(recipe, Seeds.all(seed), data.train, test=data.test)
        accuracy = targets.accuracy(training.best_weights, recipe, data, CPU)
        measured = _measured(plain(environment(CPU, "contiguous")))
        kept = Distribution(recipe_name, kind, epochs, fingerprints, {str(seed): accuracy}, measured)
        say(keep(kept), seed)


def take(folder: Path) -> None:
    """Takes the accuracy of a complete run, or of each of a study. Raises InputError where it is no such thing.

    Of a registered recipe, with one seed for all that is drawn.
    """
    study = read_results(folder)
    recipe, kind, fingerprints = study.recipe, targets.kind_of(study.data), plain(study.data.fingerprints)
    if recipe.changes() or study.vary:
        raise InputError(f"{folder}: not of a registered recipe as it is: give a run or study of one")
    for run in study.runs:
        seeds = set(asdict(run.seeds).values())
        if run.test is None or len(run.epochs) < recipe.epochs or len(seeds) > 1:
            raise InputError(f"{folder}: not a complete run with one seed: give such a run, or a study")
        seed, measured = seeds.pop(), _measured(plain(run.environment))
        kept = Distribution(recipe.name, kind, recipe.epochs, fingerprints, {str(seed): run.test.accuracy}, measured)
        say(keep(kept), seed)


def say(kept: Distribution, seed: int) -> None:
    print(f"seed {seed}: {kept.accuracy[str(seed)]:.2%}; {kept}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="udacity")
    parser.add_argument("--data", default="synthetic", help="as in cifar-repro run")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--runs", type=Path, nargs="+", help="folders of complete runs or of studies, to take instead of training"
    )
    options = parser.parse_args()
    make_deterministic(threads=1)
    try:
        if options.runs:
            for folder in options.runs:
                take(folder)
        else:
            measure(options.recipe, options.data, options.epochs, options.seeds)
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

"""Test loss, per-class and overall accuracy of any file of weights of a recipe's network.

The file is one that torch.save wrote, or safetensors, or a run's folder: a state_dict, or one within what a
trainer saved, with prefixes such as module. or without. It is read without executing anything in it.
"""

import argparse
from pathlib import Path

from cifar_repro.commands.options import add_compute, add_data, add_json, load
from cifar_repro.commands.status import DONE
from cifar_repro.commands.talk import print_json, progress, speaker
from cifar_repro.core.recipe import RECIPES, get_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a file of weights, or the folder of a run")
    parser.add_argument("--recipe", metavar="R", help=f"one of {', '.join(RECIPES)} (default: udacity)")
    add_data(parser)
    add_compute(parser)
    add_json(parser, "print the result as JSON, as the `test` of a record")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.core.seeding import make_deterministic
    from cifar_repro.runs import text
    from cifar_repro.runs.environment import choose_device
    from cifar_repro.runs.folders import folder_of
    from cifar_repro.runs.record import Tested, data_label, describe_data
    from cifar_repro.runs.run import evaluate_images
    from cifar_repro.runs.weights import load_any_weights

    recipe = get_recipe("udacity" if options.recipe is None else options.recipe)
    device = choose_device("auto" if options.device is None else options.device)
    make_deterministic(options.threads)
    network, stripped = load_any_weights(folder_of(options.checkpoint), recipe)
    data = load(options.data, options.require_data)
    memory_format = "contiguous" if options.memory_format is None else options.memory_format
    result = Tested.of(evaluate_images(network, data, recipe, device, memory_format, progress))
    say = speaker(options)
    if stripped:
        say(f"Weights: {', '.join(stripped)} of {options.checkpoint}")
    say(f"Data: {data_label(describe_data(data))}\n{text.test(result)}")
    print_json(options, result)
    return DONE

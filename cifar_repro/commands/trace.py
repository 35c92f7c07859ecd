"""Record a digest of every tensor of the first training steps, by name, to find where two trainings first differ.

The file is JSON lines: a header, then an entry for each tensor, in order.
"""

import argparse
from pathlib import Path

from cifar_repro.commands.options import add_experiment, add_json, check_new, experiment, load
from cifar_repro.commands.status import DONE
from cifar_repro.commands.talk import print_json, progress, speaker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="the file to write; must not exist"
    )
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="training steps to trace (default: 20)")
    parser.add_argument(
        "--tests", type=Path, metavar="XML", help="count the tests of a 'pytest --junit-xml=XML' in the header"
    )
    parser.add_argument(
        "--tensors",
        choices=("samples", "all"),
        default="samples",
        help="keep 8 values of each tensor (default), or all: in FILE.npz beside it, 8 MB a step with udacity",
    )
    add_json(parser, "print the header as JSON")
    add_experiment(parser)


def command(options: argparse.Namespace) -> int:
    from cifar_repro.core.seeding import make_deterministic
    from cifar_repro.runs.record import plain_with_changes
    from cifar_repro.traces.junit import count_tests
    from cifar_repro.traces.trace import trace
    from cifar_repro.traces.trace_file import header, tensors_path, write_trace

    recipe, seeds, device, memory_format = experiment(options)
    for file in (options.out, tensors_path(options.out)):
        check_new(file)
    make_deterministic(options.threads)
    tests = count_tests(options.tests) if options.tests else None
    data = load(options.data, options.require_data)
    first = header(recipe, seeds, data, options.steps, device, memory_format, tests)
    tensors = trace(recipe, seeds, data, options.steps, device=device, memory_format=memory_format, progress=progress)
    write_trace(options.out, first, tensors, keep=options.tensors == "all")
    speaker(options)(f"Wrote the trace of {options.steps} step{'s' * (options.steps != 1)} to {options.out}")
    print_json(options, plain_with_changes(first))
    return DONE

"""The whole experiment: load, split, look at the data, train, keep the best, test it, draw the figures.

A run folder gets record.json (everything that was run and came out), metrics.jsonl (a line an epoch),
model_cifar.pt (the best weights), last.pt (all that is needed to go on), figures/ and report.html.
"""

import argparse
import shlex
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from time import gmtime, strftime
from typing import TYPE_CHECKING

from cifar_repro.commands.options import add_experiment, add_json, experiment, given, load, place
from cifar_repro.commands.status import BAD_INPUT, DONE, FAILED_CHECK, INTERRUPTED, Stop, describe
from cifar_repro.commands.talk import above_bars, print_json, speaker, whole
from cifar_repro.core.errors import InputError, NonFiniteLoss, about

if TYPE_CHECKING:
    from cifar_repro.core.training import Epoch
    from cifar_repro.runs.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: runs/RECIPE-seedS-UTCTIME)")
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the run in DIR, exactly as if it had never stopped"
    )
    parser.add_argument("--csv", action="store_true", help="write metrics.csv, too: a line an epoch")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard's events to tensorboard/, too")
    add_json(parser, "print the record as JSON")
    add_experiment(parser, explain=True)


def command(options: argparse.Namespace) -> int:
    from cifar_repro.runs import exports

    if options.tensorboard:
        exports.check_tensorboard()
    with closing(_resumed(options) if options.resume else _started(options)) as run:
        return _go_on(run, options)


def _go_on(run: "Run", options: argparse.Namespace) -> int:
    """The part of the command that trains."""
    from cifar_repro.report import run_figures
    from cifar_repro.report.page import NAME, write_run_report
    from cifar_repro.runs import exports, text
    from cifar_repro.runs.record import Tested, plain_with_changes

    say = speaker(options)
    say(text.setup(run))
    try:
        run_figures.draw_data(run)
        log = exports.tensorboard(run.folder, run.record.epochs) if options.tensorboard else None
        if options.csv:
            exports.write_csv(run.folder, run.record.epochs)
        with whole(run.steps_left(), "whole run") as progress:
            above = above_bars(say)

            def after_epoch(epoch: "Epoch", previous_best: float | None) -> None:
                above(text.epoch(epoch, previous_best, run.recipe.loss_window))
                if options.csv:
                    exports.write_csv(run.folder, run.record.epochs)
                if log is not None:
                    log(epoch)

            run.train(after_epoch, progress)
            result = run.test(progress)
        say(text.test(Tested.of(result)))
        run_figures.draw_results(run, result)
        write_run_report(run, result)
        run.complete()
        say(f"\nEverything is in {run.folder}; all of it on one page: {run.folder / NAME}")
    except NonFiniteLoss:
        print_json(options, plain_with_changes(run.record))
        raise Stop(text.diverged(run.record), FAILED_CHECK) from None
    except (KeyboardInterrupt, OSError) as error:
        what, status = (
            ("interrupted", INTERRUPTED) if isinstance(error, KeyboardInterrupt) else (describe(error), BAD_INPUT)
        )
        kept = f"{len(run.record.epochs)} of {run.recipe.epochs} epochs are kept"
        more = [f"--{name}" for name in ("csv", "tensorboard") if getattr(options, name)]
        again = shlex.join(["cifar-repro", "run", "--resume", str(run.folder), *more])
        raise Stop(f"{what}: {kept}; go on with: {again}", status) from None
    print_json(options, plain_with_changes(run.record))
    return DONE


def _started(options: argparse.Namespace) -> "Run":
    """A new run, once everything that was asked for is known to make sense."""
    from cifar_repro.core.seeding import make_deterministic
    from cifar_repro.runs.run import Run, check_unused

    recipe, seeds, device, memory_format = experiment(options)
    time = strftime("%Y%m%dT%H%M%SZ", gmtime())
    seed = options.seed or 0
    folder = options.out if options.out is not None else Path("runs") / f"{recipe.name}-seed{seed}-{time}"
    check_unused(folder)
    make_deterministic(options.threads)
    data = load(options.data, options.require_data)
    return Run.start(folder, recipe, seeds, data, device, memory_format)


def _resumed(options: argparse.Namespace) -> "Run":
    """The run in a folder. What else was given on the command line must be what the run was started with."""
    from cifar_repro.core.seeding import make_deterministic
    from cifar_repro.formats import plain
    from cifar_repro.runs.environment import choose_device
    from cifar_repro.runs.folders import folder_of
    from cifar_repro.runs.record import NAME, read_record
    from cifar_repro.runs.run import Run

    folder = folder_of(options.resume)
    record = read_record(folder)
    seeds, recipe = asdict(record.seeds), asdict(record.recipe)
    recorded = {"out": folder, **recipe, **plain(record.environment), "recipe": record.recipe.name}
    recorded |= {f"{name}_seed": seed for name, seed in seeds.items()}
    said = given(options)
    if "seed" in said:  # of those that were not given by themselves
        rest = [seed for name, seed in seeds.items() if f"{name}_seed" not in said]
        recorded["seed"] = next((seed for seed in rest if seed != said["seed"]), said["seed"])
    if said.get("device") == "auto":
        del said["device"]
    elif "device" in said:
        said["device"] = str(choose_device(said["device"]))
    for name in said:
        if name in recorded and said[name] != recorded[name]:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag}: {said[name]} is not the {recorded[name]} of the run in {folder}: leave it out")
    with about(folder / NAME):
        choose_device(record.environment.device)
        make_deterministic(record.environment.threads)
    return Run.resume(folder, record, load(place(options.data, record.data), options.require_data))

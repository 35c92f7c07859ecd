"""Many seeds of one recipe: each run in its folder, study.json with what they say together, report.html to read.

The same command goes on with a study that was interrupted; more --seeds add to one. Runs that
'cifar-repro run --seed S --out DIR/seed-S' made with the same settings are taken as they are.
Exit status 1: a run diverged.
"""

import argparse
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_repro.commands.options import add_experiment, add_json, experiment, load
from cifar_repro.commands.status import DONE, FAILED_CHECK, INTERRUPTED, Stop
from cifar_repro.commands.talk import above_bars, print_json, progress, speaker
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import Seeds

if TYPE_CHECKING:
    from cifar_repro.runs.record import Record
    from cifar_repro.studies.jobs import Workers
    from cifar_repro.studies.study import Plan
    from cifar_repro.studies.study_file import Study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the study")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many seeds (default: 10)")
    parser.add_argument("--first-seed", type=int, default=0, metavar="S", help="the first of them (default: 0)")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes at a time (default: one a core; on a GPU: 1)")
    parser.add_argument(
        "--vary",
        choices=[*(f.name for f in fields(Seeds)), "each"],
        help="let one source of randomness vary alone; each: four studies, in DIR/split, DIR/init, ..., compared",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="run on a Ray cluster: HOST:PORT, 'auto' (the one of this machine) or 'local' (started here, for this "
        "study only); a seed takes --threads CPUs, and one GPU with --device cuda",
    )
    add_json(parser, "print study.json (with --vary each: all four, by source)")
    add_experiment(parser, threads=1)


def command(options: argparse.Namespace) -> int:
    from cifar_repro.report.page import write_study_report
    from cifar_repro.runs.record import plain_with_changes
    from cifar_repro.studies import text
    from cifar_repro.studies.study import epochs_done, run_study

    plan, workers_of, where = plan_of(options)
    plans = plan.of_each_source() if options.vary == "each" else [plan]
    data = load(options.data, options.require_data)
    for one in plans:
        epochs_done(one, data)  # before any work
    say, begun = speaker(options), time.monotonic()
    above = above_bars(say)

    def after_run(name: str, record: "Record") -> None:
        above(text.run(name, record))

    studies: dict[str, Study] = {}
    reports: list[Path] = []
    trained = 0
    try:
        with workers_of as workers:
            for one in plans:
                say(text.setup(one, where))
                study, epochs = run_study(one, data, workers, after_run, progress)
                studies[one.folder.name] = study
                trained += epochs
                say(text.result(study))
                say(f"\nEverything is in {one.folder}\n")
                if study.runs:
                    reports.append(write_study_report(one.folder, study, data))
    except KeyboardInterrupt:
        raise Stop("interrupted: all finished epochs are kept; go on with the same command", INTERRUPTED) from None
    if options.vary == "each":
        say(text.shares(studies))
    if trained:
        say(text.speed(trained, plan.recipe.epochs, time.monotonic() - begun))
    for report in reports:
        say(f"All of it on one page: {report}")
    written = {name: plain_with_changes(study) for name, study in studies.items()}
    print_json(options, written if options.vary == "each" else written[plan.folder.name])
    return FAILED_CHECK if any(study.diverged for study in studies.values()) else DONE


def plan_of(options: argparse.Namespace) -> "tuple[Plan, AbstractContextManager[Workers], str]":
    """What a study is to be, what is to do it, and that in words."""
    from cifar_repro.core.seeding import make_deterministic
    from cifar_repro.studies.cluster import connected
    from cifar_repro.studies.jobs import default_processes, run_here
    from cifar_repro.studies.study import Plan

    for f in fields(Seeds):
        if options.vary in (None, f.name) and getattr(options, f"{f.name}_seed") is not None:
            raise InputError(f"{f.name}-seed: a study varies it by itself: leave it out, or choose another --vary")
    if options.vary is None and options.seed is not None:
        raise InputError(f"seed: {options.seed} is one seed, a study takes many: give --first-seed and --seeds")
    device = options.device
    if options.cluster is not None:
        if options.jobs is not None:
            raise InputError(f"jobs: {options.jobs} is not for this command to say on a cluster: leave it out")
        if device not in (None, "cpu", "cuda"):
            raise InputError(f"device: {device!r} is not for a cluster: give cpu or cuda")
        options.device = "cpu"  # this machine needs no GPU
    recipe, base, here, memory_format = experiment(options)
    make_deterministic(options.threads)
    device = (device or "cpu") if options.cluster is not None else str(here)
    vary = None if options.vary == "each" else options.vary
    plan = Plan(
        options.out, recipe, options.first_seed, options.seeds, vary, base, device, memory_format, options.threads
    )
    if options.cluster is not None:
        return plan, connected(options.cluster), f"on the Ray cluster {options.cluster}"
    jobs = options.jobs if options.jobs is not None else default_processes(device, options.threads)
    if not 1 <= jobs <= 1024:
        raise InputError(f"jobs: {jobs} is out of range: give a whole number from 1 to 1024")
    return plan, nullcontext(partial(run_here, processes=jobs)), f"up to {jobs} at a time"

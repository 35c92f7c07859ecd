"""The commands: parse, call, print, exit code."""

import argparse
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, fields
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TypeVar

from cifar_repro.arguments import BAD_INPUT, make_parser
from cifar_repro.core.errors import InputError, NonFinite, NonFiniteLoss
from cifar_repro.core.recipe import Recipe, Seeds, get_recipe

if TYPE_CHECKING:  # torch takes seconds to import, so each command imports what it needs
    import torch

    from cifar_repro.core.data import Cifar10
    from cifar_repro.runs.run import Run
    from cifar_repro.studies.jobs import Workers
    from cifar_repro.studies.study import Plan

T = TypeVar("T")

DONE, FAILED_CHECK, INTERRUPTED, PIPE_CLOSED = 0, 1, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 done, 1 a check did not hold, 2 bad input, 130 interrupted."""
    options = make_parser().parse_args(arguments)
    try:
        status = COMMANDS[options.command](options)
        sys.stdout.flush()
        return status
    except Stop as stop:
        problem, status = str(stop), stop.status
    except InputError as error:
        problem, status = str(error), BAD_INPUT
    except NonFinite as error:
        problem, status = f"{error}: these weights are of no use", FAILED_CHECK
    except BrokenPipeError:  # who reads the output has read enough, as `head` does: nothing is left to be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        problem, status = f"{_describe(error)}: {_remedy(error)}", BAD_INPUT
    except KeyboardInterrupt:
        problem, status = "interrupted", INTERRUPTED
    print(f"cifar-repro: {' '.join(problem.split())}", file=sys.stderr)
    return status


class Stop(Exception):
    """A command ends early with this line on stderr and this exit status."""

    def __init__(self, line: str, status: int):
        super().__init__(line)
        self.status = status


def _describe(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room, or give another place"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "give a place that you may use"
    return "give another path"


def _check_new(file: Path) -> None:
    """Before any work: raises InputError where the file is there, or its folder is not."""
    if file.exists():
        raise InputError(f"out: {file} is already there: give a new file")
    if not file.parent.is_dir():
        raise InputError(f"out: {file.parent} is no folder: make it first, or give another file")


def _run(options: argparse.Namespace) -> int:
    from cifar_repro.report import run_figures
    from cifar_repro.report.page import write_run_report
    from cifar_repro.runs import text

    run = _resumed(options) if options.resume else _started(options)
    say = _speaker(options)
    say(text.setup(run))
    try:
        run_figures.draw_data(run)
        window = run.recipe.loss_window
        run.train(lambda epoch, previous_best: say(text.epoch(epoch, previous_best, window)), _progress)
        result = run.test(_progress)
        say(text.test(result.as_record()))
        run_figures.draw_results(run, result)
        write_run_report(run, result)
        run.complete()
        say(f"\nEverything is in {run.folder}")
    except NonFiniteLoss:
        _print_json(options, run.record)
        raise Stop(text.diverged(run.record), FAILED_CHECK) from None
    except (KeyboardInterrupt, OSError) as error:
        what, status = (
            ("interrupted", INTERRUPTED) if isinstance(error, KeyboardInterrupt) else (_describe(error), BAD_INPUT)
        )
        kept = f"{len(run.record['epochs'])} of {run.recipe.epochs} epochs are kept"
        raise Stop(f"{what}: {kept}; go on with: cifar-repro run --resume {run.folder}", status) from None
    _print_json(options, run.record)
    return DONE


def _started(options: argparse.Namespace) -> "Run":
    """A new run, once everything that was asked for is known to make sense."""
    from cifar_repro.runs.run import Run, check_unused

    recipe, seeds, device, memory_format = _experiment(options)
    time = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    seed = options.seed or 0
    folder = options.out if options.out is not None else Path("runs") / f"{recipe.name}-seed{seed}-{time}"
    check_unused(folder)
    _set_up(options.threads)
    return Run.start(folder, recipe, seeds, _load(options.data), device, memory_format)


def _experiment(options: argparse.Namespace) -> "tuple[Recipe, Seeds, torch.device, str]":
    """What the options of `_add_experiment` say, but for the data and the threads, once it is known to make sense."""
    from cifar_repro.core.training import torch_memory_format
    from cifar_repro.runs.environment import choose_device

    given = _given(options)
    recipe = get_recipe(given.get("recipe", "udacity"))
    recipe = recipe.with_changes({f.name: given[f.name] for f in fields(Recipe) if f.name in given})
    seeds = Seeds(**{f.name: given.get(f"{f.name}_seed", given.get("seed", 0)) for f in fields(Seeds)})
    memory_format = given.get("memory_format", "contiguous")
    torch_memory_format(memory_format)
    return recipe, seeds, choose_device(given.get("device", "auto")), memory_format


def _resumed(options: argparse.Namespace) -> "Run":
    """The run in a folder. What else was given on the command line must be what the run was started with."""
    from cifar_repro.runs.environment import choose_device
    from cifar_repro.runs.folders import folder_of
    from cifar_repro.runs.record import read_record
    from cifar_repro.runs.run import Run

    folder = folder_of(options.resume)
    record = read_record(folder)
    seeds, environment = record["seeds"], record["environment"]
    recorded = {"out": folder, **record["recipe"], **environment, "recipe": record["recipe"]["name"]}
    recorded |= {f"{name}_seed": seed for name, seed in seeds.items()}
    given = _given(options)
    if "seed" in given:  # of those that were not given by themselves
        rest = [seed for name, seed in seeds.items() if f"{name}_seed" not in given]
        recorded["seed"] = next((seed for seed in rest if seed != given["seed"]), given["seed"])
    if given.get("device") == "auto":
        del given["device"]
    elif "device" in given:
        given["device"] = str(choose_device(given["device"]))
    for name in given:
        if name in recorded and given[name] != recorded[name]:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag}: {given[name]} is not the {recorded[name]} of the run in {folder}: leave it out")
    choose_device(environment["device"])
    _set_up(environment["threads"])
    return Run.resume(folder, record, _load_recorded(options.data, record))


def _evaluate(options: argparse.Namespace) -> int:
    from cifar_repro.core.checkpoint import load_weights
    from cifar_repro.core.model import build_network
    from cifar_repro.runs import text
    from cifar_repro.runs.environment import choose_device
    from cifar_repro.runs.record import data_label
    from cifar_repro.runs.run import evaluate_images

    recipe = get_recipe("udacity" if options.recipe is None else options.recipe)
    device = choose_device("auto" if options.device is None else options.device)
    _set_up(options.threads)
    network = build_network(recipe)
    load_weights(options.checkpoint, network)
    data = _load(options.data)
    memory_format = "contiguous" if options.memory_format is None else options.memory_format
    result = evaluate_images(network, data, recipe, device, memory_format, _progress).as_record()
    _speaker(options)(f"Data: {data_label({'kind': data.kind, 'official': data.official})}\n{text.test(result)}")
    _print_json(options, result)
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from cifar_repro.runs import text
    from cifar_repro.runs.environment import choose_device
    from cifar_repro.runs.folders import folder_of
    from cifar_repro.runs.record import read_record
    from cifar_repro.runs.verify import verify

    record = read_record(folder_of(options.run))
    choose_device(record["environment"]["device"])
    data = _load_recorded(options.data, record)
    say = _speaker(options)
    result = verify(record, data, options.epochs, lambda epoch: say(text.identical(epoch)), _progress)
    say(text.verification(result))
    _print_json(options, asdict(result))
    return DONE if result.difference is None else FAILED_CHECK


def _trace(options: argparse.Namespace) -> int:
    from cifar_repro.traces.junit import count_tests
    from cifar_repro.traces.trace import trace
    from cifar_repro.traces.trace_file import header, tensors_path, write_trace

    recipe, seeds, device, memory_format = _experiment(options)
    for file in (options.out, tensors_path(options.out)):
        _check_new(file)
    _set_up(options.threads)
    tests = {"tests": count_tests(options.tests)} if options.tests else {}
    data = _load(options.data)
    first = header(recipe, seeds, data, options.steps, device, memory_format) | tests
    tensors = trace(recipe, seeds, data, options.steps, device=device, memory_format=memory_format, progress=_progress)
    write_trace(options.out, first, tensors, keep=options.tensors == "all")
    _speaker(options)(f"{options.steps} step{'s' if options.steps > 1 else ''} in {options.out}")
    _print_json(options, first)
    return DONE


def _diff(options: argparse.Namespace) -> int:
    from cifar_repro.runs import text
    from cifar_repro.traces.diff import diff
    from cifar_repro.traces.trace_file import kept_tensors, read_trace

    kept = (kept_tensors(options.a), kept_tensors(options.b))
    found = diff(read_trace(options.a), read_trace(options.b), kept)
    _speaker(options)(text.parting(found))
    _print_json(options, {"identical": found.identical, **asdict(found)})
    return DONE if found.identical else FAILED_CHECK


def _matrix(options: argparse.Namespace) -> int:
    from cifar_repro.traces.matrix import read_matrix
    from cifar_repro.traces.matrix_text import as_json, as_markdown, as_text

    made = read_matrix(options.files)
    if not options.json:
        print(as_markdown(made) if options.markdown else as_text(made))
    _print_json(options, as_json(made))
    return DONE


def _gate(options: argparse.Namespace) -> int:
    from cifar_repro.gate import text as gate_text
    from cifar_repro.gate.gate import ROUNDS, gate
    from cifar_repro.gate.side import parse_side

    given = {"workload": "step", "rounds": ROUNDS, "threads": 1, **_given(options)}
    a, b = (parse_side(side, given["threads"]) for side in (options.a, options.b))
    say = _speaker(options)
    result = gate(
        a, b, given["workload"], given["rounds"], after_same=lambda same: say(gate_text.same(same)), progress=_progress
    )
    say(gate_text.verdict(result))
    _print_json(options, result.as_json())
    return FAILED_CHECK if result.slower else DONE


def _study(options: argparse.Namespace) -> int:
    from cifar_repro.studies import text as study_text
    from cifar_repro.studies.study import epochs_done, run_study

    plan, workers_of, where = _study_plan(options)
    plans = plan.of_each_source() if options.vary == "each" else [plan]
    data = _load(options.data)
    for one in plans:
        epochs_done(one, data)  # before any work
    say, begun = _speaker(options), time.monotonic()

    def after_run(name: str, record: dict[str, Any]) -> None:
        from tqdm import tqdm

        with tqdm.external_write_mode():
            say(study_text.run(name, record))

    studies: dict[str, dict[str, Any]] = {}
    trained = 0
    try:
        with workers_of as workers:
            for one in plans:
                say(study_text.setup(one, where))
                study, epochs = run_study(one, data, workers, after_run, _progress)
                studies[one.folder.name] = study
                trained += epochs
                say(study_text.result(study))
                say(f"\nEverything is in {one.folder}\n")
    except KeyboardInterrupt:
        raise Stop("interrupted: all finished epochs are kept; go on with the same command", INTERRUPTED) from None
    if options.vary == "each":
        say(study_text.shares(studies))
    if trained:
        say(study_text.speed(trained, plan.recipe.epochs, time.monotonic() - begun))
    _print_json(options, studies if options.vary == "each" else study)
    return FAILED_CHECK if any(study["diverged"] for study in studies.values()) else DONE


def _study_plan(options: argparse.Namespace) -> "tuple[Plan, AbstractContextManager[Workers], str]":
    """What a study is to be, what is to do it, and that in words."""
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
    recipe, base, here, memory_format = _experiment(options)
    _set_up(options.threads)
    device = (device or "cpu") if options.cluster is not None else str(here)
    vary = None if options.vary == "each" else options.vary
    plan = Plan(
        options.out, recipe, options.first_seed, options.seeds, vary, base, device, memory_format, options.threads
    )
    if options.cluster is not None:
        return plan, connected(options.cluster), f"on the Ray cluster {options.cluster}"
    jobs = options.jobs if options.jobs is not None else default_processes(device, options.threads)
    if not 1 <= jobs <= 1024:
        raise InputError(f"jobs: {jobs} makes no sense: give a whole number from 1 to 1024")
    return plan, nullcontext(partial(run_here, processes=jobs)), f"up to {jobs} at a time"


def _report(options: argparse.Namespace) -> int:
    from cifar_repro.report.page import see, write_report
    from cifar_repro.studies.results import read_results

    _check_new(options.out)
    studies = [read_results(path) for path in options.results]
    load = cache(_load)
    if options.data is not None:
        load(options.data)  # what is asked for must be there
    seen = [
        see(path, study, partial(load, _place(options.data, study)), _progress)
        for path, study in zip(options.results, studies, strict=True)
    ]
    write_report(options.out, studies, seen)
    missing = {str(path): why for path, why in zip(options.results, seen, strict=True) if isinstance(why, str)}
    say = _speaker(options)
    for path, why in missing.items():
        say(f"{path}: {why}")
    say(f"The report is in {options.out}")
    _print_json(options, {"report": str(options.out), "without_pictures": missing})
    return DONE


def _verdict(options: argparse.Namespace) -> int:
    from cifar_repro.studies.results import read_results
    from cifar_repro.verdicts import text as verdict_text
    from cifar_repro.verdicts.claims import with_published
    from cifar_repro.verdicts.published import known
    from cifar_repro.verdicts.verdict import against

    results = read_results(options.study)
    if options.against is not None:
        margin = 1.0 if options.margin is None else options.margin
        compared_with = str(options.against)
        found = against(results, read_results(options.against), margin, (str(options.study), compared_with))
    else:
        if options.margin is not None:
            raise InputError(f"margin: {options.margin} is for --against: leave it out")
        content = known(results["recipe"]["name"] if options.published is None else options.published)
        found = with_published(results, content, str(options.study))
        compared_with = verdict_text.published(content["recipe"], results["data"]["official"])
    _speaker(options)(verdict_text.verdict(found, compared_with))
    _print_json(options, found.as_json())
    return DONE if found.favourable else FAILED_CHECK


def _data(options: argparse.Namespace) -> int:
    from cifar_repro.core import layouts
    from cifar_repro.runs import text
    from cifar_repro.runs.record import describe_data

    if options.folder and options.data:
        raise InputError(f"data: both {options.folder!r} and {options.data!r} are given: give one folder")
    where = options.data if options.folder is None else options.folder
    if options.download:
        if where in ("auto", "synthetic"):
            raise InputError(f"data: {where!r} is no folder to download to: give one, or none for ./data")
        where = where or "data"
        try:
            layouts.download(Path(where), _progress)
        except layouts.NETWORK_ERRORS as error:
            raise InputError(f"{layouts.ARCHIVE_URL}: cannot be reached ({error}): try again") from error
    described = describe_data(_load(where))
    _speaker(options)(text.data(described))
    _print_json(options, described)
    return DONE


def _set_up(threads: int | None) -> None:
    from cifar_repro.core.seeding import make_deterministic

    make_deterministic(threads)


def _load(where: str | None) -> "Cifar10":
    from cifar_repro.core.data import load_cifar10

    data = load_cifar10("auto" if where is None else where, progress=_progress)
    if data.stands_in:
        print(
            f"cifar-repro: WARNING: no CIFAR-10 in $CIFAR_REPRO_DATA or ./data, and {data.stands_in}: "
            "SYNTHETIC data stands in for it, and its results say nothing about CIFAR-10",
            file=sys.stderr,
        )
    return data


def _load_recorded(where: str | None, record: dict[str, Any]) -> "Cifar10":
    """The data of a record: from `where`, or from where it was."""
    return _load(_place(where, record))


def _place(where: str | None, record: dict[str, Any]) -> str:
    """`where`, or where the data of a record was, as --data takes it."""
    return str(record["data"]["path"] or record["data"]["kind"]) if where is None else where


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The options that were given on the command line."""
    return {name: value for name, value in vars(options).items() if value is not None}


def _speaker(options: argparse.Namespace) -> Callable[[str], None]:
    """Prints what people read: on stdout, or with --json on stderr."""
    return lambda line: print(line, file=sys.stderr if options.json else sys.stdout, flush=True)


def _print_json(options: argparse.Namespace, value: dict[str, Any]) -> None:
    if options.json:
        print(json.dumps(value, indent=1, allow_nan=False))


def _progress(steps: Iterable[T], *, total: int, desc: str) -> Iterable[T]:
    """A progress bar on stderr that vanishes when it is full; none where stderr is no terminal."""
    from tqdm import tqdm

    columns, rows = get_terminal_size()  # tqdm by itself shows nothing in a terminal that does not tell its size
    off = not sys.stderr.isatty()
    return tqdm(steps, total=total, desc=desc, leave=False, ncols=columns, nrows=rows, disable=off)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "evaluate": _evaluate,
    "verify": _verify,
    "trace": _trace,
    "diff": _diff,
    "matrix": _matrix,
    "gate": _gate,
    "study": _study,
    "verdict": _verdict,
    "report": _report,
    "data": _data,
}

"""The commands: parse, call, print, exit code."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, fields, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from cifar_repro import __version__
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds, get_recipe

if TYPE_CHECKING:  # torch takes seconds to import, so each command imports what it needs
    import torch

    from cifar_repro.core.data import Cifar10
    from cifar_repro.evidence.jobs import Workers
    from cifar_repro.evidence.run import Run
    from cifar_repro.evidence.study import Plan

T = TypeVar("T")

DONE, FAILED_CHECK, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

DATA_HELP = (
    "a folder, 'synthetic', or 'auto' (default): the folder in $CIFAR_REPRO_DATA, then ./data, then a download to "
    "./data, then, with no network, synthetic data"
)
LAYOUTS_HELP = """A data folder holds one of
  cifar-10-batches-py/  or  cifar-10-python.tar.gz   the python version, md5 sums checked
  cifar-10-batches-bin/ or  cifar-10-binary.tar.gz   the binary version
  train/CLASS/*.png|jpg and test/CLASS/*             32x32 images, folders named by the ten classes"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {' '.join(message.split())} (see '{self.prog} --help')\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 done, 1 a check did not hold, 2 bad input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
        return status
    except Stop as stop:
        problem, status = str(stop), stop.status
    except InputError as error:
        problem, status = str(error), BAD_INPUT
    except NonFiniteLoss as error:
        problem, status = f"{error}: these weights are of no use", FAILED_CHECK
    except OSError as error:
        problem, status = _describe(error), BAD_INPUT
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


def _parser() -> Parser:
    parser = Parser(
        prog="cifar-repro", description="The CIFAR-10 CNN of the Udacity PyTorch lesson, repeatable to the bit."
    )
    parser.add_argument("--version", action="version", version=f"cifar-repro {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    run = _command(
        commands,
        _run,
        "run",
        "the whole experiment: load, split, look at the data, train, keep the best, test it, draw the figures",
        "A run folder gets record.json (everything that was run and came out), metrics.jsonl (a line an epoch),\n"
        "model_cifar.pt (the best weights), last.pt (all that is needed to go on), figures/ and report.html.",
    )
    run.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: runs/RECIPE-seedS-UTCTIME)")
    run.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the run in DIR, exactly as if it had never stopped"
    )
    _add_json(run, "print the record as JSON")
    _add_experiment(run)

    evaluate = _command(
        commands,
        _evaluate,
        "evaluate",
        "test loss, per-class and overall accuracy of any state_dict file of a recipe's network",
        "The file is read without executing anything in it.",
    )
    evaluate.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="a file that torch.save(net.state_dict(), ...) wrote"
    )
    evaluate.add_argument("--recipe", metavar="R", help=f"one of {', '.join(RECIPES)} (default: udacity)")
    _add_data(evaluate)
    _add_compute(evaluate)
    _add_json(evaluate, "print the result as JSON, as the `test` of a record")

    verify = _command(
        commands,
        _verify,
        "verify",
        "run a recorded run again and compare every epoch's losses and weights bit for bit",
        "Exit status 0: identical. 1: it parts; says at which epoch, in what, and what could be why.",
    )
    verify.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    verify.add_argument("--epochs", type=int, metavar="K", help="compare the first K epochs only")
    verify.add_argument("--data", metavar="D", help="where the run's data is now (default: where it was)")
    _add_json(verify, "print the outcome as JSON")

    trace = _command(
        commands,
        _trace,
        "trace",
        "record a digest of every tensor of the first training steps, by name, to find where two trainings part",
        "The file is JSON lines: a header, then an entry for each tensor, in order.",
    )
    trace.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="the file to write; must not exist"
    )
    trace.add_argument("--steps", type=int, default=20, metavar="N", help="training steps to trace (default: 20)")
    trace.add_argument(
        "--tests", type=Path, metavar="XML", help="count the tests of a 'pytest --junit-xml=XML' in the header"
    )
    trace.add_argument(
        "--tensors",
        choices=("samples", "all"),
        default="samples",
        help="keep 8 values of each tensor (default), or all: in FILE.npz beside it, 8 MB a step with udacity",
    )
    _add_experiment(trace)

    diff = _command(
        commands,
        _diff,
        "diff",
        "find the first tensor in which two traces differ, by how much, and how the difference grows",
        "Exit status 0: identical. 1: they part.",
    )
    diff.add_argument("a", type=Path, metavar="A", help="a trace")
    diff.add_argument(
        "b", type=Path, metavar="B", help="another one: other seeds, machine, torch version, threads, ..."
    )
    _add_json(diff, "print what was found as JSON")

    matrix = _command(
        commands,
        _matrix,
        "matrix",
        "one table from the traces of many environments: equal to which others, where each parts from the first",
        "The traces must be of the same recipe, seeds, data and number of steps. Files that hold what\n"
        "'cifar-repro gate --json' printed, with the first trace's environment as A, give the times.\n"
        "It is a report, not a check: the exit status is 0 however the traces differ.",
    )
    matrix.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a trace, or what a gate printed")
    form = matrix.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown, with every column")
    _add_json(form, "print the table as JSON")

    gate = _command(
        commands,
        _gate,
        "gate",
        "is B slower than A? Runs the same workload on both in turn, and calls only what A against A does not show",
        "A side is the path of a Python interpreter, a checkout (a folder that holds cifar_repro/), or settings of\n"
        "this one: threads=N,memory_format=F. Without --threads each side has one thread: the steadiest.\n"
        "Exit status 0: B is not slower, as far as can be told here. 1: B is slower.",
    )
    gate.add_argument("--a", required=True, metavar="SIDE", help="what B is compared with")
    gate.add_argument("--b", required=True, metavar="SIDE", help="what may be slower")
    gate.add_argument("--rounds", type=int, metavar="N", help="measurements of each side (default: 40)")
    gate.add_argument("--workload", metavar="W", help="step (default): training steps; epoch-part: a short epoch")
    gate.add_argument("--threads", type=int, metavar="N", help="CPU threads of a side (default: 1)")
    _add_json(gate, "print all that was measured as JSON")

    study = _command(
        commands,
        _study,
        "study",
        "many seeds of one recipe: each run in its folder, and study.json with what they say together",
        "The same command goes on with a study that was interrupted; more --seeds add to one. Runs that\n"
        "'cifar-repro run --seed S --out DIR/seed-S' made with the same settings are taken as they are.\n"
        "Exit status 1: a run diverged.",
    )
    study.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the study")
    study.add_argument("--seeds", type=int, default=10, metavar="N", help="how many seeds (default: 10)")
    study.add_argument("--first-seed", type=int, default=0, metavar="S", help="the first of them (default: 0)")
    study.add_argument("--jobs", type=int, metavar="N", help="processes at a time (default: one a core; on a GPU: 1)")
    study.add_argument(
        "--vary",
        choices=[*(f.name for f in fields(Seeds)), "each"],
        help="let one source of randomness vary alone; each: four studies, in DIR/split, DIR/init, ..., compared",
    )
    study.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="run on a Ray cluster: HOST:PORT, 'auto' (the one of this machine) or 'local' (started here, for this "
        "study only); a seed takes --threads CPUs, and one GPU with --device cuda",
    )
    _add_json(study, "print study.json (with --vary each: all four, by source)")
    _add_experiment(study, threads=1)

    verdict = _command(
        commands,
        _verdict,
        "verdict",
        "what the runs of a study say about a published result, or about another study",
        "Against another study, the highest that holds of: bitwise, numerically close (rounding explains it),\n"
        "statistically equivalent (accuracies within the margin); else different, or inconclusive. Against a\n"
        "published run: consistent with it, not consistent with it, or inconclusive. 'Not significant' is never read\n"
        "as equal.\n"
        "Exit status 0: bitwise, numerically close, statistically equivalent, consistent with. 1: different, not\n"
        "consistent with, and inconclusive, which has not shown equality; it says how many runs would.",
    )
    verdict.add_argument(
        "study", type=Path, metavar="STUDY", help="the folder of a study (or of a run, a study of one)"
    )
    other = verdict.add_mutually_exclusive_group()
    other.add_argument(
        "--published", metavar="NAME", help="the recipe whose published result to take (default: its own)"
    )
    other.add_argument("--against", type=Path, metavar="STUDY_B", help="another study")
    verdict.add_argument(
        "--margin",
        type=float,
        metavar="POINTS",
        help="with --against: points of accuracy that do not matter (default: 1)",
    )
    _add_json(verdict, "print the verdict and its numbers as JSON")

    report = _command(
        commands,
        _report,
        "report",
        "one HTML file, complete in itself, of runs and studies: results, verdict, charts, pictures, how to repeat it",
        "It needs the records alone; the pictures of test images need the data and the weights, too, and without\n"
        "them the report says so. 'cifar-repro run' writes one into its folder by itself.",
    )
    report.add_argument("results", type=Path, nargs="+", metavar="RUN|STUDY", help="the folder of a run or of a study")
    report.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the file to write; must not exist (default: report.html)",
    )
    report.add_argument("--data", metavar="D", help="where the data is now (default: where it was)")

    data = _command(
        commands, _data, "data", "what a data folder holds: layout, images per class, fingerprints, official or not"
    )
    data.add_argument("folder", nargs="?", metavar="FOLDER", help="the same as --data FOLDER")
    _add_data(data)
    data.add_argument(
        "--download", action="store_true", help="first download the binary version to the folder (default: ./data)"
    )
    _add_json(data, "print it as JSON")
    return parser


def _command(commands: Any, function: Any, name: str, summary: str, more: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="\n\n".join(filter(None, [more, LAYOUTS_HELP])),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=function)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="D", help=DATA_HELP)


def _add_compute(parser: argparse.ArgumentParser, threads: int | None = None) -> None:
    parser.add_argument("--device", metavar="DEV", help="auto (default), cpu, cuda or cuda:INDEX")
    parser.add_argument(
        "--threads",
        type=int,
        default=threads,
        metavar="N",
        help=f"CPU threads of torch (default: {'as torch chooses' if threads is None else threads}); changes bits",
    )
    parser.add_argument(
        "--memory-format",
        metavar="F",
        help="contiguous (default; the lesson's numbers to the bit) or channels_last (faster, other last bits)",
    )


def _add_json(parser: argparse._ActionsContainer, help: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"{help}; nothing else goes to stdout")


def _add_experiment(parser: argparse.ArgumentParser, threads: int | None = None) -> None:
    """Which experiment, on what data, on what machine: read by `_experiment`."""
    parser.add_argument("--recipe", metavar="R", help=f"one of {', '.join(RECIPES)} (default: udacity)")
    parser.add_argument("--seed", type=int, metavar="S", help="the seed of all four sources of randomness (default: 0)")
    for f in fields(Seeds):
        parser.add_argument(f"--{f.name}-seed", type=int, metavar="S", help=f"another seed for the {f.name} alone")
    _add_data(parser)
    _add_compute(parser, threads)
    group = parser.add_argument_group("recipe", "Change a number of the recipe; the record says which.")
    for f in fields(Recipe):
        if f.name != "name":
            group.add_argument(
                f"--{f.name.replace('_', '-')}",
                type=type(f.default),
                metavar="{" + ",".join(f.metadata["choices"]) + "}" if f.metadata["choices"] else "N",
                help=f"{f.metadata['help']} (udacity: {f.default})",
            )


def _run(options: argparse.Namespace) -> int:
    from cifar_repro.display import run_figures, text
    from cifar_repro.display.report import write_run_report

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
    from cifar_repro.evidence.run import Run, check_unused

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
    from cifar_repro.evidence.environment import choose_device

    given = _given(options)
    recipe = get_recipe(given.get("recipe", "udacity"))
    recipe = recipe.with_changes({f.name: given[f.name] for f in fields(Recipe) if f.name in given})
    seeds = Seeds(**{f.name: given.get(f"{f.name}_seed", given.get("seed", 0)) for f in fields(Seeds)})
    memory_format = given.get("memory_format", "contiguous")
    torch_memory_format(memory_format)
    return recipe, seeds, choose_device(given.get("device", "auto")), memory_format


def _resumed(options: argparse.Namespace) -> "Run":
    """The run in a folder. What else was given on the command line must be what the run was started with."""
    from cifar_repro.evidence.environment import choose_device
    from cifar_repro.evidence.record import read_record
    from cifar_repro.evidence.run import Run

    folder = options.resume
    record = read_record(folder)
    seeds, environment = record["seeds"], record["environment"]
    recorded = {"out": folder, **record["recipe"], **environment, "recipe": record["recipe"]["name"]}
    recorded |= {f"{name}_seed": seed for name, seed in seeds.items()}
    given = _given(options)
    if "seed" in given:
        given = {f"{name}_seed": given["seed"] for name in seeds} | given
    if given.get("device") == "auto":
        del given["device"]
    elif "device" in given:
        given["device"] = str(choose_device(given["device"]))
    for name in given.keys() & recorded.keys():
        if given[name] != recorded[name]:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag}: {given[name]} is not the {recorded[name]} of the run in {folder}: leave it out")
    choose_device(environment["device"])
    _set_up(environment["threads"])
    return Run.resume(folder, record, _load_recorded(options.data, record))


def _evaluate(options: argparse.Namespace) -> int:
    from cifar_repro.core.checkpoint import load_weights
    from cifar_repro.core.model import build_network
    from cifar_repro.display import text
    from cifar_repro.evidence.environment import choose_device
    from cifar_repro.evidence.record import data_label
    from cifar_repro.evidence.run import evaluate_images

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
    from cifar_repro.display import text
    from cifar_repro.evidence.environment import choose_device
    from cifar_repro.evidence.record import read_record
    from cifar_repro.evidence.verify import verify

    record = read_record(options.run)
    choose_device(record["environment"]["device"])
    data = _load_recorded(options.data, record)
    say = _speaker(options)
    result = verify(record, data, options.epochs, lambda epoch: say(text.identical(epoch)), _progress)
    say(text.verification(result))
    _print_json(options, asdict(result))
    return DONE if result.difference is None else FAILED_CHECK


def _trace(options: argparse.Namespace) -> int:
    from cifar_repro.evidence.junit import count_tests
    from cifar_repro.evidence.trace import header, tensors_path, trace, write_trace

    recipe, seeds, device, memory_format = _experiment(options)
    for file in (options.out, tensors_path(options.out)):
        if file.exists():
            raise InputError(f"out: {file} is already there: give a new file")
    _set_up(options.threads)
    tests = {"tests": count_tests(options.tests)} if options.tests else {}
    data = _load(options.data)
    first = header(recipe, seeds, data, options.steps, device, memory_format) | tests
    tensors = trace(recipe, seeds, data, options.steps, device=device, memory_format=memory_format, progress=_progress)
    write_trace(options.out, first, tensors, keep=options.tensors == "all")
    print(f"{options.steps} steps in {options.out}")
    return DONE


def _diff(options: argparse.Namespace) -> int:
    from cifar_repro.display import text
    from cifar_repro.evidence.diff import diff
    from cifar_repro.evidence.trace import kept_tensors, read_trace

    kept = (kept_tensors(options.a), kept_tensors(options.b))
    found = diff(read_trace(options.a), read_trace(options.b), kept)
    _speaker(options)(text.parting(found))
    _print_json(options, {"identical": found.identical, **asdict(found)})
    return DONE if found.identical else FAILED_CHECK


def _matrix(options: argparse.Namespace) -> int:
    from cifar_repro.display.matrix import as_json, as_markdown, as_text
    from cifar_repro.evidence.matrix import read_matrix

    made = read_matrix(options.files)
    if not options.json:
        print(as_markdown(made) if options.markdown else as_text(made))
    _print_json(options, as_json(made))
    return DONE


def _gate(options: argparse.Namespace) -> int:
    from cifar_repro.display import gate_text
    from cifar_repro.evidence.gate import ROUNDS, gate
    from cifar_repro.evidence.gate_side import parse_side

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
    from cifar_repro.display import study_text
    from cifar_repro.evidence.study import SOURCES, epochs_done, run_study

    plan, workers_of, where = _study_plan(options)
    plans = [plan]
    if options.vary == "each":
        plans = [replace(plan, vary=source, folder=plan.folder / source) for source in SOURCES]
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
    from cifar_repro.evidence.cluster import connected
    from cifar_repro.evidence.jobs import default_processes, run_here
    from cifar_repro.evidence.study import Plan

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
    from functools import cache, partial

    from cifar_repro.display.report import see, write_report
    from cifar_repro.evidence.results import read_results

    if options.out.exists():
        raise InputError(f"out: {options.out} is already there: give a new file")
    studies = [read_results(path) for path in options.results]
    load = cache(_load)
    if options.data is not None:
        load(options.data)  # what is asked for must be there
    places = [options.data or study["data"]["path"] or study["data"]["kind"] for study in studies]
    seen = [
        see(path, study, partial(load, place), _progress)
        for path, study, place in zip(options.results, studies, places, strict=True)
    ]
    write_report(options.out, studies, seen)
    for path, pictures in zip(options.results, seen, strict=True):
        if isinstance(pictures, str):
            print(f"{path}: {pictures}")
    print(f"The report is in {options.out}")
    return DONE


def _verdict(options: argparse.Namespace) -> int:
    from cifar_repro.display import verdict_text
    from cifar_repro.evidence.claims import with_published
    from cifar_repro.evidence.published import known
    from cifar_repro.evidence.results import read_results
    from cifar_repro.evidence.verdict import against

    results = read_results(options.study)
    if options.against is not None:
        margin = 1.0 if options.margin is None else options.margin
        found, compared_with = against(results, read_results(options.against), margin), str(options.against)
    else:
        if options.margin is not None:
            raise InputError(f"margin: {options.margin} is for --against: leave it out")
        content = known(results["recipe"]["name"] if options.published is None else options.published)
        found, compared_with = with_published(results, content), f"the published result of {content['recipe']}"
    _speaker(options)(verdict_text.verdict(found, compared_with))
    _print_json(options, found.as_json())
    return DONE if found.favourable else FAILED_CHECK


def _data(options: argparse.Namespace) -> int:
    from cifar_repro.core import layouts
    from cifar_repro.display import text
    from cifar_repro.evidence.record import describe_data

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
    return _load((record["data"]["path"] or record["data"]["kind"]) if where is None else where)


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

"""The command line: every command, its options and their help. Imports no torch."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from cifar_repro import __version__
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds

BAD_INPUT = 2  # the exit status

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


def make_parser() -> Parser:
    """The parser of the whole command line; `command` of what it returns is the name of the command."""
    parser = Parser(
        prog="cifar-repro", description="The CIFAR-10 CNN of the Udacity PyTorch lesson, repeatable to the bit."
    )
    parser.add_argument("--version", action="version", version=f"cifar-repro {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    run = _command(
        commands,
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
    _add_json(trace, "print the header as JSON")
    _add_experiment(trace)

    diff = _command(
        commands,
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
    _add_json(report, "print as JSON where the report is, and of what it has no pictures")

    data = _command(
        commands, "data", "what a data folder holds: layout, images per class, fingerprints, official or not"
    )
    data.add_argument("folder", nargs="?", metavar="FOLDER", help="the same as --data FOLDER")
    _add_data(data)
    data.add_argument(
        "--download", action="store_true", help="first download the binary version to the folder (default: ./data)"
    )
    _add_json(data, "print it as JSON")
    return parser


def _command(commands: Any, name: str, summary: str, more: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=name)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="D", help=DATA_HELP)
    parser.epilog = "\n\n".join(filter(None, [parser.epilog, LAYOUTS_HELP]))


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

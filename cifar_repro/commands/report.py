"""One HTML file, complete in itself, of a run or study: results, verdict, charts, pictures, how to repeat it.

Of several, it compares each with the first: verdict, curves on common axes, differences of accuracy as a whole, by
class and image by image, and what of recipe and environment differs; all about each is folded below.

It needs the records alone; the pictures of test images need the data and the weights, too, and without
them the report says so. 'cifar-repro run' and 'study' write one into their folders by themselves.
"""

import argparse
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_repro.commands.options import add_json, check_new, load, place
from cifar_repro.commands.status import DONE
from cifar_repro.commands.talk import print_json, progress, speaker

if TYPE_CHECKING:
    from cifar_repro.core.data import Cifar10
    from cifar_repro.runs.record import Data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, nargs="+", metavar="RUN|STUDY", help="the folder of a run or of a study")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the file to write; must not exist (default: report.html)",
    )
    parser.add_argument("--data", metavar="D", help="where the data is now (default: where it was)")
    add_json(parser, "print as JSON where the report is, and of what it has no pictures")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.report.comparison import Result, names_of
    from cifar_repro.report.page import see, write_report
    from cifar_repro.runs.folders import folder_of
    from cifar_repro.studies.results import read_results

    check_new(options.out)
    studies = [read_results(path) for path in options.results]
    load_once = cache(load)
    if options.data is not None:
        load_once(options.data)  # what is asked for must be there

    def load_of(recorded: "Data") -> "Cifar10":
        return load_once(place(options.data, recorded))

    names = names_of([folder_of(path) for path in options.results])
    results = [
        Result(name, study, see(path, study, partial(load_of, study.data), progress))
        for name, path, study in zip(names, options.results, studies, strict=True)
    ]
    write_report(options.out, results)
    named = zip(options.results, results, strict=True)
    missing = {str(path): result.seen for path, result in named if isinstance(result.seen, str)}
    say = speaker(options)
    for path, why in missing.items():
        say(f"{path}: {why}")
    say(f"The report is in {options.out}")
    print_json(options, {"report": str(options.out), "without_pictures": missing})
    return DONE

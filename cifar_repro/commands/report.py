"""One HTML file, complete in itself, of runs and studies: results, verdict, charts, pictures, how to repeat it.

It needs the records alone; the pictures of test images need the data and the weights, too, and without
them the report says so. 'cifar-repro run' writes one into its folder by itself.
"""

import argparse
from functools import cache, partial
from pathlib import Path

from cifar_repro.commands.options import add_json, check_new, load, place
from cifar_repro.commands.status import DONE
from cifar_repro.commands.talk import print_json, progress, speaker


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
    from cifar_repro.report.page import see, write_report
    from cifar_repro.studies.results import read_results

    check_new(options.out)
    studies = [read_results(path) for path in options.results]
    load_once = cache(load)
    if options.data is not None:
        load_once(options.data)  # what is asked for must be there
    seen = [
        see(path, study, partial(load_once, place(options.data, study.data)), progress)
        for path, study in zip(options.results, studies, strict=True)
    ]
    write_report(options.out, studies, seen)
    missing = {str(path): why for path, why in zip(options.results, seen, strict=True) if isinstance(why, str)}
    say = speaker(options)
    for path, why in missing.items():
        say(f"{path}: {why}")
    say(f"The report is in {options.out}")
    print_json(options, {"report": str(options.out), "without_pictures": missing})
    return DONE

"""What the runs of a study say about a published result, or about another study.

Against another study, the highest that holds of: bitwise, numerically close (rounding explains it),
statistically equivalent (accuracies within the margin); else different, or inconclusive. Against a
published run: consistent with it, not consistent with it, or inconclusive. 'Not significant' is never read
as equal.
Exit status 0: bitwise, numerically close, statistically equivalent, consistent with. 1: different, not
consistent with. 3: inconclusive, which has shown neither; it says how many runs would.
"""

import argparse
from pathlib import Path

from cifar_repro.commands.options import add_answer
from cifar_repro.commands.status import DONE, FAILED_CHECK, UNDECIDED
from cifar_repro.commands.talk import give, speaker
from cifar_repro.core.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=Path, metavar="STUDY", help="the folder of a study (or of a run, a study of one)")
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--published", metavar="NAME", help="the recipe whose published result to take (default: its own)"
    )
    other.add_argument("--against", type=Path, metavar="STUDY_B", help="another study")
    parser.add_argument(
        "--margin",
        type=float,
        metavar="POINTS",
        help="with --against: points of accuracy that do not matter (default: 1)",
    )
    add_answer(parser, "print the verdict and its numbers as JSON")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.studies.results import read_results
    from cifar_repro.verdicts import text
    from cifar_repro.verdicts.against import against
    from cifar_repro.verdicts.published import known
    from cifar_repro.verdicts.verdict import INCONCLUSIVE
    from cifar_repro.verdicts.with_published import with_published

    results = read_results(options.study)
    if options.against is not None:
        margin = 1.0 if options.margin is None else options.margin
        compared_with = str(options.against)
        found = against(results, read_results(options.against), margin, (str(options.study), compared_with))
    else:
        if options.margin is not None:
            raise InputError(f"margin: {options.margin} is for --against: leave it out")
        content = known(results.recipe.name if options.published is None else options.published)
        found = with_published(results, content, str(options.study))
        compared_with = text.published(content["recipe"], results.data)
    speaker(options)(text.verdict(found, compared_with))
    give(options, "verdict", text.answer(found, compared_with), found.as_json())
    if found.outcome == INCONCLUSIVE:
        return UNDECIDED
    return DONE if found.favourable else FAILED_CHECK

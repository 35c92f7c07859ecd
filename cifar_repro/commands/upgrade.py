"""Does another version of torch still give the same numbers, and is it slower? The whole question in one.

Makes an environment for each version (venv and pip, kept in a cache folder), traces 20 steps and trains an
epoch of udacity in both, measures their speed, trains more seeds where they part, and writes the answer:
upgrade.html, upgrade.md (a table for a pull request) and upgrade.json. The same command goes on with an
upgrade that was interrupted; more --seeds add to one.
Exit status 0: same bits or same statistics, and not slower. 1: different, or slower. 3: it cannot be told
whether the statistics are the same; it says how many seeds would tell.
"""

import argparse
from pathlib import Path

from cifar_repro.commands.options import add_data, add_json, load
from cifar_repro.commands.status import DONE, FAILED_CHECK, INTERRUPTED, UNDECIDED, Stop
from cifar_repro.commands.talk import print_json, progress, speaker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", required=True, metavar="TORCH", help="the version to go to: torch==X")
    parser.add_argument(
        "--from",
        dest="before",
        default="current",
        metavar="TORCH",
        help="the version to come from: torch==Y, or 'current' (default): this interpreter and its torch",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="its folder (default: upgrades/FROM-to-TO)")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where environments are kept (default: cifar-repro/upgrade in $XDG_CACHE_HOME or ~/.cache)",
    )
    parser.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="seeds to compare where they part (default: 3)"
    )
    parser.add_argument("--device", default="auto", metavar="DEV", help="auto (default), cpu, cuda or cuda:INDEX")
    add_json(parser, "print upgrade.json")
    add_data(parser)


def command(options: argparse.Namespace) -> int:
    from cifar_repro.report.upgrade_page import write_upgrade_page
    from cifar_repro.runs.environment import choose_device
    from cifar_repro.upgrades import text
    from cifar_repro.upgrades.environments import default_cache, wanted
    from cifar_repro.upgrades.upgrade import Plan, default_out, upgrade

    before, after = wanted(options.before, "from"), wanted(options.to, "to")
    choose_device(options.device)
    out = options.out if options.out is not None else default_out(before, after)
    cache = options.cache if options.cache is not None else default_cache()
    plan = Plan(out, cache, before, after, options.device, options.seeds)
    say = speaker(options)
    try:
        found = upgrade(plan, load(options.data, options.require_data), say, progress)
    except KeyboardInterrupt:
        raise Stop("interrupted: all finished steps are kept; go on with the same command", INTERRUPTED) from None
    write_upgrade_page(out, found)
    say(text.answer(found))
    say(f"\nEverything is in {out}")
    print_json(options, found)
    if found.fine is None:
        return UNDECIDED
    return DONE if found.fine else FAILED_CHECK

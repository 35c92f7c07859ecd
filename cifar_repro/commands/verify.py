"""Run a recorded run again and compare every epoch's losses and weights bit for bit.

Exit status 0: identical. 1: it differs; says from which epoch on, in what, and what could be why.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from cifar_repro.commands.options import add_answer, load, place
from cifar_repro.commands.status import DONE, FAILED_CHECK
from cifar_repro.commands.talk import give, progress, speaker
from cifar_repro.core.errors import about


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--epochs", type=int, metavar="K", help="compare the first K epochs only")
    parser.add_argument("--data", metavar="D", help="where the run's data is now (default: where it was)")
    add_answer(parser, "print the outcome as JSON")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.runs import text
    from cifar_repro.runs.environment import choose_device
    from cifar_repro.runs.folders import folder_of
    from cifar_repro.runs.record import NAME, read_record
    from cifar_repro.runs.verify import verify

    folder = folder_of(options.run)
    record = read_record(folder)
    with about(folder / NAME):
        choose_device(record.environment.device)
    data = load(place(options.data, record.data))
    say = speaker(options)
    with about(folder / NAME):
        result = verify(record, data, options.epochs, lambda epoch: say(text.identical(epoch)), progress)
    say(text.verification(result))
    give(options, "verify", text.answer(result), asdict(result))
    return DONE if result.difference is None else FAILED_CHECK

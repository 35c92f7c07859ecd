"""Is B slower than A? Runs the same workload on both in turn, and calls only what A against A does not show.

A side is the path of a Python interpreter, a checkout (a folder that holds cifar_repro/), or settings of
this one: threads=N,memory_format=F. Without --threads each side has one thread: the steadiest.
Exit status 0: B is not slower, as far as can be told here. 1: B is slower.
"""

import argparse

from cifar_repro.commands.options import add_answer, given
from cifar_repro.commands.status import DONE, FAILED_CHECK
from cifar_repro.commands.talk import give, progress, speaker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--a", required=True, metavar="SIDE", help="what B is compared with")
    parser.add_argument("--b", required=True, metavar="SIDE", help="what may be slower")
    parser.add_argument("--rounds", type=int, metavar="N", help="measurements of each side (default: 40)")
    parser.add_argument("--workload", metavar="W", help="step (default): training steps; epoch-part: a short epoch")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads of a side (default: 1)")
    add_answer(parser, "print all that was measured as JSON")


def command(options: argparse.Namespace) -> int:
    from cifar_repro.gate import text
    from cifar_repro.gate.gate import ROUNDS, gate
    from cifar_repro.gate.side import parse_side

    said = {"workload": "step", "rounds": ROUNDS, "threads": 1, **given(options)}
    a, b = (parse_side(side, said["threads"]) for side in (options.a, options.b))
    say = speaker(options)
    result = gate(
        a, b, said["workload"], said["rounds"], after_same=lambda same: say(text.same(same)), progress=progress
    )
    say(text.verdict(result))
    give(options, "gate", text.answer(result), result)
    return FAILED_CHECK if result.slower else DONE

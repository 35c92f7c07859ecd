"""The command line: parses, runs one command, and says in one line what went wrong. Imports no torch."""

import argparse
import errno
import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from cifar_repro import __version__
from cifar_repro.commands import COMMANDS
from cifar_repro.commands.kinds import check_kinds
from cifar_repro.commands.status import BAD_INPUT, DONE, FAILED_CHECK, INTERRUPTED, PIPE_CLOSED, Stop, describe
from cifar_repro.commands.talk import ready_streams, tell
from cifar_repro.core.errors import InputError, NonFinite, meant
from cifar_repro.printable import printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 done, 1 a check did not hold, 2 bad input, 3 undecided."""
    ready_streams()
    parser = make_parser()
    status: int
    try:
        try:
            options = parser.parse_args(arguments)
            if "command" not in options:
                parser.print_help()
                return DONE
            check_kinds(options)
            status = options.command(options)
            return status
        finally:
            sys.stdout.flush()  # of help, too, which ends the program by itself
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
        problem, status = f"{describe(error)}: {_remedy(error)}", BAD_INPUT
    except KeyboardInterrupt:
        problem, status = "interrupted", INTERRUPTED
    tell(f"cifar-repro: {' '.join(problem.split())}", sys.stderr)
    return status


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room, or give another place"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "give a place that you may use"
    return "give another path"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, which knows what a misspelt word may have been meant for."""

    def error(self, message: str) -> NoReturn:
        message = printable(" ".join(message.split()))
        if choice := re.fullmatch(r"(.*invalid choice: '(.*)') \(choose from (.*)\)", message):
            before, word, known = choice.groups()
            near = meant(word, re.findall(r"[\w-]+", known))
            message = f"{before}{near} (choose from {known})"
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see '{self.prog} --help')\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but what a command does not know is told by its own parser, which knows its options."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            known = self._option_string_actions
            words = [f"{word}{meant(word.partition('=')[0], known) if word[:2] == '--' else ''}" for word in unknown]
            self.error(f"unrecognized arguments: {' '.join(words)}")
        return parsed, unknown


class PrintCompletion(argparse.Action):
    """Prints what makes a shell complete the words of this command line, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        try:
            import shtab
        except ImportError:
            parser.error("print-completion: shtab is not installed: give it with pip install 'cifar-repro[completion]'")
        for own in self.const.choices.values():
            for action in own._actions:
                if action.type is Path:
                    action.complete = shtab.FILE
                if action.help is argparse.SUPPRESS:  # in the help of another command
                    action.help = "a number of the recipe"
        make_parser.cache_clear()  # its help is another one now
        print(shtab.complete(parser, shell=values))
        parser.exit()


@cache  # for who calls `main` time after time, in a notebook or a test
def make_parser() -> Parser:
    """The parser of the whole command line; `command` of what it returns is the function to call with it."""
    parser = Parser(
        prog="cifar-repro", description="The CIFAR-10 CNN of the Udacity PyTorch lesson, repeatable to the bit."
    )
    parser.add_argument("--version", action="version", version=f"cifar-repro {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        const=commands,
        choices=("bash", "zsh", "tcsh"),
        help="print what makes this shell complete commands and options",
    )
    for name in COMMANDS:
        module = import_module(f"cifar_repro.commands.{name}")
        description, _, more = (module.__doc__ or "").partition("\n\n")  # python -OO leaves no docstrings
        own = commands.add_parser(
            name,
            help=description[:1].lower() + description[1:].removesuffix("."),
            description=description,
            epilog=more.strip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        own.set_defaults(command=module.command)
        module.add_arguments(own)
    return parser

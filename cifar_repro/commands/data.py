"""What a data folder holds: layout, images per class, fingerprints, official or not."""

import argparse
from pathlib import Path

from cifar_repro.commands.options import add_data, add_json, load
from cifar_repro.commands.status import DONE
from cifar_repro.commands.talk import print_json, progress, speaker
from cifar_repro.core.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="the same as --data FOLDER")
    add_data(parser)
    parser.add_argument(
        "--download", action="store_true", help="first download the binary version to the folder (default: ./data)"
    )
    add_json(parser, "print it as JSON")


def command(options: argparse.Namespace) -> int:
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
            layouts.download(Path(where), progress)
        except layouts.NETWORK_ERRORS as error:
            raise InputError(f"{layouts.ARCHIVE_URL}: cannot be reached ({error}): try again") from error
    described = describe_data(load(where, options.require_data))
    speaker(options)(text.data(described))
    print_json(options, described)
    return DONE

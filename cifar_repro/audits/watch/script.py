"""Runs a script as `python FILE` would, watched."""

import runpy
import sys
from pathlib import Path

from cifar_repro.audits.watch import Setting, setting, start


def run(said: Setting) -> None:
    _, end = start(said)
    file = Path(said.file)
    sys.argv = [str(file)]
    sys.path[0] = str(file.parent)
    try:
        runpy.run_path(str(file), run_name="__main__")
    except SystemExit as exit:
        end(exit if exit.code not in (None, 0) else None)
    except BaseException as failure:
        end(failure)
    else:
        end(None)


if __name__ == "__main__":
    run(setting())

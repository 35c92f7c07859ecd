"""Runs a script as `python FILE` would, watched."""

import runpy
import sys
from pathlib import Path

from cifar_repro.audits.events import Finished
from cifar_repro.audits.watch import Setting, setting, start
from cifar_repro.audits.watch.training import finish


def run(said: Setting) -> None:
    log, state = start(said)
    file = Path(said.file)
    sys.argv = [str(file)]
    sys.path[0] = str(file.parent)
    error: BaseException | None = None
    try:
        runpy.run_path(str(file), run_name="__main__")
    except SystemExit as end:
        error = None if end.code in (None, 0) else end
    except BaseException as failure:
        error = failure
    finish(log, state)
    if error is None:
        log.write(Finished())
    else:
        log.failed(error)


if __name__ == "__main__":
    run(setting())

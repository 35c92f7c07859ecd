"""Runs a notebook in a kernel of its own, watched from a first cell on that is put before the others."""

import sys
from collections.abc import Callable
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from cifar_repro.audits.watch import setting, start

FIRST = "from cifar_repro.audits.watch.notebook import in_kernel; in_kernel(get_ipython()); del in_kernel"
LAST = "from cifar_repro.audits.watch.notebook import at_end; at_end()"


def main() -> None:
    notebook = nbformat.read(setting().file, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells.append(nbformat.v4.new_code_cell(LAST))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FIRST))
    for cell in notebook.cells:
        cell.outputs, cell.metadata = [], {}
    try:
        NotebookClient(notebook, timeout=None, kernel_name="python3", store_widget_state=False).execute()
    except CellExecutionError:
        sys.exit(1)  # the kernel has written what it was


def at_end() -> None:
    """The last cell: the notebook has run."""
    finishing.pop()()


finishing: list[Callable[[], None]] = []  # in the kernel: what `at_end` is to do


def in_kernel(shell: Any) -> None:
    """Starts the watch in the kernel."""
    log, end = start(setting())
    cells = 0

    def before(info: Any) -> None:
        nonlocal cells
        cells += 1
        log.cells[shell.compile.get_code_name(info.raw_cell, info.raw_cell, cells)] = f"cell {cells}"

    def after(result: Any) -> None:
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            end(error)

    def off(line: str, *args: Any) -> None:
        log.bridged(f"shell lines of the notebook (as !{' '.join(line.split()[:3])}) were left out")

    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", after)
    shell.system = shell.getoutput = off

    finishing.append(lambda: end(None))
    for kind, names in (("line", ("matplotlib", "pip", "conda", "cd")), ("cell", ("bash", "sh", "writefile"))):
        for name in names:
            shell.register_magic_function(lambda line="", *args: None, magic_kind=kind, magic_name=name)


if __name__ == "__main__":
    main()

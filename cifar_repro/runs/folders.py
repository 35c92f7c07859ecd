"""What a folder holds: a run, a study, or the studies of `study --vary each`; and never two of them.

A study's runs lie in its seed-* folders, and the studies of `--vary each` in folders named by the source that varies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout

from cifar_repro.core.checkpoint import clear_leftovers
from cifar_repro.core.errors import InputError
from cifar_repro.runs.record import NAME as RECORD

STUDY = "study.json"
Source = Literal["split", "init", "order", "dropout"]  # of randomness: the fields of `Seeds`
SOURCES: tuple[Source, ...] = get_args(Source)
A_RUN, A_STUDY, STUDIES = "a run", "a study", "the studies of --vary each"


def check_only(kind: str, folder: Path) -> None:
    """Raises InputError where the folder is a file or holds something of another kind; it need not be there."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out: {str(folder)!r} is no folder: give a new one")
    runs, studies = _runs_in(folder), _studies_in(folder)
    record, study = ([name] * (folder / name).exists() for name in (RECORD, STUDY))
    for other, found in ((A_RUN, record), (A_STUDY, study + runs), (STUDIES, studies)):
        if found and other != kind:
            raise InputError(f"out: {str(folder)!r} already holds {other} ({found[0]}): give a new folder")


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Inside, no other process works in that folder, and what a killed one had only begun to write there is gone.

    what: who works there, in a word. Raises InputError where another process does already.
    """
    lock = FileLock(folder / ".lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"out: another {what} is at work in {str(folder)!r}: wait for it, or give another folder"
        ) from None
    try:
        for place in (folder, folder / "figures"):
            clear_leftovers(place)
        yield
    finally:
        lock.release()


def folder_of(path: Path) -> Path:
    """The folder of a run or study that `path` names, by itself or by its record.json or study.json."""
    return path.parent if path.name in (RECORD, STUDY) and path.is_file() else path


def results_file(path: Path) -> Path:
    """The study.json or record.json that `path` is, or that is in that folder. Raises InputError where there is none.

    The line says what there is instead.
    """
    files = [path] if path.name in (RECORD, STUDY) else [path / STUDY, path / RECORD]
    for file in files:
        if file.exists():
            return file
    if runs := _runs_in(path):
        there = " to ".join(dict.fromkeys((runs[0], runs[-1])))
        raise InputError(
            f"{path}: holds {there} and no {STUDY}: the study is not complete (go on with the same command), or all "
            "its runs diverged (try a lower learning rate in a new folder)"
        )
    if studies := _studies_in(path):
        raise InputError(f"{path}: holds {STUDIES}: give one of {', '.join(str(path / name) for name in studies)}")
    why = "holds" if path.exists() else "is not there: there is"
    raise InputError(f"{path}: {why} no {RECORD} and no {STUDY}: give the folder of a run or of a study")


def _runs_in(folder: Path) -> list[str]:
    """The folders of a study's runs, in the order of the seeds."""
    names = [file.parent.name for file in folder.glob(f"seed-*/{RECORD}")]
    return sorted(names, key=lambda name: (len(name), name))


def _studies_in(folder: Path) -> list[str]:
    """The folders of the studies of one source each."""
    return [name for name in SOURCES if (folder / name / STUDY).is_file() or _runs_in(folder / name)]

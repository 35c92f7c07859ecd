"""A Python for each torch: virtual environments that pip fills once, kept in a cache folder.

In all but torch, torchvision and what these bring, an environment is like the running one, so that torch alone differs.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.errors import InputError
from cifar_repro.core.files import TEXT, read
from cifar_repro.formats import Form, decode, encode
from cifar_repro.upgrades.processes import run

DISTRIBUTION = "cifar-repro"
CURRENT = "current"  # the running interpreter with its torch
COMPLETE = "complete.json"  # in an environment: written last, so that one without it is none

VERSION = r"(?:torch\s*==\s*)?(\d+(?:\.\d+)+(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?(?:\+[a-z0-9.]+)?)"
ASK = (
    "import importlib.metadata as m, json, platform, torch, torchvision; print(json.dumps({'torch': torch.__version__, "
    "'torchvision': m.version('torchvision'), 'python': platform.python_version()}))"
)


class Installed(Form, frozen=True, kw_only=True):
    """What a whole environment holds."""

    torch: str
    torchvision: str
    python: str


@dataclass(frozen=True)
class Interpreter:
    """path: of the interpreter. own: whether it has an environment made here, in which nothing else is to be found."""

    path: Path
    installed: Installed
    own: bool


def wanted(given: str, option: str) -> str | None:
    """The version in "torch==2.9.1" or "2.9.1"; None for "current". Raises InputError for anything else."""
    if given.strip().lower() == CURRENT:
        return None
    match = re.fullmatch(VERSION, given.strip())
    if match is None:
        raise InputError(f"{option}: {given!r} is no version of torch: give one as torch==2.9.1, or {CURRENT!r}")
    return match[1]


def default_cache() -> Path:
    """Where environments are kept: in $XDG_CACHE_HOME, by default ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / DISTRIBUTION / "upgrade"


@cache
def others() -> tuple[str, ...]:
    """What this package needs besides torch and torchvision, in the versions that are here.

    Raises InputError where it was never installed, so that nothing says what it needs.
    """
    try:
        needed = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        raise InputError(f"{DISTRIBUTION}: is not installed here: install it, with python -m pip install") from None
    names = [re.split(r"[^\w.-]", line)[0] for line in needed if "extra ==" not in line]
    return tuple(sorted(f"{name}=={metadata.version(name)}" for name in names if name not in ("torch", "torchvision")))


def requirements(torch: str) -> list[str]:
    """What pip is to install for a version of torch: torchvision is the one that pip finds to go with it."""
    return [f"torch=={torch}", "torchvision", *others()]


def folder_of(torch: str, kept_in: Path) -> Path:
    """The environment's folder: one for each version of Python and set of requirements."""
    key = sha256("\n".join(requirements(torch)).encode()).hexdigest()[:8]
    python = ".".join(map(str, sys.version_info[:3]))
    return kept_in / f"torch-{torch}-python-{python}-{key}"


def running() -> Interpreter:
    """The interpreter that runs this."""
    import platform

    import torch

    versions = (str(torch.__version__), metadata.version("torchvision"), platform.python_version())
    return Interpreter(
        Path(sys.executable),
        Installed(torch=versions[0], torchvision=versions[1], python=versions[2]),
        own=False,
    )


def ready(folder: Path) -> Interpreter | None:
    """The interpreter of an environment; None where it is not whole, or the Python that it was made with is gone."""
    python = _python(folder)
    try:
        installed = decode(read(folder / COMPLETE, TEXT, "make it again"), Installed, COMPLETE)
    except (OSError, ValueError, RecursionError):
        return None
    return Interpreter(python, installed, own=True) if python.exists() else None


def make(torch: str, kept_in: Path) -> Interpreter:
    """Makes the environment of a version of torch, if it is not there.

    Another process that makes the same one is waited for. Raises InputError where pip, or what it installed, fails.
    """
    folder = folder_of(torch, kept_in)
    try:
        kept_in.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(f"cache: {str(kept_in)!r} is no folder: give another one") from None
    with FileLock(f"{folder}.lock"):
        if found := ready(folder):
            return found
        if folder.exists():  # what an interrupted installation left
            shutil.rmtree(folder)
        log = Path(f"{folder}.log")
        log.unlink(missing_ok=True)
        python = _python(folder)
        run([sys.executable, "-m", "venv", str(folder)], log, f"making the environment of torch {torch}")
        pip = [str(python), "-m", "pip", "--log", str(log), "--disable-pip-version-check", "install", "--no-input"]
        shown = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL  # the log has it all
        run(
            [*pip, *requirements(torch)],
            log,
            f"pip install torch=={torch} torchvision",
            stdout=shown,
            stderr=shown,
            env=_own(),
        )
        answer = folder / "versions.json"
        with answer.open("wb") as file:
            run([str(python), "-c", ASK], log, f"import torch {torch}", stdout=file, env=_own())
        installed = decode(answer.read_bytes(), Installed, "versions")
        with replacing(folder / COMPLETE) as file:
            file.write(encode(installed))
        return Interpreter(python, installed, own=True)


def _python(folder: Path) -> Path:
    # Absolute, but not resolved: the link is what makes the environment.
    return folder.absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def variables(interpreter: Interpreter, package: Path) -> dict[str, str]:
    """The environment variables with which an interpreter finds its own packages and the cifar_repro in `package`."""
    if interpreter.own:
        return {**_own(), "PYTHONPATH": str(package)}
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def _own() -> dict[str, str]:
    """Those of here without what adds packages to the running interpreter, and would to others."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}

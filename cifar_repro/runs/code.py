"""What code ran: the version, the commit and the sources of this package, as they lie on the disk."""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta

import cifar_repro
from cifar_repro.formats import Form

SOURCES = {".py", ".j2", ".css", ".json"}  # the endings of the files that the package is made of


class Code(Form, frozen=True, kw_only=True):
    """The code of this package; equal `source_sha256` is equal code, whatever the rest says.

    commit, changed: HEAD of the checkout that the package lies in, and whether the package there is another one than
    in that commit; None where it lies in none, as an installed one does, or where git does not say.
    """

    version: str
    commit: Annotated[str, Meta(pattern="^[0-9a-f]{40,64}$")] | None
    changed: bool | None
    source_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


@cache
def code_here() -> Code:
    """The code of this process, as it is when this is first asked for."""
    return code_in(Path(cifar_repro.__file__).parent, cifar_repro.__version__)


def code_in(package: Path, version: str) -> Code:
    """The code of the package in a folder."""
    commit, changed = _checkout(package)
    return Code(version=version, commit=commit, changed=changed, source_sha256=_digest(package))


def _digest(package: Path) -> str:
    """sha256 hex over the package's files in order: path in it, in UTF-8, a zero byte, the number of bytes in decimal,
    a zero byte, the bytes."""
    sha = hashlib.sha256()
    files = {file.relative_to(package).as_posix(): file for file in package.rglob("*") if file.suffix in SOURCES}
    for name, file in sorted(files.items()):
        content = file.read_bytes()
        sha.update(f"{name}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()


def _checkout(package: Path) -> tuple[str | None, bool | None]:
    """`commit` and `changed`. A package that somebody's repository merely surrounds is not tracked in it."""
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    # Whatever the user's own settings say of new files.
    told = _git(package, "status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--", ".")
    if told is None:
        return None, None
    head, *others = [line for line in told.splitlines() if line.startswith("# branch.oid ") or line[0] != "#"]
    commit = head.removeprefix("# branch.oid ")
    return (None, None) if commit == "(initial)" else (commit, bool(others))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints there; None where it fails or is not there."""
    # Not the repository that a hook of git, which may have started this process, is about.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        command = ["git", "--no-optional-locks", *arguments]
        made = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return made.stdout.decode(errors="replace") if made.returncode == 0 else None


def code_label(code: Sequence[Code | None]) -> str:
    """The code of a run, and other code that went on with it, in a line; None: it was not recorded."""
    return ", then ".join(map(_label, code or [None]))


def code_labels(runs: Iterable[Sequence[Code | None]]) -> list[str]:
    """A label for each different code of these runs: more than one where they are not known to be of the same."""
    labels: dict[tuple[str | None, ...], str] = {}
    for code in runs:
        labels.setdefault(
            tuple(None if each is None else each.source_sha256 for each in code or [None]), code_label(code)
        )
    return list(labels.values())


def _label(code: Code | None) -> str:
    if code is None:
        return "not recorded"
    commit = [f"commit {code.commit[:10]}{' with changes' * bool(code.changed)}"] if code.commit else []
    return f"{code.version} ({', '.join([*commit, f'sources {code.source_sha256[:10]}'])})"


def code_differences(recorded: Sequence[Code | None], here: Code | None) -> list[str]:
    """One line, "code: recorded -> here", where any of the recorded code is known to be other code than `here`."""
    if here is None or all(code is None or code.source_sha256 == here.source_sha256 for code in recorded):
        return []
    return [f"code: {code_label(recorded)} -> {code_label([here])}"]

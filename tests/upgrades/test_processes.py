"""A command's failure is told in a line, and a command ends with the process that waits for it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.upgrades import processes
from cifar_repro.upgrades.processes import run


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def test_what_a_command_says_is_in_the_log(tmp_path: Path) -> None:
    """And its own last words are in the error where it fails, be they no UTF-8, and not those of one before it."""
    log = tmp_path / "log"
    run(python("print('done')"), log, "work")
    assert log.read_text().split() == ["done"]
    with pytest.raises(InputError) as caught:
        run(python("import sys; sys.exit('cifar-repro: data: is not there')"), log, "torch 9: trace")
    assert str(caught.value) == f"torch 9: trace: failed with status 1 (data: is not there): look into {log}"
    with pytest.raises(InputError, match=r"^torch 9: study: failed with status 3 \(it said nothing\): look into "):
        run(python("import sys; sys.exit(3)"), log, "torch 9: study")
    with pytest.raises(InputError, match=r"^import torch 9: failed with status 1 \(no \ufffd module\): look into "):
        run(python(r"import sys; sys.stdout.buffer.write(b'no \xff module'); sys.exit(1)"), log, "import torch 9")
    with pytest.raises(InputError, match=r"^work: /none/python cannot be run \(No such file or directory\)"):
        run(["/none/python"], log, "work")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_command_that_is_killed_has_failed(tmp_path: Path) -> None:
    """As one that takes all memory is, by the system: it has no status of its own, and says nothing."""
    with pytest.raises(InputError, match=r"^work: failed with status -9 \(it said nothing\): look into "):
        run(python("import os; os.kill(os.getpid(), 9)"), tmp_path / "log", "work")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers that send signals")
def test_ctrl_c_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is left, though it would have slept for an hour."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: object, **options: object) -> "subprocess.Popen[bytes]":
        started.append(popen(*args, **options))  # type: ignore[call-overload]
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(processes, "GRACE", 0.01)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            run(python("import time; time.sleep(3600)"), tmp_path / "log", "work")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert started[0].poll() is not None

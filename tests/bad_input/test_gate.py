"""A side of a gate that is none, and numbers that make no sense, are refused."""

import pytest

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import HUGE


@pytest.mark.parametrize(
    ("side", "naming"),
    [
        ("python9", ["'python9'"]),
        ("", ["side", "''"]),
        ("nowhere/bin/python", ["nowhere/bin/python"]),
        (".", ["'.'", "cifar_repro"]),
        ("speed=2", ["'speed'", "threads"]),
        ("memory_format=rows", ["memory_format", "'rows'"]),
        ("threads=many", ["threads", "'many'"]),
        ("threads=0", ["threads", "'0'"]),
        ("threads=", ["threads", "''"]),
    ],
)
@pytest.mark.parametrize("flags", [("--a", "--b"), ("--b", "--a")], ids=["a", "b"])
def test_side_that_is_none_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, side: str, naming: list[str], flags: tuple[str, str]
) -> None:
    """What is no interpreter, no checkout and no setting is named, be it A or B, before anything runs."""
    monkeypatch.chdir(shell.folder)
    shell.refuses("gate", flags[0], side, flags[1], "threads=1", naming=tuple(naming))


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--rounds", "0"), ("--rounds", "9"), ("--threads", "0"), ("--threads", HUGE), ("--workload", "sleep")],
)
def test_gate_that_makes_no_sense_is_refused(shell: Shell, flag: str, value: str) -> None:
    """Too few rounds, a number of threads that cannot be, and an unknown workload are named."""
    shell.refuses("gate", "--a", "threads=1", "--b", "threads=1", flag, value, naming=(flag[2:], value))


def test_file_that_cannot_be_run_is_no_side(shell: Shell) -> None:
    """A file that is executable by its mode but no program is named."""
    path = shell.folder / "python"
    path.write_text("no program")
    path.chmod(0o755)
    shell.refuses("gate", "--a", path, "--b", "threads=1", naming=(path,))

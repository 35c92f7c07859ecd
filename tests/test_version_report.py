"""What tox runs in an environment of one torch version refuses an environment with another one."""

import platform
from pathlib import Path

import pytest
import torch

from tests import version_report
from tests.version_report import check_versions


@pytest.mark.parametrize(
    ("environment", "python", "torch_version"),
    [
        ("py311-torch26", "3.11.7", "2.6.0+cu124"),
        ("py313-torch213", "3.13.0", "2.13.0a0+git1"),
        ("torch29-py310", "3.10.1", "2.9.1"),
    ],
)
def test_the_versions_of_the_name_are_accepted(environment: str, python: str, torch_version: str) -> None:
    """Patch version and build are free."""
    check_versions(environment, python, torch_version)


@pytest.mark.parametrize(
    ("environment", "python", "torch_version", "named"),
    [
        ("py311-torch26", "3.11.7", "2.9.1+cu128", ("torch 2.9.1+cu128", "torch26")),
        ("py311-torch213", "3.11.7", "2.1.3", ("torch 2.1.3", "torch213")),
        ("py311-torch21", "3.11.7", "2.13.0", ("torch 2.13.0", "torch21")),
        ("py311-torch29", "3.12.1", "2.9.1", ("python 3.12.1", "py311")),
        ("py311", "3.11.7", "2.9.1", ("torch 2.9.1", "None")),
    ],
)
def test_another_version_ends_the_process(
    environment: str, python: str, torch_version: str, named: tuple[str, ...]
) -> None:
    """The line names the environment and both versions."""
    with pytest.raises(SystemExit) as stopped:
        check_versions(environment, python, torch_version)
    assert all(part in str(stopped.value) for part in (environment, *named))


@pytest.mark.parametrize(("suite", "trace", "status"), [(0, 0, 0), (1, 0, 1), (0, 2, 2), (1, 2, 1)])
def test_a_failing_suite_still_leaves_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suite: int, trace: int, status: int
) -> None:
    """The suite runs, then the trace, with the suite's results, in place of an old report; either's failure is told."""
    name = f"py{''.join(platform.python_version_tuple()[:2])}-torch{''.join(torch.__version__.split('.')[:2])}"
    report = tmp_path / "reports" / f"{name}.json"
    report.parent.mkdir()
    report.write_text("old")
    made = []

    def call(command: list[str]) -> int:
        made.append(command[2])
        if command[2] == "pytest":
            results = next(option for option in command if option.startswith("--junit-xml="))
            Path(results.partition("=")[2]).write_text("results")
            return suite
        assert Path(command[command.index("--tests") + 1]).read_text() == "results"
        assert command[command.index("--out") + 1] == str(report.relative_to(tmp_path))
        assert not report.exists(), "trace does not overwrite"
        return trace

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(version_report.subprocess, "call", call)
    assert version_report.main(name) == status
    assert made == ["pytest", "cifar_repro"]

"""What tox runs in an environment of one torch version refuses an environment with another one."""

import pytest

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

"""Tells pytest of `--subject` before it looks for its configuration.

Options of a conftest.py are unknown at that moment: pytest would take the FILE of `--subject FILE` for a test to run,
and its folder for the root of the project. All else about the option is in the project's conftest.py.
"""

from typing import Any


def pytest_addoption(parser: Any) -> None:
    parser.getgroup("cifar_repro").addoption(
        "--subject",
        metavar="FILE.py|MODULE",
        help="aim cifar_repro's checks at somebody else's code: run those that apply, report right, wrong or not there",
    )

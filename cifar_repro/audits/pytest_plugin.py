"""`pytest --subject FILE`: the checks of this package, aimed at somebody else's code, in any folder.

Every run of pytest imports this module, wherever the package is installed: it imports nothing heavy until the option is
used. It must be an installed plugin, for options of a conftest.py are unknown when pytest looks for its configuration:
it would take the FILE of `--subject FILE` for a test to run, and its folder for the root of the project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cifar_repro.audits.subject import Subject

SUBJECT: pytest.StashKey[Subject] = pytest.StashKey()
# pytest's outcome of a check -> what the closing report says, in its order.
WORDS = {"passed": "right", "failed": "WRONG", "error": "WRONG", "skipped": "not there"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("cifar_repro").addoption(
        "--subject",
        metavar="FILE.py|MODULE",
        help="aim cifar_repro's checks at somebody else's code: run those that apply, report right, wrong or not there",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Has pytest collect the checks, and nothing but them, once the subject is there to be checked."""
    config = session.config
    where = config.getoption("subject")
    if where is None:
        return
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        raise pytest.UsageError(
            f"--subject runs the checks and no tests, on one file or module: leave out {' '.join(config.args)}"
        )

    from cifar_repro.audits.subject import from_file

    try:
        config.stash[SUBJECT] = from_file(where)
    except (Exception, SystemExit) as error:  # somebody else's code can raise anything
        raise pytest.UsageError(f"--subject {where}: {type(error).__name__}: {error}") from error

    from cifar_repro.core.seeding import make_deterministic

    make_deterministic(threads=1)  # after that code, which may have set threads of its own
    config.option.pyargs = True  # a module's name and no path: the folders above the package are none of our business
    config.args = ["cifar_repro.audits.as_tests"]


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Names the tests after the subject: where the package lies says nothing to those who read of them."""
    where = parent.config.getoption("subject")
    if where is None:
        return None
    module: pytest.Module = pytest.Module.from_parent(parent, path=module_path, nodeid=where)
    return module


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Right, WRONG and why, or not there: a line for each check that was run."""
    if SUBJECT not in config.stash:
        return
    from cifar_repro.audits.checks import CHECKS

    order = list(CHECKS)
    lines = []
    for outcome, word in WORDS.items():
        for report in terminalreporter.stats.get(outcome, []):
            name = report.nodeid.rpartition("[")[2].removesuffix("]")
            if name in CHECKS:
                place = (list(WORDS.values()).index(word), order.index(name))
                lines.append((place, f"{word:10}{name.replace('_', ' ')}{_why(report)}"))
    if lines:
        terminalreporter.section(f"the checks on {config.getoption('subject')}")
        for _, line in sorted(lines):
            terminalreporter.write_line(line)
        counts = {word: sum(line.startswith(word) for _, line in lines) for word in WORDS.values()}
        terminalreporter.write_line(", ".join(f"{count} {word}" for word, count in counts.items()))


def _why(report: pytest.TestReport) -> str:
    """The first line of what a check says is wrong, or the names that it needs and does not find."""
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):  # of a skipped one: path, line and reason
        return ": " + report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(report.longrepr) if crash is None else crash.message
    return ": " + message.splitlines()[0].removeprefix("AssertionError: ")

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
RIGHT, WRONG, DIFFERS, OTHER, NOT_JUDGED = "right", "WRONG", "differs", "another interface", "not judged"
# pytest's outcome of a check -> what the closing report says; of a skipped one the reason begins with the word.
WORDS = {"passed": RIGHT, "failed": WRONG, "error": WRONG, "skipped": NOT_JUDGED}
ORDER = (RIGHT, WRONG, DIFFERS, OTHER, NOT_JUDGED)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cifar_repro")
    group.addoption(
        "--subject",
        metavar="FILE.py|FILE.ipynb|MODULE",
        help="aim cifar_repro's checks at somebody else's code: what is right, WRONG, other than the lesson's, or not "
        "judged; write --subject=FILE, or pytest takes the FILE's folder for the project's root",
    )
    group.addoption(
        "--subject-recipe",
        metavar="R",
        default="udacity",
        choices=("udacity", "pytorch-blitz"),
        help="whose network it is to be like: udacity (default) or pytorch-blitz",
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

    _check_root(config, where)

    from cifar_repro.audits.subject import from_file

    try:
        config.stash[SUBJECT] = from_file(where, config.getoption("subject_recipe"))
    except (Exception, SystemExit) as error:  # somebody else's code can raise anything
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise pytest.UsageError(f"--subject {where}: {why}") from error

    from cifar_repro.core.seeding import make_deterministic

    make_deterministic(threads=1)  # after that code, which may have set threads of its own
    config.option.pyargs = True  # a module's name and no path: the folders above the package are none of our business
    config.args = ["cifar_repro.audits.as_tests"]


def _check_root(config: pytest.Config, where: str) -> None:
    """Raises UsageError where pytest went by the configuration beside somebody else's file.

    It looks for one before it knows of this plugin's options, and takes the FILE of `--subject FILE` for a test.
    """
    here = config.invocation_params.dir
    if config.inipath is not None and config.inipath.parent not in (here, *here.parents):
        raise pytest.UsageError(f"--subject {where}: pytest read {config.inipath}: write --subject={where}")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Names the tests after the subject: where the package lies says nothing to those who read of them."""
    where = parent.config.getoption("subject")
    if where is None:
        return None
    module: pytest.Module = pytest.Module.from_parent(parent, path=module_path, nodeid=where)
    return module


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Right, WRONG and why, what differs, what is not judged: a line for each check, and how many there are of each."""
    if SUBJECT not in config.stash:
        return
    from cifar_repro.audits.checks import CHECKS

    order = list(CHECKS)
    lines = []
    for outcome, word in WORDS.items():
        for report in terminalreporter.stats.get(outcome, []):
            name = report.nodeid.rpartition("[")[2].removesuffix("]")
            if name in CHECKS:
                found, why = (word, _why(report)) if word != NOT_JUDGED else _reason(report)
                place = (ORDER.index(found), order.index(name))
                lines.append((place, f"{found:18}{name.replace('_', ' ')}{why}"))
    if lines:
        terminalreporter.section(f"the checks on {config.getoption('subject')}")
        for _, line in sorted(lines):
            terminalreporter.write_line(line)
        counts = [sum(place[0] == k for place, _ in lines) for k in range(len(ORDER))]
        shown = [
            f"{count} {word}" for word, count in zip(ORDER, counts, strict=True) if count or word in (RIGHT, WRONG)
        ]
        terminalreporter.write_line(", ".join(shown))


def _reason(report: pytest.TestReport) -> tuple[str, str]:
    """Of a skipped check: the word that its reason begins with, and the rest of it."""
    assert isinstance(report.longrepr, tuple)  # path, line and reason
    word, _, why = report.longrepr[2].removeprefix("Skipped: ").partition(": ")
    return word, f": {why}"


def _why(report: pytest.TestReport) -> str:
    """The first line of what a check says is wrong."""
    if report.passed:
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(report.longrepr) if crash is None else crash.message
    return ": " + message.splitlines()[0].removeprefix("AssertionError: ")

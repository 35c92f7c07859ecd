"""The checks as tests of pytest, on what `--subject` names; `pytest_plugin.py` has them collected."""

import gc
import warnings
from collections.abc import Iterator

import pytest

from cifar_repro.audits.checks import CHECKS
from cifar_repro.audits.pytest_plugin import DIFFERS, NOT_JUDGED, OTHER, SUBJECT
from cifar_repro.audits.subject import OtherInterface, Subject, other_interface


@pytest.fixture(scope="module")
def subject(pytestconfig: pytest.Config) -> Iterator[Subject]:
    gc.collect()
    gc.freeze()  # what is there by now stays: collecting after each check then takes no time
    yield pytestconfig.stash[SUBJECT]
    gc.unfreeze()


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str, subject: Subject) -> None:
    """The check of that name holds, if the subject has what it needs."""
    __tracebackhide__ = True
    check = CHECKS[name]
    # What is skipped is told in the closing report, each by its word: nothing of it may pass for right or for wrong.
    if missing := check.missing(subject):
        pytest.skip(f"{NOT_JUDGED}: needs {', '.join(missing)}")
    if other := other_interface(subject, check.needs):
        pytest.skip(f"{OTHER}: {other}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the subject warns of, or leaves open, is no failure of a check
        try:
            check.run(subject)
        except OtherInterface as error:
            pytest.skip(f"{OTHER}: {error}")
        except AssertionError as error:
            if check.of_the_lesson:
                pytest.skip(f"{DIFFERS}: {str(error).partition(chr(10))[0]}")
            raise
        finally:
            gc.collect()

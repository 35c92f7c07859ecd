"""The data of a small study, and the study."""

from pathlib import Path

import pytest

from cifar_repro.core.data import Cifar10, synthetic
from cifar_repro.studies.study import run_study
from tests.studies.small import plan
from tests.workers import in_this_process


@pytest.fixture(scope="module")
def data() -> Cifar10:
    return synthetic(train=60, test=30)


@pytest.fixture(scope="module")
def whole(data: Cifar10, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of three seeds, two epochs each."""
    folder = tmp_path_factory.mktemp("whole")
    run_study(plan(folder), data, in_this_process)
    return folder

"""The setting that is traced, and its trace."""

import pytest

from cifar_repro.core.data import Cifar10, ImageSet
from cifar_repro.traces.trace_file import Trace
from tests.traces.setting import Setting


@pytest.fixture(scope="module")
def setting(small_data: Cifar10) -> Setting:
    train, test = small_data.train, small_data.test
    few = ImageSet(train.images[:31], train.labels[:31])  # 25 to train on: 5 steps
    return Setting(Cifar10(few, ImageSet(test.images[:5], test.labels[:5]), "synthetic"))


@pytest.fixture(scope="module")
def reference(setting: Setting) -> Trace:
    return setting.traced()

"""The setting that is traced, and its trace."""

from typing import Any

import pytest

from cifar_repro.core.data import Cifar10, ImageSet
from tests.traces.setting import Setting


@pytest.fixture(scope="module")
def setting(small_data: Cifar10) -> Setting:
    train, test = small_data.train, small_data.test
    few = ImageSet(train.images[:50], train.labels[:50])  # 40 to train on: 8 steps
    return Setting(Cifar10(few, ImageSet(test.images[:5], test.labels[:5]), "synthetic", official=False))


@pytest.fixture(scope="module")
def reference(setting: Setting) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return setting.traced()

"""What is read of a study is whole: no number is missing, and none is something else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.studies.results import read_results
from tests.make_studies import make_study, write_study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study", make_study([73.0, 74.0]))


def change(folder: Path, how: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((folder / "study.json").read_text())
    how(content)
    (folder / "study.json").write_text(json.dumps(content))


@pytest.mark.parametrize("loss", ["1.5", "nan", None, True, [1.5]], ids=repr)
def test_a_loss_that_is_no_number_is_refused(folder: Path, loss: object) -> None:
    """Of an epoch or of the test, it is named with what is there: no verdict is ever given on it."""
    change(folder, lambda study: study["runs"][1]["epochs"][0].update(train_loss=loss))
    with pytest.raises(InputError, match=r"study\.runs\[1\]\.epochs\[0\]\.train_loss is "):
        read_results(folder)
    change(folder, lambda study: study["runs"][1]["epochs"][0].update(train_loss=1.5))
    assert len(read_results(folder).runs) == 2
    change(folder, lambda study: study["runs"][1]["test"].update(loss=loss))
    with pytest.raises(InputError, match=r"study\.runs\[1\]\.test\.loss is "):
        read_results(folder)


@pytest.mark.parametrize("name", ["test_set_share", "test_set_share_low", "test_set_share_high"])
def test_a_share_of_the_variance_has_an_interval(folder: Path, name: str) -> None:
    """Share and interval are all there or none is; a part of them is refused."""
    parts: dict[str, Any] = {
        **{"seeds": 2, "images": 10_000, "accuracy": 5e-5, "test_set": 2e-5, "networks": 3e-5, "fresh_test_set": 4e-5},
        **{"test_set_share": 0.4, "test_set_share_low": 0.1, "test_set_share_high": 1.0},
    }
    change(folder, lambda study: study.update(variance=parts))
    variance = read_results(folder).variance
    assert variance is not None
    assert variance.shares == (0.4, 0.1, 1.0)
    change(folder, lambda study: study["variance"].update({name: None}))
    with pytest.raises(InputError, match="share of the test set"):
        read_results(folder)
    nothing = dict.fromkeys(("test_set_share", "test_set_share_low", "test_set_share_high"))
    change(folder, lambda study: study["variance"].update(nothing))
    assert read_results(folder).variance is not None

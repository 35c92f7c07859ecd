"""A file to evaluate that is no checkpoint, does not fit or would run code is refused."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import Marker, saved, weights


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(range(256)) * 20, id="random bytes"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="zip header"),
        pytest.param(saved(weights())[:-1000], id="end cut off"),
        pytest.param(saved(weights())[:100], id="start only"),
        pytest.param(b"\x80\x02", id="pickle header"),
    ],
)
def test_file_that_is_no_checkpoint_is_refused(shell: Shell, checkpoint: Path, data: Path, content: bytes) -> None:
    """An empty, truncated or random file is named."""
    checkpoint.write_bytes(content)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))


def test_torch_says_nothing_of_other_pickles(shell: Shell, checkpoint: Path, data: Path) -> None:
    """It warns of a protocol that it does not know; what there is to say is in the one line."""
    checkpoint.write_bytes(pickle.dumps({"a": 1}, protocol=4))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))
    assert said == []


@pytest.mark.parametrize("what", ["nothing", "folder"])
def test_checkpoint_that_is_no_file_is_refused(shell: Shell, checkpoint: Path, data: Path, what: str) -> None:
    """A checkpoint that is not there, or is a folder, is named."""
    if what == "folder":
        checkpoint.mkdir()
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([1, 2, 3], id="list"),
        pytest.param(list(weights().values()), id="list of tensors"),
        pytest.param(torch.ones(3), id="tensor"),
        pytest.param(None, id="None"),
        pytest.param({"conv1.weight": 1}, id="dict of ints"),
        pytest.param({"state_dict": {"epoch": 3}}, id="dict of dicts"),
        pytest.param({}, id="empty dict"),
        pytest.param({0: torch.ones(3)}, id="number for a name"),
    ],
)
def test_checkpoint_without_a_state_dict_is_refused(
    shell: Shell, checkpoint: Path, data: Path, content: object
) -> None:
    """A file that holds something else than a network's weights is named."""
    torch.save(content, checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants")
@pytest.mark.parametrize(
    ("state", "naming"),
    [
        pytest.param(weights(fc2__bias=None), ["fc2.bias"], id="missing"),
        pytest.param(weights(conv1__weight=None), ["conv1.weight"], id="missing first"),
        pytest.param(weights(conv4__weight=torch.ones(1)), ["conv4.weight"], id="extra"),
        pytest.param({**weights(), 7: torch.ones(1)}, ["7"], id="extra number"),
        pytest.param(weights(fc1__weight=torch.ones(500, 512)), ["fc1.weight", "(500, 512)"], id="misshapen"),
        pytest.param(weights(fc1__weight=torch.ones(1024, 500)), ["fc1.weight", "(1024, 500)"], id="transposed"),
        pytest.param(weights(fc2__bias=torch.ones(())), ["fc2.bias", "()"], id="scalar"),
        pytest.param(weights(fc2__bias=torch.ones(10, dtype=torch.int64)), ["fc2.bias", "int64"], id="integer"),
        pytest.param(weights(fc2__bias=torch.ones(10, dtype=torch.bool)), ["fc2.bias", "bool"], id="bool"),
        pytest.param(weights(fc2__bias=torch.ones(10, dtype=torch.cfloat)), ["fc2.bias", "complex"], id="complex"),
        pytest.param(weights(fc2__bias=torch.ones(10, device="meta")), ["fc2.bias"], id="without data"),
        pytest.param(weights(fc2__bias=torch.ones(10).to_sparse()), ["fc2.bias"], id="sparse"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    shell: Shell, checkpoint: Path, data: Path, state: dict[Any, Any], naming: list[str]
) -> None:
    """A missing, extra or misshapen entry of a state_dict, or one of no use as weights, is named."""
    torch.save(state, checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint, *naming))


@pytest.mark.parametrize("form", ["pickle", "torch", "torch, old format", "beside weights"])
def test_checkpoint_that_would_run_code_is_refused(shell: Shell, checkpoint: Path, data: Path, form: str) -> None:
    """A file that would run code when unpickled is named and runs none."""
    marker = shell.folder / "executed"
    if form == "pickle":
        checkpoint.write_bytes(pickle.dumps(Marker(marker)))
    else:
        content = weights(fc2__bias=Marker(marker)) if form == "beside weights" else Marker(marker)
        torch.save(content, checkpoint, _use_new_zipfile_serialization="old" not in form)
    shell.refuses("evaluate", checkpoint, "--data", data, naming=(checkpoint,))
    assert not marker.exists()


@pytest.mark.parametrize("given", ["the folder", "the file"])
def test_weights_that_are_not_those_of_the_record_beside_them_are_refused(shell: Shell, run: Path, given: str) -> None:
    """Whole weights of the right network in the place of a run's own are not called its own."""
    torch.save(weights(), run / "model_cifar.pt")
    path = run if given == "the folder" else run / "model_cifar.pt"
    shell.refuses("evaluate", path, "--data", "synthetic", naming=(run / "model_cifar.pt", "record.json"))


def test_marker_would_be_made_by_a_plain_unpickling(tmp_path: Path) -> None:
    """The files that these tests call harmful are: `pickle.loads` runs their code."""
    pickle.loads(pickle.dumps(Marker(tmp_path / "executed"))).close()
    assert (tmp_path / "executed").exists()


def test_evaluation_on_a_missing_data_folder_is_refused(shell: Shell, checkpoint: Path) -> None:
    """`evaluate` names a data folder that is not there."""
    torch.save(weights(), checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", "nowhere", naming=("data", "nowhere"))


def test_what_is_no_checkpoint_is_not_called_hostile(shell: Shell, run: Path) -> None:
    """Text is no checkpoint; a folder without a run holds none."""
    (run / "notes.txt").write_text("weights, in words")
    assert "executed" not in shell.refuses("evaluate", run / "notes.txt", naming=("notes.txt", "no checkpoint"))
    shell.refuses("evaluate", shell.folder, naming=("model_cifar.pt", "no such file"))

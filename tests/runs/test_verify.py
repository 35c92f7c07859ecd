"""Repeating a recorded run: identical, or where it parts and what explains it."""

import copy
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace

from cifar_repro.cli import main
from cifar_repro.core.data import Cifar10, ImageSet
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.formats import convert
from cifar_repro.runs.environment import Environment
from cifar_repro.runs.record import plain_with_changes, read_record
from cifar_repro.runs.run import Run
from cifar_repro.runs.text import verification
from cifar_repro.runs.verify import Difference, _other_settings, verify
from tests.make_data import tiny_set, write_binary_folder
from tests.make_studies import ENVIRONMENT, as_record
from tests.workers import draw_nothing

RECIPE = RECIPES["udacity-augmented"].with_changes({"epochs": 3, "learning_rate": 0.05})


@pytest.fixture(scope="module")
def data(small_data: Cifar10) -> Cifar10:
    train, test = small_data.train, small_data.test
    return Cifar10(
        ImageSet(train.images[:70], train.labels[:70]),
        ImageSet(test.images[:20], test.labels[:20]),
        "synthetic",
    )


@pytest.fixture(scope="module")
def recorded(data: Cifar10, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of a run of three epochs with one thread."""
    folder = tmp_path_factory.mktemp("recorded")
    torch.set_num_threads(1)
    Run.start(folder, RECIPE, Seeds(1, 2, 3, 4), data, torch.device("cpu"), "contiguous").train()
    return plain_with_changes(read_record(folder))


@pytest.fixture
def record(recorded: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(recorded)


def test_a_repeated_run_is_identical(record: dict[str, Any], data: Cifar10) -> None:
    """The same code in the same environment repeats every epoch, and fewer are compared where fewer are asked for."""
    seen: list[int] = []
    result = verify(as_record(record), data, after_epoch=lambda epoch: seen.append(epoch.epoch))
    assert (result.difference, result.epochs, seen) == (None, 3, [1, 2, 3])
    assert verify(as_record(record), data, epochs=2).epochs == 2


def test_a_run_is_repeated_with_its_own_threads(record: dict[str, Any], data: Cifar10) -> None:
    """Whatever number this process had before."""
    torch.set_num_threads(2)
    assert verify(as_record(record), data, epochs=1).difference is None
    assert torch.get_num_threads() == record["environment"]["threads"] == 1


@pytest.mark.parametrize("name", ["train_loss", "valid_loss", "saved", "weights_sha256"])
def test_the_first_epoch_that_differs_is_named_with_both_values(
    name: str, record: dict[str, Any], data: Cifar10
) -> None:
    """A single changed value of the second epoch, even in its last bit, is found there and nowhere else."""
    was = record["epochs"][1][name]
    changes = {"saved": lambda: not was, "weights_sha256": lambda: "0" * 64}
    changed = changes.get(name, lambda: math.nextafter(was, math.inf))()
    record["epochs"][1][name] = changed
    difference = verify(as_record(record), data).difference
    assert difference is not None
    assert (difference.epoch, difference.name) == (2, name)
    assert (difference.recorded, difference.here) == (changed, was)


@pytest.mark.parametrize(("name", "value"), [("threads", 2), ("memory_format", "channels_last")])
def test_a_setting_that_explains_the_difference_is_found(
    name: str, value: Any, record: dict[str, Any], data: Cifar10
) -> None:
    """A record whose threads or memory format were changed by hand parts, and the true ones are named."""
    record["environment"][name] = value
    result = verify(as_record(record), data)
    assert result.difference is not None
    assert result.difference.epoch == 1
    assert "1 thread, contiguous" in result.explained_by
    assert torch.get_num_threads() == record["environment"]["threads"]  # whatever was tried since


def test_a_run_that_is_validated_on_the_test_images_is_repeated(data: Cifar10, tmp_path: Path) -> None:
    """Its losses, accuracies among them, come out again."""
    torch.set_num_threads(1)
    recipe = RECIPES["keras-cnn"].with_changes({"epochs": 1})
    Run.start(tmp_path, recipe, Seeds.all(0), data, torch.device("cpu"), "contiguous").train()
    result = verify(read_record(tmp_path), data)
    assert (result.difference, result.epochs) == (None, 1)


def test_as_many_threads_as_there_are_cores_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not more: 1, 2, 4, 8 and all of them, but for the recorded number."""
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    on_cpu = convert(ENVIRONMENT | {"threads": 2}, Environment, "environment")
    assert _other_settings(on_cpu) == [(1, "contiguous"), (4, "contiguous"), (6, "contiguous"), (2, "channels_last")]


def test_on_a_gpu_no_other_number_of_threads_is_tried() -> None:
    """Each would cost an epoch, and the CPU's threads change nothing there; on the CPU they are tried."""
    on_gpu = convert(ENVIRONMENT | {"device": "cuda:0"}, Environment, "environment")
    assert _other_settings(on_gpu) == [(1, "channels_last")]
    on_cpu = _other_settings(replace(on_gpu, device="cpu", threads=99))
    assert on_cpu[0] == (1, "contiguous")
    assert on_cpu[-1] == (99, "channels_last")


@pytest.mark.parametrize(("phase", "name"), [("training", "train_loss"), ("evaluation", "valid_loss")])
def test_a_loss_that_is_no_number_is_named_by_its_phase(
    phase: str, name: str, record: dict[str, Any], data: Cifar10, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A NaN in the training parts in the training loss, one in the validation in the validation loss."""

    def fit(*arguments: object, **options: object) -> None:
        raise NonFiniteLoss(phase, 3, math.nan)

    monkeypatch.setattr("cifar_repro.runs.verify.fit", fit)
    found = verify(as_record(record), data, epochs=1).difference
    assert found == Difference(1, name, record["epochs"][0][name], f"the loss of {phase} step 3 is nan")


def test_a_loss_that_is_no_number_is_named_by_its_epoch(
    record: dict[str, Any], data: Cifar10, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of the epoch after the last that was whole."""

    def fit(*arguments: object, after_epoch: Callable[..., None], **options: object) -> None:
        for epoch in as_record(record).epochs[:2]:
            after_epoch(epoch, {})
        raise NonFiniteLoss("training", 3, math.nan)

    monkeypatch.setattr("cifar_repro.runs.verify.fit", fit)
    result = verify(as_record(record), data)
    assert result.epochs == 3
    assert result.difference is not None
    assert (result.difference.epoch, result.difference.name) == (3, "train_loss")


def test_what_differs_in_the_environment_is_named(record: dict[str, Any], data: Cifar10) -> None:
    """Another torch or CPU capability in the record is listed, whether or not the numbers differ."""
    record["environment"] |= {"torch": "1.0", "cpu_capability": "ABACUS"}
    listed = verify(as_record(record), data, epochs=1).environment
    assert listed == [f"torch: 1.0 -> {torch.__version__}", f"cpu_capability: ABACUS -> {here()}"]


def test_other_code_is_named_whether_or_not_the_numbers_differ(record: dict[str, Any], data: Cifar10) -> None:
    """Identical numbers of other code are told as that; the code is a difference like others where they part."""
    record["code"][0] |= {"version": "0.0.1", "commit": None, "changed": None, "source_sha256": "b" * 64}
    result = verify(as_record(record), data, epochs=1)
    assert result.difference is None
    assert re.fullmatch(r"code: 0\.0\.1 \(sources bbbbbbbbbb\) -> .*\)", *result.environment)
    said = verification(result).splitlines()
    assert said[0].startswith("Identical")
    assert said[-1] == f"  {result.environment[0]}"


def here() -> str:
    return torch.backends.cpu.get_cpu_capability()


def test_other_data_is_refused(record: dict[str, Any], data: Cifar10) -> None:
    """One changed pixel, and the run is not compared at all: it could not be the same."""
    images = data.train.images.clone()
    images[0, 0, 0, 0] ^= 1
    was = record["data"]["fingerprints"]["train"][:12]
    said = f"^data: the train images of the run have fingerprint {was}, these have [0-9a-f]{{12}}: give the folder of"
    with pytest.raises(InputError, match=said):
        verify(as_record(record), Cifar10(ImageSet(images, data.train.labels), data.test, "synthetic"))


@pytest.mark.parametrize("epochs", [0, -1, 4])
def test_epochs_that_the_record_lacks_are_refused(epochs: int, record: dict[str, Any], data: Cifar10) -> None:
    """No more epochs can be compared than the record has, and at least one must be."""
    said = f"epochs: {epochs} of this run cannot be verified: its record has 3: give no more, and at least 1"
    with pytest.raises(InputError, match=f"^{said}$"):
        verify(as_record(record), data, epochs=epochs)


@pytest.mark.parametrize("epochs", [None, 1])
def test_a_run_without_an_epoch_is_refused(epochs: int | None, record: dict[str, Any], data: Cifar10) -> None:
    """Where no epoch was finished there is nothing to compare, however many are asked for."""
    with pytest.raises(InputError, match="finished none"):
        verify(as_record({**record, "epochs": []}), data, epochs=epochs)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` says identical with status 0; says where a changed record parts with status 1; 2 without the data."""
    draw_nothing(monkeypatch)
    images, run = write_binary_folder(tmp_path / "images", tiny_set(per_batch=20, test=20)), tmp_path / "run"
    assert main(["run", "--data", str(images), "--epochs", "2", "--threads", "1", "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["verify", str(run)]) == 0
    assert "Identical: all losses and weights of 2 epochs" in capsys.readouterr().out
    record = json.loads((run / "record.json").read_text())
    record["epochs"][1]["weights_sha256"] = "f" * 64
    (run / "record.json").write_text(json.dumps(record))
    assert main(["verify", str(run), "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["difference"]["name"] == "weights_sha256"
    assert "The run first differs in epoch 2, in the weights (weights_sha256):" in printed.err
    images.rename(tmp_path / "moved")
    assert main(["verify", str(run)]) == 2
    capsys.readouterr()
    assert main(["verify", str(run / "record.json"), "--data", str(tmp_path / "moved"), "--epochs", "1"]) == 0
    assert "Identical: all losses and weights of 1 epoch, to" in capsys.readouterr().out

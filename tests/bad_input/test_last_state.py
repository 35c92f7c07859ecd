"""A last.pt that is missing, spoiled, of another run or would run code is refused."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_repro.core.checkpoint import weights_digest
from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import Marker, changed, edit, saved, weights


def unsigned(run: Path) -> dict[str, Any]:
    """The content of last.pt as earlier versions wrote it: without a digest that finds whatever is changed."""
    state: dict[str, Any] = torch.load(run / "last.pt", weights_only=True)
    del state["run"], state["sha256"]
    return state


def test_missing_last_state_is_not_resumed(shell: Shell, run: Path) -> None:
    """A run with epochs and without last.pt is named: it would have to start again."""
    (run / "last.pt").unlink()
    shell.refuses("run", "--resume", run, naming=(run, "last.pt"))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[:-1000], id="end cut off"),
        pytest.param(lambda content: content[:100], id="start only"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: saved([1, 2]), id="list"),
        pytest.param(lambda content: saved({}), id="empty dict"),
        pytest.param(lambda content: saved(weights()), id="weights only"),
    ],
)
def test_spoiled_last_state_is_not_resumed(shell: Shell, run: Path, spoil: Callable[[bytes], bytes]) -> None:
    """A last.pt that is truncated or holds no state of a run is named."""
    (run / "last.pt").write_bytes(spoil((run / "last.pt").read_bytes()))
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_that_is_a_folder_is_not_resumed(shell: Shell, run: Path) -> None:
    """A folder in the place of last.pt is named."""
    (run / "last.pt").unlink()
    (run / "last.pt").mkdir()
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_of_another_run_is_not_resumed(shell: Shell, run: Path) -> None:
    """A whole last.pt that belongs to another run, as its weights show, is named."""
    state = unsigned(run)
    state["network"]["fc2.bias"] += 1
    state["best_weights"] = state["network"]
    for epoch in state["epochs"]:
        epoch["weights_sha256"] = weights_digest(state["network"])
    torch.save(state, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


@pytest.mark.parametrize("entry", ["network", "best_weights"])
def test_last_state_with_other_weights_is_not_resumed(shell: Shell, run: Path, entry: str) -> None:
    """A last.pt with one weight changed, of the last or of the best network, is named."""
    state = unsigned(run)
    state[entry] = {**state[entry], "fc2.bias": state[entry]["fc2.bias"].clone()}
    state[entry]["fc2.bias"][3] += 1e-3
    torch.save(state, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_behind_the_record_is_not_resumed(shell: Shell, run: Path) -> None:
    """A last.pt with fewer epochs than the record, such as an old copy, is named."""
    state = unsigned(run)
    first = {**state["epochs"][0], "saved": True, "weights_sha256": weights_digest(state["network"])}
    torch.save({**state, "epochs": [first], "best_weights": state["network"]}, run / "last.pt")
    edit(run, lambda record: record["epochs"][0].update(first))
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        pytest.param("network", [], id="network a list"),
        pytest.param("optimizer", {}, id="optimizer empty"),
        pytest.param("optimizer", {"state": {}, "param_groups": []}, id="optimizer of another network"),
        pytest.param("order", torch.zeros(3, dtype=torch.uint8), id="order too short"),
        pytest.param("order", [1], id="order a list"),
        pytest.param("global", {}, id="generators missing"),
        pytest.param("global", {"cpu": torch.zeros(3)}, id="generator no state"),
        pytest.param("epochs", 2, id="epochs a number"),
        pytest.param("extra", 1, id="extra entry"),
    ],
)
def test_last_state_with_a_wrong_entry_is_not_resumed(shell: Shell, run: Path, entry: str, value: object) -> None:
    """A last.pt whose weights are this run's but whose other entries cannot be gone on from is named."""
    state = unsigned(run)
    torch.save({**state, entry: value}, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


def test_last_state_with_odd_epochs_is_not_resumed(shell: Shell, run: Path) -> None:
    """A last.pt whose epochs hold what no epoch has is named."""
    state = unsigned(run)
    state["epochs"][-1]["mood"] = "good"
    torch.save(state, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))


@pytest.mark.parametrize("form", ["pickle", "torch", "within a state"])
def test_last_state_that_would_run_code_is_not_resumed(shell: Shell, run: Path, form: str) -> None:
    """A last.pt that would run code when unpickled is named and runs none."""
    marker = shell.folder / "executed"
    state = unsigned(run)
    if form == "pickle":
        (run / "last.pt").write_bytes(pickle.dumps(Marker(marker)))
    else:
        torch.save({**state, "optimizer": Marker(marker)} if "state" in form else Marker(marker), run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt",))
    assert not marker.exists()


def flip(tensor: torch.Tensor) -> None:
    """Changes one bit."""
    tensor[100] ^= 1


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda state: flip(state["order"]), id="order"),
        pytest.param(lambda state: flip(state["global"]["cpu"]), id="generator"),
        pytest.param(lambda state: state["optimizer"]["param_groups"][0].update(momentum=0.5), id="optimizer"),
        pytest.param(lambda state: state["epochs"][0].update(train_loss=1.0), id="epochs"),
        pytest.param(lambda state: state["run"]["seeds"].update(dropout=4), id="the run that it is of"),
        pytest.param(lambda state: state.update(sha256="0" * 64), id="digest"),
    ],
)
def test_last_state_with_anything_changed_is_not_resumed(
    shell: Shell, run: Path, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    """A last.pt that is whole as a file and could be gone on from, to other weights, is named."""
    state = torch.load(run / "last.pt", weights_only=True)
    spoil(state)
    torch.save(state, run / "last.pt")
    shell.refuses("run", "--resume", run, naming=(run / "last.pt", "not the last state of this run"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("seeds", "dropout"), 4, id="seed"),
        pytest.param(("recipe", "batch_size"), 10, id="batch size"),
        pytest.param(("recipe", "epochs"), 3, id="epochs"),
        pytest.param(("environment", "threads"), 2, id="threads"),
        pytest.param(("environment", "memory_format"), "channels_last", id="memory format"),
    ],
)
def test_last_state_of_a_run_whose_record_was_changed_is_not_resumed(
    shell: Shell, run: Path, path: tuple[str, str], value: object
) -> None:
    """What was changed by hand after the first epoch would make two runs in one: it is named, with both values."""
    was = json.loads((run / "record.json").read_text())[path[0]][path[1]]

    def change(record: dict[str, Any]) -> None:
        changed(path, value)(record)
        record["recipe"]["overridden"] = sorted({*record["recipe"]["overridden"], *path[1:]} & {"batch_size", "epochs"})

    edit(run, change)
    named = (run / "last.pt", f"{'.'.join(path)} was {was!r}", f"record.json says {value!r}")
    shell.refuses("run", "--resume", run, naming=named)


@pytest.mark.parametrize("name", ["metrics.jsonl", "model_cifar.pt"])
def test_nothing_is_written_where_a_file_cannot_be(shell: Shell, run: Path, name: str) -> None:
    """A folder in the place of one of the run's files is named before another one is written anew."""
    (run / name).unlink()
    (run / name).mkdir()
    shell.refuses("run", "--resume", run, naming=(run / name,))

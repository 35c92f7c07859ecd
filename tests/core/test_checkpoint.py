"""Files of weights: what is written can be read, what cannot be read is told in one line."""

import hashlib
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from cifar_repro.core.checkpoint import (
    clear_leftovers,
    load,
    load_weights,
    plain_weights,
    replacing,
    save,
    state_digest,
    weights_digest,
)
from cifar_repro.core.errors import InputError
from cifar_repro.core.model import Net


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Tensors and plain values come back equal, in a single file."""
    content = {"weights": torch.arange(3.0), "epochs": [{"loss": 0.5, "saved": True}], "name": None}
    save(tmp_path / "a.pt", content)
    loaded = load(tmp_path / "a.pt")
    assert torch.equal(loaded.pop("weights"), content.pop("weights"))
    assert loaded == content
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_weights_are_loaded_to_the_cpu_and_nothing_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.load is told to map every tensor to the CPU and to read weights only."""
    asked = []
    monkeypatch.setattr(torch, "load", lambda *args, **options: asked.append((args, options)))
    (tmp_path / "a.pt").write_bytes(b"content")
    load(tmp_path / "a.pt")
    [((file,), options)] = asked
    assert (file.getvalue(), options) == (b"content", {"map_location": "cpu", "weights_only": True})


def test_a_damaged_bit_is_told_with_its_place(tmp_path: Path) -> None:
    """torch reads it without a word: by the CRC-32 of its member the file is refused."""
    path, wanted = tmp_path / "a.pt", torch.full((100,), 3.0)
    torch.save({"w": wanted}, path)
    content = path.read_bytes()
    at = content.index(wanted.numpy().tobytes()) + 50
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    assert not torch.equal(torch.load(path, weights_only=True)["w"], wanted)
    with pytest.raises(InputError, match=r"a\.pt: its a/data/0 is damaged .*: give a whole file"):
        load(path)


def test_packed_members_are_not_unpacked(tmp_path: Path) -> None:
    """A file of few bytes may become any number of them: torch.save packs nothing."""
    torch.save({"w": torch.zeros(3)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as good, zipfile.ZipFile(tmp_path / "b.pt", "w") as packed:
        for name in good.namelist():
            packed.writestr(name, good.read(name), zipfile.ZIP_DEFLATED)
    assert torch.equal(torch.load(tmp_path / "b.pt", weights_only=True)["w"], torch.zeros(3))
    with pytest.raises(InputError, match=r"b\.pt: its a/data.pkl is packed"):
        load(tmp_path / "b.pt")


def test_plain_values_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tensors there may be more than of what stands beside them, of which a byte becomes many in memory."""
    torch.save({"w": torch.zeros(3), "l": list(range(1000))}, tmp_path / "a.pt")
    assert len(load(tmp_path / "a.pt")["l"]) == 1000
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        there = archive.getinfo("a/data.pkl").file_size
    monkeypatch.setattr("cifar_repro.core.checkpoint.MOST_OF_A_PICKLE", there)
    assert len(load(tmp_path / "a.pt")["l"]) == 1000
    monkeypatch.setattr("cifar_repro.core.checkpoint.MOST_OF_A_PICKLE", there - 1)
    with pytest.raises(InputError, match=rf"a\.pt: its a/data.pkl has {there:,} bytes beside tensors"):
        load(tmp_path / "a.pt")


def test_what_a_kill_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    """Files that `replacing` had begun go; others that end alike stay, and what a folder in it is just being given."""
    at_work = tmp_path / "seed-1" / "a.pt.0123abcd.tmp"
    at_work.parent.mkdir()
    at_work.touch()
    for name in ("a.pt.0123abcd.tmp", "notes.tmp", "a.pt.0123.tmp", "a.pt"):
        (tmp_path / name).touch()
    clear_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pt", "a.pt.0123.tmp", "notes.tmp", "seed-1"]
    assert at_work.exists(), "a run of a study may be at work there"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state["a"]["b"].add_(1),
        lambda state: state["a"].update(c=2),
        lambda state: state["a"].update(c=1.0),
        lambda state: state["l"].reverse(),
        lambda state: state.update(more=None),
        lambda state: state.pop("empty"),
        lambda state: state.update(empty=[]),
        lambda state: state["n"].update({"1": state["n"].pop(1)}),
    ],
)
def test_the_digest_of_a_state_covers_all_of_it(spoil: Callable[[dict[str, Any]], Any]) -> None:
    """Tensors, plain values and names with their types, what is empty, and what there is besides."""

    def state() -> dict[str, Any]:
        return {"a": {"b": torch.zeros(2), "c": 1}, "l": ["x", torch.ones(1)], "n": {1: 0.5}, "empty": {}}

    other = state()
    assert state_digest(other) == state_digest(state())
    spoil(other)
    assert state_digest(other) != state_digest(state())


def test_a_tensor_larger_than_its_values_has_no_digest() -> None:
    """It would take all memory to go through what is not there."""
    with pytest.raises(ValueError, match="fewer values"):
        state_digest({"a": torch.zeros(1).expand(10**12)})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated or no checkpoint"),
        (b"hello", "truncated or no checkpoint"),
        (Path, "it asks for more than tensors and plain values, and nothing in it was executed"),
    ],
    ids=["empty", "text", "code"],
)
def test_the_reason_why_a_file_cannot_be_read_is_told(tmp_path: Path, content: Any, reason: str) -> None:
    """The error names the file and whether it is damaged or asks for more than tensors and plain values."""
    path = tmp_path / "a.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError) as error:
        load(path)
    assert str(error.value) == f"{path}: cannot be read ({reason}): give a whole file that torch.save wrote"
    assert error.value.__cause__ is not None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (pickle.UnpicklingError("Weights_Only load failed"), "it asks for more than tensors and plain values"),
        (pickle.UnpicklingError("pickle data was truncated"), "truncated or no checkpoint"),
        (RuntimeError("weights_only: corrupt file"), "truncated or no checkpoint"),
    ],
    ids=["refused", "truncated", "corrupt"],
)
def test_only_a_refusal_to_unpickle_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """Of torch.load's errors, the unpickler's about weights_only alone mean that the file asks for more."""

    def fail(*args: Any, **options: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(torch, "load", fail)
    (tmp_path / "a.pt").write_bytes(pickle.dumps(1))
    with pytest.raises(InputError, match=rf"cannot be read \({reason}"):
        load(tmp_path / "a.pt")


@pytest.mark.parametrize("there", ["nothing", "folder"])
def test_what_is_no_file_is_told(tmp_path: Path, there: str) -> None:
    """A path with nothing, or a folder, in its place is named."""
    path = tmp_path / "a.pt"
    if there == "folder":
        path.mkdir()
    with pytest.raises(InputError) as error:
        load(path)
    what = "is no regular file" if there == "folder" else "no such file"
    assert str(error.value) == f"{path}: {what}: give a whole file that torch.save wrote"


@pytest.mark.parametrize("state", [[1, 2], {"conv1.weight": 1.0}, None], ids=["list", "numbers", "nothing"])
def test_what_is_no_state_dict_is_told(tmp_path: Path, state: Any) -> None:
    """A file that holds something else than named tensors is named, with how to make a good one."""
    path = tmp_path / "a.pt"
    torch.save(state, path)
    with pytest.raises(InputError) as error:
        load_weights(path, Net())
    told = "holds no state_dict: give a file written by torch.save(network.state_dict(), ...)"
    assert str(error.value) == f"{path}: {told}"


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants")
@pytest.mark.parametrize(
    ("tensor", "what"),
    [
        (torch.zeros(11), "(11,) torch.float32 (torch.strided, cpu)"),
        (torch.zeros(10, dtype=torch.int64), "(10,) torch.int64 (torch.strided, cpu)"),
        (torch.zeros(10).to_sparse(), "(10,) torch.float32 (torch.sparse_coo, cpu)"),
        (torch.zeros(10, device="meta"), "(10,) torch.float32 (torch.strided, meta)"),
    ],
    ids=["shape", "whole numbers", "sparse", "meta"],
)
def test_an_entry_that_does_not_fit_is_told_with_what_it_must_be(
    tmp_path: Path, tensor: torch.Tensor, what: str
) -> None:
    """The error names the file, the entry, what it is and what it must be; the network keeps its weights."""
    path, network = tmp_path / "a.pt", Net()
    torch.save({**network.state_dict(), "fc1.bias": torch.ones(500), "fc2.bias": tensor}, path)
    before = plain_weights(network)
    with pytest.raises(InputError) as error:
        load_weights(path, network)
    assert str(error.value) == f"{path}: entry fc2.bias is {what}: it must be (10,) torch.float32"
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_missing_and_an_unknown_entry_are_told(tmp_path: Path) -> None:
    """The error names the first entry that is missing, or that the network does not have."""
    path, network = tmp_path / "a.pt", Net()
    remedy = "give weights of the recipe's own network"
    for state, told in (
        ({}, f"entry conv1.weight is missing: {remedy}"),
        ({**network.state_dict(), "fc3.bias": torch.ones(1)}, f"entry 'fc3.bias' is not the network's: {remedy}"),
    ):
        torch.save(state, path)
        with pytest.raises(InputError) as error:
            load_weights(path, network)
        assert str(error.value) == f"{path}: {told}"


def test_weights_of_another_precision_fit(tmp_path: Path) -> None:
    """float64 weights of the right shapes are loaded, as the network's own type."""
    network, other = Net(), Net()
    torch.save({name: tensor.double() for name, tensor in other.state_dict().items()}, tmp_path / "a.pt")
    load_weights(tmp_path / "a.pt", network)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, other.state_dict()[name])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.float16, torch.bool, torch.int8])
def test_the_digest_covers_every_dtype(dtype: torch.dtype) -> None:
    """Those that numpy does not have, too: over the bytes of the tensor, and of no other."""
    tensor = torch.tensor([1.0, 0.0]).to(dtype)
    content = bytes(tensor.view(torch.uint8).tolist())
    expected = hashlib.sha256(f"w\0{dtype}\0".encode() + b"2\0" + content).hexdigest()
    assert weights_digest({"w": tensor}) == expected
    assert weights_digest({"w": torch.ones(2).to(dtype)}) != expected


def test_plain_weights_are_a_contiguous_copy() -> None:
    """They are equal to the network's, lie contiguous whatever its memory format, and do not change with it."""
    network = Net().to(memory_format=torch.channels_last)
    weights = plain_weights(network)
    assert list(weights) == list(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(weights[name], tensor)
        assert weights[name].is_contiguous()
        assert not weights[name].requires_grad
        tensor.add_(1.0)
        assert not torch.equal(weights[name], tensor), f"{name} is no copy"


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All bytes reach the disk under another name, then comes the rename, then the folder reaches the disk."""
    path, done = tmp_path / "a.pt", []
    sync, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{descriptor}") if Path("/proc/self/fd").exists() else None)
        done.append(path.exists() or next(tmp_path.glob("a.pt.*.tmp")).read_bytes())
        sync(descriptor)

    def replace(source: Path, target: Path) -> None:
        done.append((source, target))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    with replacing(path) as file:
        file.write(b"all")
        assert not path.exists()
    temporary = done[2][0]
    assert temporary.parent == tmp_path
    if done[0] is not None:
        assert (done[0], done[3]) == (str(temporary), str(tmp_path))
    assert (done[1], done[2], done[4]) == (b"all", (temporary, path), True)
    assert path.read_bytes() == b"all"


@pytest.mark.parametrize("end", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_what_ends_the_writing_leaves_the_old_file_alone(tmp_path: Path, end: type[BaseException]) -> None:
    """An error, Ctrl-C and the end of the process go on as they are, and nothing lies beside the old file.

    What the system refused names the file that was asked for, and not the one beside it that nobody knows.
    """
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write_and_end() -> None:
        with replacing(path) as file:
            file.write(b"ne")
            raise end

    with pytest.raises(end) as error:
        write_and_end()
    assert getattr(error.value, "filename", None) == (str(path) if end is OSError else None)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    """Each writes to a file of its own: the name always holds all that one of them wrote, in the end the later one."""
    path = tmp_path / "a"
    with replacing(path) as last:
        last.write(b"of the one")
        with replacing(path) as first:
            first.write(b"of the other")
        assert path.read_bytes() == b"of the other"
    assert path.read_bytes() == b"of the one"
    assert list(tmp_path.iterdir()) == [path]

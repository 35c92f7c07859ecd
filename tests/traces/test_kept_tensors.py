"""The tensors kept beside a trace are those of the trace, as numpy reads them."""

import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_repro.cli import main
from cifar_repro.core.errors import InputError
from cifar_repro.traces.trace_file import kept_tensors, tensors_path
from tests.traces.hand_made import HAND_MADE, write_hand_made


def test_kept_tensors_are_those_of_the_trace(tmp_path: Path) -> None:
    """numpy reads them without pickle under their names, with their types; written again, the file is the same."""
    (_, entries), read = write_hand_made(tmp_path / "a.1", {})
    write_hand_made(tmp_path / "a.2", {})
    assert {path.name for path in tmp_path.iterdir()} == {"a.1", "a.1.npz", "a.2", "a.2.npz"}
    assert (tmp_path / "a.1.npz").read_bytes() == (tmp_path / "a.2.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.1.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}  # whenever it is written
    with np.load(tmp_path / "a.1.npz", allow_pickle=False) as arrays:
        assert list(arrays) == list(HAND_MADE) == [entry.name for entry in entries]
        for entry in entries:
            wanted = HAND_MADE[entry.name].numpy()
            for array in (arrays[entry.name], read(entry)):
                assert array.dtype == wanted.dtype
                np.testing.assert_array_equal(array, wanted)
    assert kept_tensors(tmp_path / "c") is None


def test_diff_looks_into_the_tensors_beside_either_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each beside its own: a value that no sample shows is found."""
    update = HAND_MADE["step 1/update/fc1.weight"].clone()
    update[1, 1] += 1_000
    write_hand_made(tmp_path / "a", {})
    write_hand_made(tmp_path / "b", {"step 1/update/fc1.weight": update})
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["first"], found["gap"]["absolute"]) == ("step 1/update/fc1.weight", 1_000)


def test_a_trace_appears_after_its_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is killed in between leaves no trace that seems to have kept samples alone."""
    appeared: list[str] = []
    replace = os.replace

    def seen(old: Path, new: Path) -> None:
        replace(old, new)
        appeared.append(new.name)

    monkeypatch.setattr(os, "replace", seen)
    write_hand_made(tmp_path / "a", {})
    assert appeared == ["a.npz", "a"]


def test_tensors_of_a_hundred_steps_are_read(tmp_path: Path) -> None:
    """Those of udacity have 8 MB a step: of a file of 1 GB, here with a hole before the archive, one is read."""
    (_, entries), read = write_hand_made(tmp_path / "a", {})
    file = tensors_path(tmp_path / "a")
    archive = file.read_bytes()
    with file.open("wb") as large:
        large.seek(1 << 30)
        large.write(archive)
    assert read(entries[-1]).tolist() == HAND_MADE[entries[-1].name].tolist()


@pytest.mark.parametrize("damage", ["cut", "of another trace", "no archive"])
def test_tensors_that_are_not_those_of_the_trace_are_refused(damage: str, tmp_path: Path) -> None:
    """A file of tensors that was cut, belongs to another trace or is something else is an error that names it."""
    (_, entries), read = write_hand_made(tmp_path / "a", {})
    write_hand_made(tmp_path / "b", {"step 1/loss": torch.tensor([2.0])})
    file = tensors_path(tmp_path / "a")
    whole = file.read_bytes()
    file.write_bytes(
        {"cut": whole[:-9], "of another trace": tensors_path(tmp_path / "b").read_bytes(), "no archive": b"x"}[damage]
    )
    with pytest.raises(InputError, match=r"a\.npz"):
        read(entries[2])
    file.unlink()
    file.mkdir()
    with pytest.raises(InputError, match=r"a\.npz: .*: trace again, or remove it$"):
        read(entries[2])


def packed(method: int, change: Callable[[bytes], bytes] = lambda member: member) -> Callable[[bytes], bytes]:
    """The same archive, with its members changed and packed."""

    def pack(whole: bytes) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as good, zipfile.ZipFile(made, "w", method) as archive:
            for name in good.namelist():
                archive.writestr(name, change(good.read(name)))
        return made.getvalue()

    return pack


def encrypted(whole: bytes) -> bytes:
    """Every member says that it is encrypted, where the archive lists it."""
    parts = whole.split(b"PK\1\2")
    return b"PK\1\2".join([parts[0], *(part[:4] + bytes([part[4] | 1]) + part[5:] for part in parts[1:])])


def shaped(shape: bytes) -> Callable[[bytes], bytes]:
    """A tensor says that it has another shape, in place of the spaces that end what it says of itself."""

    def reshape(member: bytes) -> bytes:
        said = re.search(rb"'shape': \(.*?\), } +", member)
        assert said
        return member.replace(said[0], (b"'shape': " + shape + b", }").ljust(len(said[0])))

    return packed(zipfile.ZIP_STORED, reshape)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (packed(zipfile.ZIP_DEFLATED), "is packed"),
        (packed(zipfile.ZIP_LZMA), "is packed"),
        (encrypted, "encrypted"),
        (shaped(b"(10**12,)"), "Header|malformed"),
        (shaped(b"(10000000000,)"), r"10000000000\], and not"),
        (shaped(b"(1, 100)"), r"\[1, 100\], and not"),
    ],
    ids=["deflated", "LZMA", "encrypted", "an expression", "many values", "the same values in another shape"],
)
def test_tensors_that_would_take_all_memory_are_refused(
    damage: Callable[[bytes], bytes], why: str, tmp_path: Path
) -> None:
    """As are those that zipfile cannot read: nothing of a tensor is read before it is known to be the entry's."""
    (_, entries), read = write_hand_made(tmp_path / "a", {})
    file = tensors_path(tmp_path / "a")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert file.read_bytes() != whole
    with pytest.raises(InputError, match=rf"a\.npz: cannot be read \(.*{why}"):
        read(entries[-1])

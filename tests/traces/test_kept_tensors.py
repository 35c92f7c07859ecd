"""The tensors kept beside a trace are those of the trace, as numpy reads them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_repro.core.errors import InputError
from cifar_repro.traces.trace_file import kept_tensors, tensors_path
from tests.traces.hand_made import HAND_MADE, write_hand_made


def test_kept_tensors_are_those_of_the_trace(tmp_path: Path) -> None:
    """numpy reads them without pickle under their names, with their types; written again, the file is the same."""
    (_, entries), read = write_hand_made(tmp_path / "a", {})
    write_hand_made(tmp_path / "b", {})
    assert tensors_path(tmp_path / "a").read_bytes() == tensors_path(tmp_path / "b").read_bytes()
    with np.load(tensors_path(tmp_path / "a"), allow_pickle=False) as arrays:
        assert list(arrays) == list(HAND_MADE) == [entry.name for entry in entries]
        for entry in entries:
            wanted = HAND_MADE[entry.name].numpy()
            for array in (arrays[entry.name], read(entry)):
                assert array.dtype == wanted.dtype
                np.testing.assert_array_equal(array, wanted)
    assert kept_tensors(tmp_path / "c") is None


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

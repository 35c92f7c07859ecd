"""How far two traces part is measured on all values that both have; entries that one lacks are named."""

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from cifar_repro.traces import text
from cifar_repro.traces.diff import diff
from cifar_repro.traces.trace_file import Trace
from tests.traces.hand_made import HAND_MADE, write_hand_made


def test_a_renamed_entry_is_reported(reference: Trace) -> None:
    """An entry that only one of the traces has is named, on either side, and the traces are not identical."""
    first, entries = reference
    renamed = [replace(entry, name=entry.name.replace("init/fc2.bias", "init/out.bias")) for entry in entries]
    found = diff(reference, Trace(first, renamed))
    assert (found.missing, found.extra, found.first) == (["init/fc2.bias"], ["init/out.bias"], None)
    assert not found.identical


def test_the_gap_is_measured(reference: Trace) -> None:
    """Absolute and relative difference and ulps of a sample that was moved by hand are what they were moved by."""
    first, entries = reference
    place = next(i for i, entry in enumerate(entries) if entry.name == "init/conv1.weight")
    sample = list(entries[place].sample)
    was = torch.tensor(sample[3])
    now = torch.nextafter(torch.nextafter(was, torch.tensor(9.0)), torch.tensor(9.0))
    sample[3] = now.item()
    moved = [*entries[:place], replace(entries[place], sha256="0", sample=sample), *entries[place + 1 :]]
    gap = diff(reference, Trace(first, moved)).gap
    assert gap is not None
    assert gap.ulps == 2
    assert gap.absolute == abs(now.double() - was.double()).item()
    assert gap.relative == pytest.approx(gap.absolute / max(abs(now.item()), abs(was.item())))


def test_the_gap_is_over_all_values_where_both_traces_kept_them(tmp_path: Path) -> None:
    """A difference between the sampled values is measured, and said, only if both traces have their tensors."""
    changed = HAND_MADE["step 1/update/fc1.weight"].clone()
    changed[0, 1] *= 1 + 2**-20  # 26 becomes 26 and 13 ulps; no sample is there
    changed[24, 3] += 2**-17  # the last value, which is sampled: 100 and one ulp
    a, read_a = write_hand_made(tmp_path / "a", {})
    b, read_b = write_hand_made(tmp_path / "b", {"step 1/update/fc1.weight": changed})
    found = diff(a, b, (read_a, read_b))
    assert found.gap is not None
    assert (found.gap.ulps, found.gap.absolute, found.gap.all_values) == (13, 26 * 2**-20, True)
    assert found.gap.relative == pytest.approx(2**-20, rel=1e-5)
    assert (
        "All its values, compared one by one, differ by up to 2.48e-05, relatively 9.54e-07, 13 ulps"
        in text.parting(found)
    )
    for kept in [(read_a, None), (None, read_b)]:
        found = diff(a, b, kept)
        assert found.gap is not None
        assert (found.gap.ulps, found.gap.absolute, found.gap.all_values) == (1, 2**-17, False)
        assert "The sampled values differ by up to" in text.parting(found)

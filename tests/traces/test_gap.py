"""How far two traces part is measured on all values that both have; entries that one lacks are named."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from cifar_repro.traces import text
from cifar_repro.traces.diff import Parting, diff
from cifar_repro.traces.gap import growth, measure
from cifar_repro.traces.trace_file import Entry, Trace, Values
from tests.traces.hand_made import HAND_MADE, entry, write_hand_made


def test_a_renamed_entry_is_reported(reference: Trace) -> None:
    """An entry that only one of the traces has is named, on either side, and the traces are not identical."""
    first, entries = reference
    renamed = [replace(entry, name=entry.name.replace("init/fc2.bias", "init/out.bias")) for entry in entries]
    found = diff(reference, Trace(first, renamed))
    assert (found.missing, found.extra, found.first) == (["init/fc2.bias"], ["init/out.bias"], None)
    assert not found.identical
    lacking = Trace(first, entries[1:])  # on one side alone, either one
    assert not diff(reference, lacking).identical
    assert not diff(lacking, reference).identical


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
    whole = torch.arange(1.0, 101.0).norm().item()
    assert found.gap.norm == pytest.approx(math.hypot(26 * 2**-20, 2**-17) / whole, rel=1e-5)
    said = text.parting(found)
    assert "2 of its 100 values differ, by up to 2.48e-05, relatively by up to 9.54e-07, and by up to 13 ulps" in said
    assert "only these were compared" not in said
    for kept in [(read_a, None), (None, read_b)]:
        found = diff(a, b, kept)
        assert found.gap is not None
        assert (found.gap.ulps, found.gap.absolute, found.gap.all_values) == (1, 2**-17, False)
        assert found.growth == diff(a, b).growth, "of samples, as where neither is kept"
        said = text.parting(found)
        assert "A trace keeps 8 of its 100 values, and only these were compared: 1 differs, by up to 7.63e-06" in said
        assert "and by up to 1 ulp." in said
        assert "the sampled weights" in said


def between(tmp_path: Path, *, kept: bool, **changed: torch.Tensor) -> Parting:
    """Of two hand-made traces, the second of which has another tensor by one of these names."""
    names = {"split": "split/train", "mask": "step 1/mask/dropout#1", "weight": "step 1/update/fc1.weight"}
    a, read_a = write_hand_made(tmp_path / "a", {})
    b, read_b = write_hand_made(tmp_path / "b", {names[name]: tensor for name, tensor in changed.items()})
    return diff(a, b, (read_a, read_b) if kept else (None, None))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"split": torch.tensor([3, 2, 1])}, "2 of its 3 entries differ."),
        ({"split": torch.tensor([3, 1, 4760])}, "1 of its 3 entries differs."),
        ({"mask": torch.tensor([[False, True]])}, "2 of its 2 entries differ."),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_of_indices_and_masks_it_is_counted_how_many_differ(
    changed: dict[str, torch.Tensor], said: str, kept: bool, tmp_path: Path
) -> None:
    """How far apart two indices are says nothing: neither text nor numbers have it. A few values are all sampled."""
    found = between(tmp_path, kept=kept, **changed)
    assert found.gap is not None
    assert (found.gap.absolute, found.gap.relative, found.gap.norm, found.gap.ulps) == (None,) * 4
    assert said in text.parting(found).splitlines()
    assert "by up to" not in text.parting(found)


def unsampled() -> torch.Tensor:
    """The weights with another value where there is no sample."""
    weight = HAND_MADE["step 1/update/fc1.weight"].clone()
    weight[0, 1] += 1.0
    return weight


def test_equal_samples_are_not_called_equal(tmp_path: Path) -> None:
    """Where the digests differ but no sample does, no number is given, least of all 0, neither there nor for growth."""
    found = between(tmp_path, kept=False, weight=unsampled())
    assert found.gap is not None
    assert (found.gap.differing, found.gap.compared, found.gap.values) == (0, 8, 100)
    assert found.growth == [(1, 0.0, None)]
    lines = text.parting(found).splitlines()
    assert any(line.startswith("A trace keeps 8 of its 100 values, and these are equal:") for line in lines)
    assert lines[-2].split(maxsplit=2) == ["1", "0", "not in samples"]
    assert "the digests of the weights do" in lines[-1]


def test_a_sign_of_a_zero_does_not_hide_what_samples_do_not_show() -> None:
    """Where one tensor differs by the sign of a zero, of which all is seen, and another one where no sample is, how far
    the weights are apart is not known."""
    sides = []
    for zero, name in ((0.0, "a"), (-0.0, "b")):
        unseen = entry("step 1/update/w", 1.0) | {"sha256": name, "shape": [100], "sample": [1.0] * 8}
        made = [entry("step 1/loss", 1.0), entry("step 1/update/v", zero), unseen]
        sides.append({each["name"]: Entry(**each) for each in made})
    assert growth(*sides) == [(1, 0.0, None)]


def test_growth_is_over_the_samples_where_values_are_not_kept() -> None:
    """Of a weight of 100 values, of which 8 are seen, one is 2 larger: 2 over the larger side's norm, that of
    7 ones and a 3, which is 4; whether others differ is not known, and hides no more what is."""
    sides = []
    for last in (1.0, 3.0):
        seen = entry("step 1/update/w", 1.0) | {"sha256": str(last), "shape": [100], "sample": [*[1.0] * 7, last]}
        sides.append({each["name"]: Entry(**each) for each in (entry("step 1/loss", 1.0), seen)})
    assert growth(*sides) == [(1, 0.0, 0.5)]


def test_growth_is_over_all_values_where_both_traces_kept_them(tmp_path: Path) -> None:
    """Then the one value that differs counts, against the norm of all; where the weights are equal, growth is 0."""
    [(step, loss, weights)] = between(tmp_path, kept=True, weight=unsampled()).growth
    assert (step, loss) == (1, 0.0)
    changed = unsampled()
    assert weights == pytest.approx(1.0 / changed.norm().item())
    assert between(tmp_path, kept=True, mask=torch.tensor([[True, True]])).growth == [(1, 0.0, 0.0)]
    assert between(tmp_path, kept=False, mask=torch.tensor([[True, True]])).growth == [(1, 0.0, 0.0)]
    assert "all weights" in text.parting(between(tmp_path, kept=True, weight=changed))
    assert "the sampled weights" in text.parting(between(tmp_path, kept=False, weight=changed))


def test_norms_are_over_the_larger_side_and_all_weights_together() -> None:
    """Of (3, 4) against (0, 4) a norm of 3 over 5; of two weights that are 3 and 4 apart and one that is equal, 5 over
    that of all, sampled or kept. Losses that are 2 apart are so whichever comes first."""
    a, b = (
        Entry(**(entry("w", 3.0) | {"shape": [2], "sha256": name, "sample": values}))
        for name, values in [("a", [3.0, 4.0]), ("b", [0.0, 4.0])]
    )
    gap = measure(a, b)
    assert gap is not None
    assert (gap.differing, gap.absolute, gap.relative, gap.norm) == (1, 3.0, 1.0, 0.6)
    gap = measure(replace(a, dtype="float64"), replace(b, dtype="float64"))
    assert gap is not None
    assert (gap.norm, gap.ulps) == (0.6, None)  # ulps are those of float32
    sides: list[dict[str, Entry]] = []
    names = ("step 1/loss", "step 1/update/u", "step 1/update/v", "step 1/update/w")
    for values in ((4.0, 4.0, 7.0, 4.0), (2.0, 4.0, 4.0, 0.0)):
        sides.append({name: Entry(**entry(name, value)) for name, value in zip(names, values, strict=True)})
    assert growth(*sides) == growth(*sides[::-1]) == growth(*sides, kept=(sampled, sampled)) == [(1, 2.0, 5 / 9)]


def sampled(entry: Entry) -> Values:
    """Reads the tensor of an entry whose sample is all of it."""
    return np.array(entry.sample, entry.dtype)


TINY = 2.0**-149  # the float32 next to zero


@pytest.mark.parametrize(
    ("x", "y", "steps"),
    [
        (1.0, 2.0, 2**23),
        (1.0, 1 - 2**-24, 1),
        (-1.0, -1 - 2**-23, 1),
        (0.0, TINY, 1),
        (-0.0, TINY, 1),
        (0.0, -TINY, 1),
        (TINY, -TINY, 2),
    ],
)
def test_ulps_are_steps_from_one_float32_to_the_next(x: float, y: float, steps: int) -> None:
    """On either side of zero and across it, where 0.0 and -0.0 are one number; whichever comes first."""
    for one, other in ((x, y), (y, x)):
        gap = measure(Entry(**entry("w", one)), Entry(**entry("w", other)))
        assert gap is not None
        assert gap.ulps == steps


@pytest.mark.parametrize(("x", "y", "apart"), [(3e38, -3e38, 6e38), (1.0, 2.0**-40, 1 - 2.0**-40)])
def test_differences_are_not_rounded_to_float32(x: float, y: float, apart: float) -> None:
    """That of the largest numbers is none that float32 holds, and no more are the squares of these."""
    x, y = np.array([x, y], np.float32).tolist()
    gap = measure(Entry(**entry("w", x)), Entry(**entry("w", y)))
    assert gap is not None
    assert (gap.absolute, gap.relative, gap.norm) == pytest.approx((apart, apart / x, apart / x), rel=1e-7, abs=0)
    assert gap.absolute == x - y


def test_a_difference_near_zero_is_small_beside_the_norm(tmp_path: Path) -> None:
    """A weight of 1e-30 that becomes -1e-30 differs by millions of ulps and by nothing that matters."""
    a, b = (HAND_MADE["step 1/update/fc1.weight"].clone() for _ in range(2))
    a[0, 0], b[0, 0] = 1e-30, -1e-30
    gaps = []
    for kept in (True, False):
        one, read_one = write_hand_made(tmp_path / "a", {"step 1/update/fc1.weight": a})
        other, read_other = write_hand_made(tmp_path / "b", {"step 1/update/fc1.weight": b})
        found = diff(one, other, (read_one, read_other) if kept else (None, None))
        assert found.gap is not None
        gaps.append(found.gap)
        assert f"The norm of the difference is {found.gap.norm:.3g} of the norm of" in text.parting(found)
    assert all(gap.ulps is not None and gap.ulps > 1_000_000 for gap in gaps)
    assert gaps[0].norm == pytest.approx(2e-30 / a.norm().item(), rel=1e-5)
    assert gaps[1].norm == pytest.approx(2e-30 / torch.tensor(one.entries[-1].sample).norm().item(), rel=1e-5)


def test_signs_of_zeros_are_told_from_values(tmp_path: Path) -> None:
    """0.0 and -0.0 are equal as numbers but not as bits: that is what is said, not that samples are equal."""
    weight = HAND_MADE["step 1/update/fc1.weight"].clone()
    weight[0, 1] = 0.0
    a, read_a = write_hand_made(tmp_path / "a", {"step 1/update/fc1.weight": weight.clone()})
    weight[0, 1] = -0.0
    b, read_b = write_hand_made(tmp_path / "b", {"step 1/update/fc1.weight": weight})
    said = text.parting(diff(a, b, (read_a, read_b)))
    assert "All 100 values are equal as numbers: only the signs of zeros differ." in said
    zeros, others = (
        write_hand_made(tmp_path / "c", {"step 1/update/fc1.weight": sign * torch.zeros(2)}) for sign in (1, -1)
    )
    found = diff(zeros[0], others[0])
    assert found.gap is not None
    assert (found.gap.differing, found.gap.norm, found.growth) == (0, 0.0, [(1, 0.0, 0.0)])  # of nothing but zeros, too


def test_other_shapes_are_named_and_nothing_is_measured(tmp_path: Path) -> None:
    """Type and shape of both are said; weights that cannot be compared have no growth, not one of 0."""
    found = between(tmp_path, kept=True, weight=torch.ones(2, 3))
    assert (found.gap, found.growth) == (None, [])
    said = text.parting(found)
    assert "It is float32 of shape (25, 4) in the first trace and float32 of shape (2, 3) in the second." in said

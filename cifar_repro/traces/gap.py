"""How far apart two tensors are, and how far apart two trainings are after each step."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cifar_repro.statistics import relative_difference
from cifar_repro.traces.trace_file import Entry, KeptTensors, Values

Kept = tuple[KeptTensors | None, KeptTensors | None]  # for each trace, what reads a tensor, if its tensors were kept
Entries = dict[str, Entry]  # by name


@dataclass(frozen=True)
class Gap:
    """How far two tensors of the same shape and type, whose digests differ, are apart.

    values: how many they have. compared: how many of these were compared: all, or the samples that every trace keeps.
    differing: how many of the compared ones are not equal, as numbers. absolute, relative: the largest |x - y|, and the
    largest |x - y| / max(|x|, |y|). norm: that of x - y over the larger one of x and y, of what was compared. ulps: the
    largest number of steps from a float32 to its neighbour; None for float64. All four are None for indices, labels and
    masks: how far apart two of them are says nothing.
    """

    values: int
    compared: int
    differing: int
    absolute: float | None = None
    relative: float | None = None
    norm: float | None = None
    ulps: int | None = None

    @property
    def all_values(self) -> bool:
        """Whether all values were compared; else the tensors may differ in others than the compared ones."""
        return self.compared == self.values


def differ(a: Entry, b: Entry) -> bool:
    return (a.shape, a.dtype, a.sha256) != (b.shape, b.dtype, b.sha256)


def measure(a: Entry, b: Entry, kept: Kept = (None, None)) -> Gap | None:
    """How far two entries are apart, by all values where both traces kept them, else by their samples.

    None if shapes or types differ, so that nothing compares.
    """
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return None
    x, y = _values(a, b, kept)
    counts = math.prod(a.shape), x.size, int(np.count_nonzero(x != y))
    if a.dtype in ("bool", "int64"):
        return Gap(*counts)
    absolute = float(np.abs(x.astype(np.float64) - y.astype(np.float64)).max())
    norm = _share(_norm(_difference(x, y)), _norm(x), _norm(y))
    ulps = int(np.abs(_ordinal(x) - _ordinal(y)).max()) if a.dtype == "float32" else None
    return Gap(*counts, absolute, relative_difference(x, y), norm, ulps)


def growth(ours: Entries, theirs: Entries, kept: Kept = (None, None)) -> list[tuple[int, float, float | None]]:
    """(step, difference of the losses, difference of the weights) after each step that both have.

    The latter is a norm over a norm, as in `Gap`, over all values of all parameters if both traces kept them, else over
    their samples; None where no sample differs, but a digest does. Only parameters that have the same shape in both
    are compared, and there is no row where there are none.
    """
    rows: list[tuple[int, float, float | None]] = []
    step = 1
    while (loss := f"step {step}/loss") in ours and loss in theirs:
        names = [n for n in ours if n.startswith(f"step {step}/update/") and n in theirs]
        updated = [(ours[n], theirs[n]) for n in names if ours[n].shape == theirs[n].shape]
        if updated:
            rows.append((step, abs(ours[loss].sample[0] - theirs[loss].sample[0]), _apart(updated, kept)))
        step += 1
    return rows


def _apart(pairs: list[tuple[Entry, Entry]], kept: Kept) -> float | None:
    differing = [(a, b, *_values(a, b, kept)) for a, b in pairs if differ(a, b)]
    distance = math.hypot(*(_norm(_difference(x, y)) for *_, x, y in differing))
    if None in kept:
        if distance == 0 and any(x.size < math.prod(a.shape) for a, _, x, _ in differing):
            return None
        sides = [[_norm(_sample(entry)) for entry in side] for side in zip(*pairs, strict=True)]
    else:
        sides = [[entry.norm for entry in side] for side in zip(*pairs, strict=True)]
    return _share(distance, *(math.hypot(*side) for side in sides))


def _values(a: Entry, b: Entry, kept: Kept) -> tuple[Values, Values]:
    """All values of two entries, flat, if both are kept, else their samples."""
    read_a, read_b = kept
    if read_a is None or read_b is None:
        return _sample(a), _sample(b)
    return read_a(a).ravel(), read_b(b).ravel()


def _sample(entry: Entry) -> Values:
    return np.array(entry.sample, dtype=entry.dtype)


def _difference(x: Values, y: Values) -> Values:
    difference: Values = x.astype(np.float64) - y.astype(np.float64)
    return difference


def _norm(values: Values) -> float:
    return float(np.linalg.norm(values.astype(np.float64)))


def _share(distance: float, *norms: float) -> float:
    return distance / max(norms) if distance else 0.0


def _ordinal(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The places of float32 values among all float32 in order, so that neighbours differ by one."""
    bits = values.view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))

"""Where two traces part: the first tensor that differs, of what kind, by how much, and how the difference grows."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cifar_repro.runs.code import code_differences
from cifar_repro.runs.environment import arrows, differences
from cifar_repro.statistics import relative_difference
from cifar_repro.traces.trace_file import Entry, KeptTensors, Trace, TraceHeader, Values

# By the first word of the kind of a parting: the parts of an experiment that decide such a tensor where all before it
# are equal. An augmentation draws from dropout's generator, see `_reasons`.
DECIDING = {
    "split": ("split seed", "recipe valid_fraction", "recipe validation", "training images"),
    "initialisation": ("init seed", "recipe network"),
    "order": ("order seed", "recipe batch_size"),
    "data": ("train fingerprint", "recipe augmentation", "recipe pixels"),
    "dropout": ("dropout seed", "recipe dropout"),
    "update": ("recipe optimizer", "recipe learning_rate", "recipe learning_rate_decay", "recipe momentum"),
}


@dataclass(frozen=True)
class Gap:
    """How far two tensors are apart: largest absolute and relative difference, and ulps.

    An ulp is a step between neighbouring float32 values; None where the tensors are of another type. all_values: it is
    over all of their values; otherwise over their samples, and `sampled` is False where these do not differ.
    """

    absolute: float
    relative: float
    ulps: int | None
    sampled: bool
    all_values: bool


@dataclass(frozen=True)
class Parting:
    """What `diff` found. first: the name of the first tensor that differs (None: all equal). kind: what it is.

    growth: (step, difference of the losses, largest relative difference of a sampled weight) after each common step.
    missing, extra: names that only the first, or only the second trace has. environment, experiment: in what the
    headers differ, each as "name: first -> second"; the environment includes the code, the experiment is recipe, seeds,
    data and number of steps.
    """

    first: str | None
    kind: str | None
    gap: Gap | None
    sentence: str
    growth: list[tuple[int, float, float]]
    missing: list[str]
    extra: list[str]
    environment: list[str]
    experiment: list[str]

    @property
    def identical(self) -> bool:
        return self.first is None and not self.missing and not self.extra


def diff(a: Trace, b: Trace, kept: tuple[KeptTensors | None, KeptTensors | None] = (None, None)) -> Parting:
    """Compares two traces, aligned by name, in the order of the first.

    kept: for each trace what reads the tensor of an entry, if its tensors were kept (`trace_file.kept_tensors`).
    """
    ours, theirs = ({entry.name: entry for entry in trace.entries} for trace in (a, b))
    missing = [name for name in ours if name not in theirs]
    extra = [name for name in theirs if name not in ours]
    first = next((name for name in ours if name in theirs and _differ(ours[name], theirs[name])), None)
    environment = differences(a.header.environment, b.header.environment)
    environment += code_differences([a.header.code], b.header.code)
    ours_of, theirs_of = _experiment(a.header), _experiment(b.header)
    experiment = {name: line for name in ours_of for line in arrows(ours_of, theirs_of, [name])}
    kind = gap = None
    sentence = "All tensors that both traces have are equal, to the last bit."
    if first is not None:
        kind, seen, changed = _explain(first)
        if reasons := _reasons(kind, experiment, a.header):
            changed = f"the experiments differ ({', '.join(reasons)})"
        sentence = f"{seen}: {changed}."
        gap = measure(ours[first], theirs[first], kept)
    growth = _growth(ours, theirs)
    return Parting(first, kind, gap, sentence, growth, missing, extra, environment, list(experiment.values()))


def _experiment(header: TraceHeader) -> dict[str, Any]:
    """The parts of what a header says was traced, by the names that `DECIDING` uses."""
    data = header.data
    return {
        "steps": header.steps,
        **{f"recipe {name}": value for name, value in asdict(header.recipe).items()},
        **{f"{name} seed": seed for name, seed in asdict(header.seeds).items()},
        "data": data.kind,
        "training images": data.images("train"),
        "train fingerprint": data.fingerprints.train[:12],
        "test fingerprint": data.fingerprints.test[:12],
    }


def _reasons(kind: str, experiment: dict[str, str], header: TraceHeader) -> list[str]:
    """The differences of the experiments that explain a parting of this kind."""
    deciding = DECIDING.get(kind.split()[0], ())
    if kind == "data" and header.recipe.augmentation != "none":
        deciding += ("dropout seed",)
    return [experiment[name] for name in deciding if name in experiment]


def _differ(a: Entry, b: Entry) -> bool:
    return (a.shape, a.dtype, a.sha256) != (b.shape, b.dtype, b.sha256)


def _explain(name: str) -> tuple[str, str, str]:
    """For the first tensor that differs, all before it being equal: its kind, what is seen, and what changed.

    What changed holds where the experiments are equal in all that decides such a tensor.
    """
    phase, _, rest = name.partition("/")
    if phase == "split":
        return "split", f"The {rest} indices differ", "the way to split images changed"
    if phase == "init":
        return f"initialisation of {rest}", f"{rest} starts with other values", "its initialisation changed"
    part, _, what = rest.partition("/")
    where = what.partition("#")[0]
    if part == "batch" and what == "indices":
        seen = f"In {phase} other images are trained on, though the split is equal"
        return "order", seen, "the way to order images changed"
    if part == "batch":
        seen = f"In {phase} the {what} differ though their indices are equal"
        return "data", seen, "the way to prepare them changed"
    if part == "mask":
        seen = f"In {phase} dropout keeps other inputs ({what})"
        return "dropout", seen, "the generator of its random numbers changed"
    if part == "forward":
        seen = f"In {phase} the output of {where} differs though all before it is equal"
        return f"forward of {where}", seen, f"the forward {where} changed"
    if part == "loss":
        return "loss", f"In {phase} the loss differs though the logits are equal", "the loss function changed"
    if part == "gradient":
        seen = (
            f"In {phase} the gradient of {where} differs though every forward tensor, and every gradient behind it, is "
            "equal"
        )
        return f"gradient of {where}", seen, f"the backward of {where.rpartition('.')[0]} changed"
    seen = f"In {phase} {where} is updated differently though its gradient is equal"
    return f"update of {where}", seen, "the optimizer changed"


def measure(a: Entry, b: Entry, kept: tuple[KeptTensors | None, KeptTensors | None] = (None, None)) -> Gap | None:
    """How far two entries are apart, by all values where both traces kept them, else by their samples.

    None if shapes or types differ, so that nothing compares.
    """
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return None
    read_a, read_b = kept
    if read_a is None or read_b is None:
        x, y = _sample(a), _sample(b)
    else:
        x, y = read_a(a), read_b(b)
    absolute = float(np.abs(x.astype(np.float64) - y.astype(np.float64)).max())
    ulps = int(np.abs(_ordinal(x) - _ordinal(y)).max()) if a.dtype == "float32" else None
    return Gap(
        absolute, relative_difference(x, y), ulps, absolute > 0, all_values=read_a is not None and read_b is not None
    )


def _sample(entry: Entry) -> Values:
    return np.array(entry.sample, dtype=entry.dtype)


def _ordinal(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The places of float32 values among all float32 in order, so that neighbours differ by one."""
    bits = values.view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))


def _growth(ours: dict[str, Entry], theirs: dict[str, Entry]) -> list[tuple[int, float, float]]:
    growth = []
    step = 1
    while (loss := f"step {step}/loss") in ours and loss in theirs:
        updates = [n for n in ours if n.startswith(f"step {step}/update/") and n in theirs]
        comparable = [n for n in updates if ours[n].shape == theirs[n].shape]
        weights = [relative_difference(_sample(ours[n]), _sample(theirs[n])) for n in comparable]
        growth.append((step, abs(ours[loss].sample[0] - theirs[loss].sample[0]), max(weights, default=0.0)))
        step += 1
    return growth

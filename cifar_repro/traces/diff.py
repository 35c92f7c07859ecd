"""Where two traces part: the first tensor that differs, of what kind, by how much, and how the difference grows."""

from dataclasses import asdict, dataclass
from typing import Any

from cifar_repro.runs.code import code_differences
from cifar_repro.runs.environment import arrows, differences
from cifar_repro.traces.gap import Gap, Kept, differ, growth, measure
from cifar_repro.traces.trace_file import Entry, Trace, TraceHeader

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
class Parting:
    """What `diff` found. first: the name of the first tensor that differs (None: all equal). kind: what it is.

    gap: how far apart the two are; None where all are equal, or where these two have another shape or type.
    growth: (step, difference of the losses, difference of the weights) after each common step; see `gap.growth`.
    missing, extra: names that only the first, or only the second trace has. environment, experiment: in what the
    headers differ, each as "name: first -> second"; the environment includes the code, the experiment is recipe, seeds,
    data and number of steps.
    forms: type and shape of the first tensor that differs, in either trace. all_values: whether both traces kept all
    values, which then were compared; otherwise the growth of the weights is that of their samples.
    """

    first: str | None
    kind: str | None
    gap: Gap | None
    sentence: str
    growth: list[tuple[int, float, float | None]]
    missing: list[str]
    extra: list[str]
    environment: list[str]
    experiment: list[str]
    forms: tuple[str, str] | None = None
    all_values: bool = False

    @property
    def identical(self) -> bool:
        return self.first is None and not self.missing and not self.extra


def diff(a: Trace, b: Trace, kept: Kept = (None, None)) -> Parting:
    """Compares two traces, aligned by name, in the order of the first.

    kept: for each trace what reads the tensor of an entry, if its tensors were kept (`trace_file.kept_tensors`).
    """
    ours, theirs = ({entry.name: entry for entry in trace.entries} for trace in (a, b))
    missing = [name for name in ours if name not in theirs]
    extra = [name for name in theirs if name not in ours]
    first = next((name for name in ours if name in theirs and differ(ours[name], theirs[name])), None)
    environment = differences(a.header.environment, b.header.environment)
    environment += code_differences([a.header.code], b.header.code)
    ours_of, theirs_of = _experiment(a.header), _experiment(b.header)
    experiment = {name: line for name in ours_of for line in arrows(ours_of, theirs_of, [name])}
    kind = gap = forms = None
    sentence = "All tensors that both traces have are equal, to the last bit."
    if first is not None:
        kind, seen, changed = _explain(first)
        if reasons := _reasons(kind, experiment, a.header):
            changed = f"the experiments differ ({', '.join(reasons)})"
        sentence = f"{seen}: {changed}."
        gap = measure(ours[first], theirs[first], kept)
        forms = _form(ours[first]), _form(theirs[first])
    grown, explained = growth(ours, theirs, kept), list(experiment.values())
    return Parting(
        first, kind, gap, sentence, grown, missing, extra, environment, explained, forms, all_values=None not in kept
    )


def _form(entry: Entry) -> str:
    return f"{entry.dtype} of shape ({', '.join(map(str, entry.shape))})"


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
        seen = f"In {phase} the output of {where} differs though everything before it is equal"
        return f"forward of {where}", seen, f"what {where} computes changed"
    if part == "loss":
        return (
            "loss",
            f"In {phase} the loss differs though the network's outputs are equal",
            "the loss function changed",
        )
    if part == "gradient":
        seen = (
            f"In {phase} the gradient of {where} differs though all outputs, and all gradients that backward makes "
            "before it, are equal"
        )
        return f"gradient of {where}", seen, f"the backward pass of {where.rpartition('.')[0]} changed"
    seen = f"In {phase} {where} is updated differently though its gradient is equal"
    return f"update of {where}", seen, "the optimizer changed"

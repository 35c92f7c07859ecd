"""One table from the traces of many environments: which are equal to the bit, and where the others part.

Times come from files of `cifar-repro gate`, which runs two environments in turn: times that were taken one after the
other say more about the machine's day than about the environment.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from cifar_repro.core.errors import InputError
from cifar_repro.formats import plain
from cifar_repro.gate.gate import GateResult, call, read_gate
from cifar_repro.runs.code import Code
from cifar_repro.runs.environment import Environment, arrows
from cifar_repro.statistics import relative_difference
from cifar_repro.traces.diff import Parting, diff
from cifar_repro.traces.junit import Outcomes
from cifar_repro.traces.trace_file import Entry, Trace, TraceHeader, read_trace

# What must be equal for a time to belong to a trace.
TIMED = ("torch", "torchvision", "python", "cpu", "cpu_capability", "device", "gpu", "threads", "memory_format")


@dataclass(frozen=True)
class Ratio:
    """Seconds a step over those of the first environment (above 1 is slower), and its confidence interval.

    detectable: the smallest slowdown that the gate could have told from none.
    """

    value: float
    low: float
    high: float
    detectable: float
    workload: str

    @property
    def differs(self) -> bool:
        """Whether the two can be told apart."""
        return call(self.value, (self.low, self.high), self.detectable) is not None


@dataclass(frozen=True)
class Row:
    """One environment. name: the stem of its file, or the whole path where two stems are equal.

    tests: how many of them passed, failed, ..., if the trace carries that. group: the letter that all traces with the
    same digests share. loss_difference: |a - b| / max(|a|, |b|) of the losses of the last step of this trace and of the
    first; None where one of them has no such entry. ratio: None where no gate compared the first environment with this
    one.
    """

    name: str
    environment: Environment
    code: Code | None
    tests: Outcomes | None
    group: str
    loss_difference: float | None
    ratio: Ratio | None


@dataclass(frozen=True)
class Matrix:
    """header: that of the first trace. partings: by the letter of a group, where it parts from the first one's."""

    header: TraceHeader
    rows: list[Row]
    partings: dict[str, Parting]

    def members(self, group: str) -> list[str]:
        return [row.name for row in self.rows if row.group == group]


def read_matrix(paths: Sequence[Path]) -> Matrix:
    """The table of the files: traces, and gates in any order between them.

    Raises InputError for a file that is neither, for traces that cannot be compared because they are not of the same
    recipe, seeds, data and number of steps, and for a gate that does not compare the first trace's environment with
    that of a trace.
    """
    gates = {path: content for path in paths if (content := read_gate(path)) is not None}
    traces = {path: read_trace(path) for path in paths if path not in gates}
    if not traces:
        raise InputError("matrix: no trace is given: give files that 'cifar-repro trace' wrote")
    (first_path, first), *_ = traces.items()
    for path, trace in traces.items():
        for name, there in _experiment(first.header).items():
            if (here := _experiment(trace.header)[name]) != there:
                raise InputError(
                    f"{path}: its {name} ({_shown(here, there)}) is not that of {first_path} ({_shown(there, here)}): "
                    "give traces of the same experiment"
                )

    letters: dict[frozenset[Identity], str] = {}
    partings: dict[str, Parting] = {}
    rows = []
    ratios = _ratios(gates, {path: trace.header.environment for path, trace in traces.items()})
    names = [path.stem for path in traces]
    for path, trace in traces.items():
        digests = frozenset(map(_identity, trace.entries))
        if digests not in letters:
            letters[digests] = letter = _letter(len(letters))
            if len(letters) > 1:
                partings[letter] = diff(first, trace)
        name = path.stem if names.count(path.stem) == 1 else str(path)
        header, difference = trace.header, _loss_difference(first, trace)
        rows.append(
            Row(name, header.environment, header.code, header.tests, letters[digests], difference, ratios.get(path))
        )
    return Matrix(first.header, rows, partings)


Identity = tuple[str, str, tuple[int, ...], str]


def _identity(entry: Entry) -> Identity:
    """What makes two entries equal."""
    return entry.name, entry.sha256, tuple(entry.shape), entry.dtype


def _experiment(header: TraceHeader) -> dict[str, Any]:
    """What traces must share to be comparable."""
    parts = {"recipe": header.recipe, "seeds": header.seeds, "steps": header.steps}
    return {name: plain(value) for name, value in {**parts, "data.fingerprints": header.data.fingerprints}.items()}


def _shown(value: Any, other: Any) -> str:
    """What of a value differs from the other one, which has the same entries if it has any, in one line."""
    if isinstance(value, dict):
        value = {name: entry for name, entry in value.items() if entry != other[name]}
    return json.dumps(value)


def _letter(index: int) -> str:
    """A, B, ..., Z, AA, AB, ..."""
    return (_letter(index // 26 - 1) if index >= 26 else "") + ascii_uppercase[index % 26]


def _loss_difference(first: Trace, other: Trace) -> float | None:
    name = f"step {first.header.steps}/loss"
    a, b = (next((e.sample[0] for e in trace.entries if e.name == name), None) for trace in (first, other))
    if a is None or b is None:
        return None
    return relative_difference(a, b)


def _ratios(gates: dict[Path, GateResult], traced: dict[Path, Environment]) -> dict[Path, Ratio]:
    """The ratio of each trace that a gate timed against the first one."""
    found: dict[Path, Ratio] = {}
    environments = {path: plain(environment) for path, environment in traced.items()}
    first = next(iter(environments))
    for gate_path, made in gates.items():
        if differing := arrows(environments[first], made.a.environment, TIMED):
            raise InputError(
                f"{gate_path}: its A is not the environment of {first} ({', '.join(differing)}): "
                "leave it out, or give the trace of its A first"
            )
        apart = {path: arrows(e, made.b.environment, TIMED) for path, e in environments.items()}
        fitting = [path for path, differing in apart.items() if not differing]
        if not fitting:
            nearest = min(apart, key=lambda path: len(apart[path]))
            raise InputError(
                f"{gate_path}: its B is the environment of no trace given (nearest: {nearest}, "
                f"{', '.join(apart[nearest])}): leave it out, or give that trace"
            )
        low, high = made.interval
        for path in fitting:
            if path in found:
                raise InputError(f"{gate_path}: another gate has timed {path} already: give one of them")
            found[path] = Ratio(made.ratio, low, high, made.detectable, made.workload)
    if len(workloads := {ratio.workload for ratio in found.values()}) > 1:
        raise InputError(f"matrix: gates of different workloads are given ({', '.join(sorted(workloads))}): give one")
    return found

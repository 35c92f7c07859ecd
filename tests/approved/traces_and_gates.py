"""Traces and what they are compared with, and gates."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cifar_repro.formats import convert
from cifar_repro.gate import text as gate_text
from cifar_repro.gate.gate import Comparison, GateResult, compare
from tests.make_studies import HEADER
from tests.traces.hand_made import entry
from tests.traces.matrix.files import gate as write_gate


def write_trace(
    path: str, changes: Mapping[str, float | None] = {}, header: Mapping[str, Any] = {}, **environment: Any
) -> None:
    """A trace of two steps of one weight; changes: other values by name, None for none of that name."""
    values: dict[str, float | None] = {"split/train": 1.0, "split/valid": 2.0, "init/fc1.weight": 0.5}
    for step in (1, 2):
        names = ("batch/indices", "batch/images", "mask/dropout#1", "forward/fc1#1", "loss", "gradient/fc1.weight")
        for n, name in enumerate((*names, "update/fc1.weight")):
            values[f"step {step}/{name}"] = 2.5 - step / 4 if name == "loss" else 1 + n / 8 + step / 16
    values |= changes
    first = {**HEADER, "steps": 2, **header, "environment": {**HEADER["environment"], **environment}}
    lines = [first, *(entry(name, value) for name, value in values.items() if value is not None)]
    Path(path).write_text("".join(json.dumps(line) + "\n" for line in lines))


def diff() -> Iterator[str]:
    """Two traces: each kind of a first difference, what one of them lacks, and other settings."""
    write_trace("first")
    names = json.loads("[" + ",".join(Path("first").read_text().splitlines()[1:]) + "]")
    for n, name in enumerate(e["name"] for e in names):
        if not name.startswith("step 1"):  # as the same of step 2
            write_trace(f"part-{n}", {name: 9.0})
            yield f"cifar-repro diff first part-{n}"
    yield "cifar-repro diff first gone"
    yield "cifar-repro diff gone first"
    Path("text").write_text("no trace")
    yield "cifar-repro diff first text"
    write_trace("grown", {"step 1/update/fc1.weight": 1.875, "step 2/loss": 1.75, "step 2/update/fc1.weight": 1.75})
    write_trace("less", {f"step {step}/{name}": None for step in (1, 2) for name in ("batch/images", "mask/dropout#1")})
    recipe = {**HEADER["recipe"], "learning_rate": 0.1, "overridden": ["learning_rate"]}
    write_trace("other", {"step 1/update/fc1.weight": 1.875}, {"recipe": recipe})
    write_trace("seeds", {"init/fc1.weight": 0.25}, {"seeds": {**HEADER["seeds"], "init": 1}})
    write_trace("newer", {"step 1/forward/fc1#1": 1.625}, torch="2.15.0", threads=2, cpu_capability="AVX2")
    for a, b in (
        ("first", "first"), ("first", "grown"), ("first", "less"), ("less", "first"), ("first", "other"),
        ("first", "seeds"), ("first", "newer"),
    ):  # fmt: skip
        yield f"cifar-repro diff {a} {b}"
        yield f"cifar-repro diff {a} {b} --json"
        yield f"cifar-repro diff {a} {b} --markdown"


def matrix() -> Iterator[str]:
    """Traces of several environments, with times and tests."""
    tests = {"passed": 7, "failed": 1, "errors": 2, "skipped": 3}
    torch = {"torch": "2.6.0+cu124", "torchvision": "0.21.0+cu124"}
    newer = {"torch": "2.14.1+cu130", "torchvision": "0.29.1+cu130"}
    write_trace("old", header={"tests": tests}, **torch)
    write_trace("new", {"step 2/forward/fc1#1": 1.625, "step 2/loss": 2.125}, **newer)
    write_trace("python", **torch, python="3.12.1")
    write_trace("two", {"step 2/forward/fc1#1": 1.625, "step 2/loss": 2.125}, **newer, threads=2)
    write_trace(
        "short",
        {f"step {step}/mask/dropout#1": None for step in (1, 2)},
        **torch,
        cpu="another CPU",
        gpu="a GPU",
        device="cuda:0",
    )
    write_trace(
        "long", {"step 1/more": 1.0, "step 2/more": 1.0}, **torch, memory_format="channels_last", deterministic=False
    )
    both = {**{f"step {step}/mask/dropout#1": None for step in (1, 2)}, "step 2/loss": 2.5}
    write_trace("both", both, **torch, python="3.13.0")
    write_gate(Path("times"), newer)
    write_gate(Path("unclear"), {"python": "3.12.1"}, ratio=1.01, interval=[0.99, 1.02])
    every = "old new python two short long both times unclear"
    for form in ("", " --markdown", " --json"):
        yield f"cifar-repro matrix {every}{form}"
    yield "cifar-repro matrix old python"
    write_trace("seed", header={"seeds": {**HEADER["seeds"], "order": 4}})
    recipe = {**HEADER["recipe"], "batch_size": 10, "dropout": 0.5, "overridden": ["batch_size", "dropout"]}
    write_trace("recipe", header={"recipe": recipe})
    other_images = {**HEADER["data"], "fingerprints": {"train": "d" * 64, "test": "b" * 64}}
    write_trace("data", header={"data": other_images})
    write_gate(Path("later"), newer, gate=2)
    Path("half").write_text(Path("times").read_text().replace('"ratio": 1.25', '"ratio": -1.25'))
    for refused in (
        "old new later",
        "old new half",
        "old seed",
        "old recipe",
        "old data",
        "new old times",
        "old python times",
        "old new times times",
        "times",
    ):
        yield f"cifar-repro matrix {refused}"


def gate() -> Iterator[str]:
    """What a gate says of ratios on either side of what it can tell."""
    environment = {"torch": "2.14.1", "python": "3.11.7", "threads": 1, "memory_format": "contiguous"}
    for ratio, interval, detectable, difference in (
        (1.25, (1.125, 1.5), 1.03, 0.0),
        (0.8, (0.75, 0.875), 1.03, 2e-7),
        (1.0, (0.99, 1.01), 1.03, 0.0),
        (1.02, (1.01, 1.04), 1.03, 0.0),
        (1.03, (0.99, 1.07), 1.03, 0.0),
        (1.05, (1.01, 1.09), 1.0625, 0.0),
        (1.05, (0.98, 1.12), 1.09, 0.0),
        (1.3, (0.8, 2.0), 1.875, 0.0),
        (1.3, (0.8, 2.0), 1.125, 0.0),
        (1.05, (1.04, 1.06), 1.09375, 0.0),
        # On the limits themselves, which are not beyond them.
        (1.25, (1.0, 1.5), 1.03, 0.0),
        (1.03, (1.02, 1.04), 1.0625, 0.0),
        (1.0625, (1.05, 1.07), 1.0625, 0.0),
        (1 / 1.0625, (0.93, 0.95), 1.0625, 0.0),
        (1.01, (0.99, 1.0625), 1.0625, 0.0),
        (1 / 1.03, (0.9, 1.02), 1.03, 0.0),
    ):
        write_gate(Path("gate"), environment, ratio=ratio, interval=interval, detectable=detectable)
        content = json.loads(Path("gate").read_text())
        content |= {"loss_difference": difference}
        content["b"]["environment"] = {**environment, "threads": 2}
        made = convert(content, GateResult, "gate")
        answer = gate_text.answer(made)
        yield f"# ratio {ratio}\n{gate_text.verdict(made)}\n"
        yield "\n".join([answer.headline, *map(str, answer.checks), *answer.notes, ""])
    Path("empty").mkdir()
    for side in (
        "threads=2,memory_format=rows",
        "threads=0",
        "threads=1025",
        "colour=red",
        "memory_format=rows=2",
        "empty",
        "nowhere",
    ):
        yield f"cifar-repro gate --a threads=1 --b {side}"
    first = [0.08 + 0.01 * math.sin(n * n) for n in range(40)]
    second = [0.085 + 0.01 * math.cos(n * n) for n in range(40)]
    yield str(compare(first, second))
    yield gate_text.same(Comparison(1.01, (0.99, 1.04), (0.98, 1.0625)))

"""What `diff` says of traces of two experiments, by their headers."""

from dataclasses import asdict
from typing import Any

import pytest

from cifar_repro.core.recipe import RECIPES
from cifar_repro.core.transforms import AUGMENTATIONS
from cifar_repro.formats import convert
from cifar_repro.runs.record import FIRST_FIELDS
from cifar_repro.traces.diff import Parting, diff
from cifar_repro.traces.trace_file import Entry, Trace, TraceHeader
from tests.make_studies import HEADER
from tests.traces.hand_made import entry

OF_A_STEP = ("batch/indices", "batch/images", "mask/d#1", "loss", "gradient/w", "update/w")
NAMES = ("split/train", "init/w", *(f"step 1/{name}" for name in OF_A_STEP))


def header(**changes: Any) -> dict[str, Any]:
    """As a file holds it; changes: entries of its parts, by name and merged into them."""
    merged = {name: HEADER[name] | value for name, value in changes.items() if isinstance(value, dict)}
    return HEADER | changes | merged


def parted(at: str | None, a: dict[str, Any], b: dict[str, Any]) -> Parting:
    """Of traces with these headers, and tensors that differ in this one alone."""
    entries = [entry(name, 1.0) for name in NAMES]
    return diff(trace(a, entries), trace(b, [e | {"sha256": "1"} if e["name"] == at else e for e in entries]))


def trace(header: dict[str, Any], entries: list[dict[str, Any]]) -> Trace:
    recipe = asdict(RECIPES[header["recipe"]["name"]]) | header["recipe"]
    return Trace(convert(header | {"recipe": recipe}, TraceHeader, "header"), convert(entries, list[Entry], "entries"))


OTHERS = {"split": 5, "init": 6, "order": 7, "dropout": 8}
COUNTS = HEADER["data"]["counts"]
MORE_IMAGES = COUNTS | {"train": COUNTS["train"] | {"cat": COUNTS["train"]["cat"] + 1}}


@pytest.mark.parametrize(
    ("at", "changes", "reasons"),
    [
        ("split/train", {"seeds": OTHERS, "recipe": {"batch_size": 10}}, "split seed: 0 -> 5"),
        (
            "split/train",
            {"recipe": {"validation": "test", "valid_fraction": 0.0, "optimizer": "rmsprop"}},
            "recipe valid_fraction: 0.2 -> 0.0, recipe validation: split -> test",
        ),
        ("split/train", {"data": {"counts": MORE_IMAGES}}, "training images: 50000 -> 50001"),
        (
            "init/w",
            {"seeds": OTHERS, "recipe": {"network": "keras"}},
            "init seed: 0 -> 6, recipe network: net -> keras",
        ),
        ("step 1/batch/indices", {"recipe": {"batch_size": 10, "dropout": 0.0}}, "recipe batch_size: 20 -> 10"),
        ("step 1/batch/indices", {"seeds": OTHERS}, "order seed: 0 -> 7"),
        (
            "step 1/batch/images",
            {"seeds": OTHERS, "data": {"fingerprints": {"train": "f" * 64, "test": "g"}}},
            f"train fingerprint: {'a' * 12} -> {'f' * 12}",
        ),
        (
            "step 1/batch/images",
            {"recipe": {"augmentation": "shift-flip", "pixels": "unit", "momentum": 0.9}},
            "recipe augmentation: none -> shift-flip, recipe pixels: minus-one-to-one -> unit",
        ),
        ("step 1/mask/d#1", {"seeds": OTHERS}, "dropout seed: 0 -> 8"),
        ("step 1/mask/d#1", {"recipe": {"dropout": 0.5, "batch_size": 10}}, "recipe dropout: 0.25 -> 0.5"),
        (
            "step 1/update/w",
            {"seeds": OTHERS, "recipe": {"optimizer": "rmsprop", "learning_rate": 0.1, "epochs": 3}},
            "recipe optimizer: sgd -> rmsprop, recipe learning_rate: 0.01 -> 0.1",
        ),
        ("step 1/update/w", {"recipe": {"learning_rate_decay": 0.5}}, "recipe learning_rate_decay: 0.0 -> 0.5"),
        ("step 1/update/w", {"recipe": {"momentum": 0.9, "loss_window": 2}}, "recipe momentum: 0.0 -> 0.9"),
    ],
)
def test_the_cause_is_what_decides_such_a_tensor(at: str, changes: dict[str, Any], reasons: str) -> None:
    """Of many differences of the headers, only those are called the cause that can be it; no other seed is claimed."""
    found = parted(at, header(), header(**changes))
    assert found.first == at
    assert found.sentence.endswith(f": the experiments differ ({reasons}).")


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "none"])
def test_an_augmentation_draws_from_the_generator_of_dropout(name: str) -> None:
    """Another dropout seed explains other images only where they are augmented."""
    at, seeds = "step 1/batch/images", {"dropout": 8}
    assert parted(at, header(), header(seeds=seeds)).sentence.endswith("the way to prepare them changed.")
    augmented = {"augmentation": name}
    found = parted(at, header(recipe=augmented), header(recipe=augmented, seeds=seeds))
    assert found.sentence.endswith("the experiments differ (dropout seed: 0 -> 8).")


@pytest.mark.parametrize("at", NAMES)
def test_no_cause_is_claimed_that_the_headers_rule_out(at: str) -> None:
    """Where the experiments are equal, no sentence speaks of another seed, rate, fraction or size."""
    found = parted(at, header(), header(environment={"torch": "3.0"}))
    assert found.sentence.endswith(" changed.")
    assert not any(word in found.sentence for word in ("seed", "rate", "fraction", "number of images", "batch_size"))
    assert found.environment == ["torch: 2.14.1 -> 3.0"]


@pytest.mark.parametrize("change", [{"shape": [1, 1]}, {"dtype": "float64"}])
def test_the_same_bytes_in_another_shape_or_type_are_a_difference(change: dict[str, Any]) -> None:
    """Two such tensors part, and nothing is measured between them."""
    found = diff(*(trace(header(), [entry("step 1/loss", 1.0) | more]) for more in ({}, change)))
    assert (found.first, found.gap) == ("step 1/loss", None)


def test_all_parts_of_the_experiment_are_compared() -> None:
    """Each part that differs is listed once, whether or not the tensors do; what was overridden only repeats them."""
    other = header(
        steps=2,
        recipe={"epochs": 3, "batch_size": 10, "overridden": ["batch_size"]},
        seeds={"order": 7},
        data={
            "kind": "binary",
            "fingerprints": {"train": "f", "test": "g"},
            "counts": MORE_IMAGES,
        },
    )
    found = parted(None, header(), other)
    assert found.identical
    assert found.experiment == [
        "steps: 1 -> 2",
        "recipe batch_size: 20 -> 10",
        "recipe epochs: 30 -> 3",
        "order seed: 0 -> 7",
        "data: synthetic -> binary",
        "training images: 50000 -> 50001",
        f"train fingerprint: {'a' * 12} -> f",
        f"test fingerprint: {'b' * 12} -> g",
    ]


def test_what_an_earlier_version_did_not_write_is_no_difference() -> None:
    """Without the fields that recipes got later, a header is of an experiment that has them as the recipe has them."""
    earlier = {**HEADER, "recipe": {name: HEADER["recipe"][name] for name in FIRST_FIELDS}}
    assert parted(None, earlier, header()).experiment == []
    assert parted(None, earlier, header(recipe={"momentum": 0.9})).experiment == ["recipe momentum: 0.0 -> 0.9"]


def test_other_code_is_a_difference_of_the_environments() -> None:
    """Where both traces say what code made them; where one does not, nothing is claimed."""
    code = {"version": "0.1.0", "commit": None, "changed": None, "source_sha256": "a" * 64}
    other = code | {"source_sha256": "b" * 64}
    line = "code: 0.1.0 (sources aaaaaaaaaa) -> 0.1.0 (sources bbbbbbbbbb)"
    assert parted(None, HEADER | {"code": code}, HEADER | {"code": other}).environment == [line]
    assert parted(None, HEADER | {"code": code}, HEADER | {"code": code}).environment == []
    assert parted(None, HEADER, HEADER | {"code": code}).environment == []

"""What `diff` says of traces of two experiments, by their headers."""

from typing import Any

import pytest

from cifar_repro.traces.diff import Parting, diff
from tests.make_studies import HEADER

RECIPE = HEADER["recipe"] | {"dropout": 0.25, "augmentation": "none", "network": "net"}
NAMES = ("split/train", "init/w", *(f"step 1/{name}" for name in ("batch/indices", "batch/images", "mask/d#1", "loss")))


def header(**changes: Any) -> dict[str, Any]:
    """That of a trace; changes: entries of its parts, by name and merged into them."""
    made: dict[str, Any] = HEADER | {"recipe": RECIPE}
    return made | {name: made[name] | value if isinstance(value, dict) else value for name, value in changes.items()}


def parted(at: str | None, a: dict[str, Any], b: dict[str, Any]) -> Parting:
    """Of traces with these headers, and tensors that differ in this one alone."""
    entries = [{"name": name, "sha256": "0", "shape": [1], "dtype": "float32", "sample": [1.0]} for name in NAMES]
    others = [entry | {"sha256": "1"} if entry["name"] == at else entry for entry in entries]
    return diff((a, entries), (b, others))


OTHERS = {"split": 5, "init": 6, "order": 7, "dropout": 8}


@pytest.mark.parametrize(
    ("at", "changes", "reasons"),
    [
        ("split/train", {"seeds": OTHERS, "recipe": {"batch_size": 10}}, "split seed: 0 -> 5"),
        ("init/w", {"seeds": OTHERS, "recipe": {"network": "b"}}, "init seed: 0 -> 6, recipe network: net -> b"),
        ("step 1/batch/indices", {"recipe": {"batch_size": 10, "dropout": 0.0}}, "recipe batch_size: 20 -> 10"),
        ("step 1/batch/indices", {"seeds": OTHERS}, "order seed: 0 -> 7"),
        (
            "step 1/batch/images",
            {"seeds": OTHERS, "data": {"fingerprints": {"train": "f" * 64, "test": "g"}}},
            f"train fingerprint: {'a' * 12} -> {'f' * 12}",
        ),
        ("step 1/mask/d#1", {"seeds": OTHERS}, "dropout seed: 0 -> 8"),
        ("step 1/mask/d#1", {"recipe": {"dropout": 0.5, "batch_size": 10}}, "recipe dropout: 0.25 -> 0.5"),
    ],
)
def test_the_cause_is_what_decides_such_a_tensor(at: str, changes: dict[str, Any], reasons: str) -> None:
    """Of many differences of the headers, only those are called the cause that can be it; no other seed is claimed."""
    found = parted(at, header(), header(**changes))
    assert found.first == at
    assert found.sentence.endswith(f": the experiments differ ({reasons}).")


def test_an_augmentation_draws_from_the_generator_of_dropout() -> None:
    """Another dropout seed explains other images only where they are augmented."""
    at, seeds = "step 1/batch/images", {"dropout": 8}
    assert parted(at, header(), header(seeds=seeds)).sentence.endswith("the way to prepare them changed.")
    augmented = {"augmentation": "flip-rotate"}
    found = parted(at, header(recipe=augmented), header(recipe=augmented, seeds=seeds))
    assert found.sentence.endswith("the experiments differ (dropout seed: 0 -> 8).")


@pytest.mark.parametrize("at", NAMES)
def test_no_cause_is_claimed_that_the_headers_rule_out(at: str) -> None:
    """Where the experiments are equal, no sentence speaks of another seed, rate, fraction or size."""
    found = parted(at, header(), header(environment={"torch": "3.0"}))
    assert found.sentence.endswith(" changed.")
    assert not any(word in found.sentence for word in ("seed", "rate", "fraction", "number of images", "batch_size"))
    assert found.environment == ["torch: 2.14.1 -> 3.0"]


def test_all_parts_of_the_experiment_are_compared() -> None:
    """Each part that differs is listed once, whether or not the tensors do; what was overridden only repeats them."""
    counts = HEADER["data"]["counts"]
    other = header(
        steps=2,
        recipe={"epochs": 3, "batch_size": 10, "overridden": ["batch_size"]},
        seeds={"order": 7},
        data={
            "kind": "binary",
            "fingerprints": {"train": "f", "test": "g"},
            "counts": counts | {"train": counts["train"] | {"cat": counts["train"]["cat"] + 1}},
        },
    )
    images = sum(counts["train"].values())
    found = parted(None, header(), other)
    assert found.identical
    assert found.experiment == [
        "steps: 1 -> 2",
        "recipe batch_size: 20 -> 10",
        "order seed: 0 -> 7",
        "data: synthetic -> binary",
        f"training images: {images} -> {images + 1}",
        f"train fingerprint: {'a' * 12} -> f",
        f"test fingerprint: {'b' * 12} -> g",
    ]  # the first header has no epochs: an earlier version did not write them

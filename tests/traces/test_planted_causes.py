"""`diff` names the first place of each of many planted causes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from cifar_repro.core import training
from cifar_repro.core.data import ImageSet
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import Recipe
from cifar_repro.traces.diff import diff
from cifar_repro.traces.trace_file import Trace
from tests.traces.setting import Setting


def with_data(setting: Setting, change: Callable[[torch.Tensor, torch.Tensor], None]) -> Setting:
    images, labels = setting.data.train.images.clone(), setting.data.train.labels.clone()
    change(images, labels)
    return replace(setting, data=replace(setting.data, train=ImageSet(images, labels)))


def image_of_step(setting: Setting, step: int) -> int:
    """The number of the first image that a step trains on."""
    train_idx, _ = training.split(setting.recipe, setting.seeds, len(setting.data.train))
    order = torch.randperm(len(train_idx), generator=torch.Generator().manual_seed(setting.seeds.order))
    return int(train_idx[order[(step - 1) * setting.recipe.batch_size]])


def planted_init(change: Callable[[Net], None]) -> Callable[[Recipe], Net]:
    class Planted(Net):
        def __init__(self, dropout: float) -> None:
            super().__init__(dropout)
            with torch.no_grad():
                change(self)

    return lambda recipe: Planted(recipe.dropout)


def nudge(parameter: torch.Tensor) -> None:
    """One ulp up in the first value."""
    first = parameter.view(-1)[:1]
    first.copy_(torch.nextafter(first, torch.tensor([9.0])))


class ScaledBackward(torch.autograd.Function):
    """The identity, with a gradient that is a little too large."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * 1.001


def conv2_with(call: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> Callable[[Recipe], Net]:
    class Planted(Net):
        def __init__(self, dropout: float) -> None:
            super().__init__(dropout)
            inner = self.conv2.forward
            self.conv2.forward = lambda x: call(inner, x)  # type: ignore[method-assign, assignment]

    return lambda recipe: Planted(recipe.dropout)


class OtherRateFromStep5(torch.optim.SGD):
    steps = 0

    def step(self, closure: Any = None) -> None:
        self.steps += 1
        if self.steps == 5:
            self.param_groups[0]["lr"] *= 2
        super().step()


def with_swapped_batches(n: int, generator: torch.Generator) -> torch.Tensor:
    """A permutation in which batches 3 and 4 have changed places."""
    order = RANDPERM(n, generator=generator)
    return torch.cat([order[:10], order[15:20], order[10:15], order[20:]])


RANDPERM, CROSS_ENTROPY = torch.randperm, nn.functional.cross_entropy
# cause -> (what to change in the setting, what to patch, the first name, the kind)
CAUSES: dict[str, tuple[Callable[[Setting], Setting], Mapping[str, Any], str, str]] = {
    "another split seed": (
        lambda s: replace(s, seeds=replace(s.seeds, split=9)), {}, "split/train", "split"
    ),
    "another validation fraction": (
        lambda s: replace(s, recipe=s.recipe.with_changes({"valid_fraction": 0.19})), {}, "split/train", "split"
    ),
    "another init seed": (
        lambda s: replace(s, seeds=replace(s.seeds, init=9)), {}, "init/conv1.weight", "initialisation of conv1.weight"
    ),
    "another init of one layer": (
        lambda s: s,
        {"build_network": planted_init(lambda net: nn.init.normal_(net.fc1.weight))},
        "init/fc1.weight",
        "initialisation of fc1.weight",
    ),
    "one ulp in one weight": (
        lambda s: s,
        {"build_network": planted_init(lambda net: nudge(net.conv3.weight))},
        "init/conv3.weight",
        "initialisation of conv3.weight",
    ),
    "another order seed": (
        lambda s: replace(s, seeds=replace(s.seeds, order=9)), {}, "step 1/batch/indices", "order"
    ),
    "two batches that changed places": (
        lambda s: s, {"randperm": with_swapped_batches}, "step 3/batch/indices", "order"
    ),
    "one changed label": (
        lambda s: with_data(s, lambda images, labels: labels[image_of_step(s, 4)].bitwise_xor_(1)),
        {},
        "step 4/batch/labels",
        "data",
    ),
    "one changed pixel": (
        lambda s: with_data(s, lambda images, labels: images[image_of_step(s, 3), 1, 16, 16].bitwise_xor_(1)),
        {},
        "step 3/batch/images",
        "data",
    ),
    "an augmentation": (
        lambda s: replace(s, recipe=s.recipe.with_changes({"augmentation": "flip-rotate"})),
        {},
        "step 1/batch/images",
        "data",
    ),
    "another dropout seed": (
        lambda s: replace(s, seeds=replace(s.seeds, dropout=9)), {}, "step 1/mask/dropout#1", "dropout"
    ),
    "another dropout rate": (
        lambda s: replace(s, recipe=s.recipe.with_changes({"dropout": 0.3})), {}, "step 1/mask/dropout#1", "dropout"
    ),
    "a last bit in the forward of one layer": (
        lambda s: s,
        {"build_network": conv2_with(lambda inner, x: inner(x) * (1 + 2**-23))},
        "step 1/forward/conv2#1",
        "forward of conv2",
    ),
    "another loss": (
        lambda s: s,
        {"cross_entropy": lambda logits, labels: CROSS_ENTROPY(logits, labels, label_smoothing=0.01)},
        "step 1/loss",
        "loss",
    ),
    "the backward of one layer": (
        lambda s: s,
        {"build_network": conv2_with(lambda inner, x: inner(ScaledBackward.apply(x)))},
        "step 1/gradient/conv1.bias",
        "gradient of conv1.bias",
    ),
    "another rate from step 5 on": (
        lambda s: s, {"SGD": OtherRateFromStep5}, "step 5/update/conv1.weight", "update of conv1.weight"
    ),
    "another learning rate": (
        lambda s: replace(s, recipe=s.recipe.with_changes({"learning_rate": 0.011})),
        {},
        "step 1/update/conv1.weight",
        "update of conv1.weight",
    ),
}  # fmt: skip
# What the headers say of it; nothing of the causes that are left out.
IN_THE_HEADERS = {
    "another split seed": "split seed: 1 -> 9",
    "another validation fraction": "recipe valid_fraction: 0.2 -> 0.19",
    "another init seed": "init seed: 2 -> 9",
    "another order seed": "order seed: 3 -> 9",
    "one changed label": "train fingerprint: ",
    "one changed pixel": "train fingerprint: ",
    "an augmentation": "recipe augmentation: none -> flip-rotate",
    "another dropout seed": "dropout seed: 4 -> 9",
    "another dropout rate": "recipe dropout: 0.25 -> 0.3",
    "another learning rate": "recipe learning_rate: 0.01 -> 0.011",
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_first_place_of_a_planted_cause_is_named(
    cause: str, setting: Setting, reference: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`diff` names the tensor that the cause touches first, its kind, and what in the headers explains it."""
    change, patches, first, kind = CAUSES[cause]
    homes = {"build_network": training, "SGD": torch.optim, "cross_entropy": nn.functional, "randperm": torch}
    changed = change(setting)
    for name, replacement in patches.items():
        monkeypatch.setattr(homes[name], name, replacement)
    found = diff(reference, changed.traced())
    assert (found.first, found.kind) == (first, kind)
    assert not found.identical
    assert found.growth
    if cause in IN_THE_HEADERS:
        [difference] = found.experiment
        assert difference.startswith(IN_THE_HEADERS[cause])
        assert found.sentence.endswith(f": the experiments differ ({difference}).")
    else:
        assert found.experiment == []
        assert found.sentence.endswith(" changed.")


@pytest.mark.parametrize(
    ("name", "value", "listed"),
    [
        ("threads", 2, "threads: 1 -> 2"),
        ("memory_format", "channels_last", "memory_format: contiguous -> channels_last"),
    ],
)
def test_another_setting_is_named_and_the_numbers_part_in_an_operation_if_at_all(
    name: str, value: Any, listed: str, setting: Setting, reference: Trace
) -> None:
    """Another thread count or memory format is listed; split, initialisation, data, order and masks do not change."""
    found = diff(reference, replace(setting, **{name: value}).traced())
    assert listed in found.environment
    assert found.kind is None or found.kind.split()[0] in ("forward", "loss", "gradient", "update")
    assert all(loss < 1e-3 for _, loss, _ in found.growth)

"""Tracing changes no number, and stops where `fit` stops."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from cifar_repro.core import training
from cifar_repro.core.checkpoint import weights_digest
from cifar_repro.core.errors import NonFiniteLoss
from cifar_repro.core.model import Net
from cifar_repro.core.training import Training, fit
from cifar_repro.traces.diff import diff
from cifar_repro.traces.trace import _Watch, trace
from cifar_repro.traces.trace_file import Trace, summarise
from tests.traces.setting import CPU, STEPS, Setting
from tests.workers import Shown


def test_a_traced_run_equals_an_untraced_one(setting: Setting, reference: Trace) -> None:
    """After as many steps, loss and weights of a traced run are those of `fit`, and the random state is as before."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    _, entries = setting.traced()
    assert torch.equal(torch.get_rng_state(), before)
    by_name = {entry.name: entry for entry in entries}
    fitted = fit(setting.recipe, setting.seeds, setting.data.train)
    losses = [by_name[f"step {step}/loss"].sample[0] for step in range(1, STEPS + 1)]
    total = 0.0
    for loss in losses:
        total += loss * 5
    assert total / (5 * STEPS) == fitted.epochs[0].train_loss
    for name, parameter in fitted.network.named_parameters():
        assert summarise(f"step {STEPS}/update/{name}", parameter) == by_name[f"step {STEPS}/update/{name}"]
    assert weights_digest(fitted.network.state_dict()) == fitted.epochs[0].weights_sha256


def test_what_is_traced_has_the_memory_format_that_was_asked_for(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network's weights and the images that it is given, as in `fit`."""
    begun = []

    def begin(*arguments: Any) -> Training:
        begun.append(training.begin(*arguments))
        return begun[-1]

    monkeypatch.setattr("cifar_repro.traces.trace.begin", begin)
    images = [t for name, t in replace(setting, memory_format="channels_last").tensors() if name.endswith("/images")]
    four = [p for p in begun[0].network.parameters() if p.dim() == 4]
    assert len(four) == 3
    assert all(t.is_contiguous(memory_format=torch.channels_last) for t in [*four, *images])


def test_progress_is_told_step_by_step(setting: Setting) -> None:
    """As many as are traced."""
    shown = Shown()

    list(trace(setting.recipe, setting.seeds, setting.data, 2, device=CPU, progress=shown))
    assert shown.bars == [{"total": 2, "desc": "tracing"}]


def test_in_float64_all_that_is_computed_is_float64(setting: Setting) -> None:
    """From the same float32 weights and images on: outputs, loss, gradients and updated weights, of a single step."""
    traced = trace(setting.recipe, setting.seeds, setting.data, 1, device=CPU, dtype=torch.float64)
    types = {name: tensor.dtype for name, tensor in traced if tensor.is_floating_point()}
    given = {name for name in types if name.startswith(("init/", "step 1/batch/"))}
    assert {types[name] for name in given} == {torch.float32}
    assert {types[name] for name in types.keys() - given} == {torch.float64}
    assert "step 1/loss" in types


def test_a_trace_repeats(setting: Setting, reference: Trace) -> None:
    """Traced twice, everything is equal, and `diff` says so."""
    found = diff(reference, setting.traced())
    assert found.identical
    assert found.growth[-1] == (STEPS, 0.0, 0.0)


def test_the_masks_are_those_that_dropout_used(setting: Setting, reference: Trace) -> None:
    """Where its input is not zero, dropout's output is zero exactly where the mask says so."""
    inputs: list[torch.Tensor] = []
    network = Net(0.5).train()
    network.dropout.register_forward_pre_hook(lambda m, i: inputs.append(i[0].detach().clone()))
    with _Watch(network, CPU) as watch:
        network(torch.rand(4, 3, 32, 32))
    seen = dict(watch.seen)
    for k in (1, 2):
        mask, output = seen[f"mask/dropout#{k}"], seen[f"forward/dropout#{k}"]
        used = inputs[k - 1] != 0
        assert 0.3 < mask.float().mean() < 0.7
        assert torch.equal((output != 0)[used], mask[used])


def test_a_trace_that_diverges_names_the_step(setting: Setting) -> None:
    """The step whose loss is no number is the one that `fit` names, and not the first."""
    diverging = replace(setting, recipe=setting.recipe.with_changes({"learning_rate": 1e5}))
    with pytest.raises(NonFiniteLoss) as fitted:
        fit(diverging.recipe, diverging.seeds, diverging.data.train)
    with pytest.raises(NonFiniteLoss) as traced:
        list(diverging.tensors())
    assert fitted.value.step > 1
    assert str(traced.value) == str(fitted.value)

"""Tracing changes no number, and stops where `fit` stops."""

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from cifar_repro.core import training
from cifar_repro.core.checkpoint import weights_digest
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES
from cifar_repro.core.training import Training, fit
from cifar_repro.traces.diff import diff
from cifar_repro.traces.trace import _Watch, trace
from cifar_repro.traces.trace_file import Trace, summarise
from tests.traces.setting import CPU, STEPS, Setting
from tests.workers import Shown


@pytest.mark.parametrize("name", RECIPES)
def test_a_traced_run_equals_an_untraced_one(name: str, setting: Setting) -> None:
    """Of any recipe: after an epoch, whose last batch is smaller, loss and weights of a traced run are those of `fit`,
    and the random state is as before."""
    recipe, seeds, data = RECIPES[name].with_changes({"batch_size": 16, "epochs": 1}), setting.seeds, setting.data
    sizes = [16, 9] if recipe.validation == "split" else [16, 15]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    tensors = trace(recipe, seeds, data, len(sizes), device=CPU)
    traced = {n: summarise(n, tensor) for n, tensor in tensors if "/loss" in n or f"{len(sizes)}/update/" in n}
    assert torch.equal(torch.get_rng_state(), before)
    fitted = fit(recipe, seeds, data.train, test=data.test)
    total = 0.0
    for step, size in enumerate(sizes, start=1):
        total += traced[f"step {step}/loss"].sample[0] * size
    assert total / sum(sizes) == fitted.epochs[0].train_loss
    for name, parameter in fitted.network.named_parameters():
        at = f"step {len(sizes)}/update/{name}"
        assert summarise(at, parameter) == traced[at]
    assert weights_digest(fitted.network.state_dict()) == fitted.epochs[0].weights_sha256


def test_a_trace_in_float64_computes_the_same_with_more_digits(setting: Setting) -> None:
    """Its weights and images are the float32 ones to the last bit, and its losses those of its outputs, not rounded."""
    exact, rounded = (
        {name: tensor.detach().clone() for name, tensor in setting.tensors(dtype)}
        for dtype in (torch.float64, torch.float32)
    )
    assert list(exact) == list(rounded)
    for name, tensor in exact.items():
        given = name.startswith(("split", "init")) or name.partition("/")[2].startswith(("batch", "mask"))
        assert tensor.dtype == (rounded[name].dtype if given else torch.float64), name
        assert not given or torch.equal(tensor, rounded[name]), name
    for step in range(1, STEPS + 1):
        outputs, labels = exact[f"step {step}/forward/fc2#1"], exact[f"step {step}/batch/labels"]
        assert exact[f"step {step}/loss"].item() == F.cross_entropy(outputs, labels).item()


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


@pytest.mark.parametrize("steps", [-1, 0, STEPS + 1])
def test_no_more_steps_are_traced_than_the_epoch_has(setting: Setting, steps: int) -> None:
    """And at least one, for a trace of none is no trace: nothing is made."""
    with pytest.raises(InputError, match=f"steps: {steps} is out of range: give a number from 1 to {STEPS},"):
        next(trace(setting.recipe, setting.seeds, setting.data, steps, device=CPU))

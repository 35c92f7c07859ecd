"""Traces change no number, and `diff` names the first place of each of many planted causes."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cifar_repro.cli import main
from cifar_repro.core import training
from cifar_repro.core.checkpoint import weights_digest
from cifar_repro.core.data import Cifar10, ImageSet
from cifar_repro.core.errors import InputError, NonFinite, NonFiniteLoss
from cifar_repro.core.model import Net
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.core.training import fit
from cifar_repro.runs import text
from cifar_repro.traces.diff import diff
from cifar_repro.traces.trace import _Watch, trace
from cifar_repro.traces.trace_file import header, kept_tensors, read_trace, summarise, tensors_path, write_trace
from tests.make_data import tiny_set, write_binary_folder
from tests.make_studies import HEADER

CPU = torch.device("cpu")
STEPS = 8
SEEDS = Seeds(1, 2, 3, 4)
RECIPE = RECIPES["udacity"].with_changes({"batch_size": 5, "epochs": 1})


@dataclass(frozen=True)
class Setting:
    """What is traced."""

    data: Cifar10
    recipe: Recipe = RECIPE
    seeds: Seeds = SEEDS
    threads: int = 1
    memory_format: str = "contiguous"

    def tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        return trace(self.recipe, self.seeds, self.data, STEPS, device=CPU, memory_format=self.memory_format)

    def traced(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        torch.set_num_threads(self.threads)
        first = header(self.recipe, self.seeds, self.data, STEPS, CPU, self.memory_format)
        return first, [summarise(*tensor) for tensor in self.tensors()]


@pytest.fixture(scope="module")
def setting(small_data: Cifar10) -> Setting:
    train, test = small_data.train, small_data.test
    few = ImageSet(train.images[:50], train.labels[:50])  # 40 to train on: 8 steps
    return Setting(Cifar10(few, ImageSet(test.images[:5], test.labels[:5]), "synthetic", official=False))


@pytest.fixture(scope="module")
def reference(setting: Setting) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return setting.traced()


def with_data(setting: Setting, change: Callable[[torch.Tensor, torch.Tensor], None]) -> Setting:
    images, labels = setting.data.train.images.clone(), setting.data.train.labels.clone()
    change(images, labels)
    return replace(setting, data=replace(setting.data, train=ImageSet(images, labels)))


def image_of_step(setting: Setting, step: int) -> int:
    """The number of the first image that a step trains on."""
    train_idx, _ = training.split(setting.recipe, setting.seeds, len(setting.data.train))
    order = torch.randperm(len(train_idx), generator=torch.Generator().manual_seed(setting.seeds.order))
    return int(train_idx[order[(step - 1) * setting.recipe.batch_size]])


def test_a_traced_run_equals_an_untraced_one(setting: Setting, reference: Any) -> None:
    """After as many steps, loss and weights of a traced run are those of `fit`, and the random state is as before."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    _, entries = setting.traced()
    assert torch.equal(torch.get_rng_state(), before)
    by_name = {entry["name"]: entry for entry in entries}
    fitted = fit(setting.recipe, setting.seeds, setting.data.train)
    losses = [by_name[f"step {step}/loss"]["sample"][0] for step in range(1, STEPS + 1)]
    total = 0.0
    for loss in losses:
        total += loss * 5
    assert total / 40 == fitted.epochs[0].train_loss
    for name, parameter in fitted.network.named_parameters():
        assert summarise(f"step {STEPS}/update/{name}", parameter) == by_name[f"step {STEPS}/update/{name}"]
    assert weights_digest(fitted.network.state_dict()) == fitted.epochs[0].weights_sha256


def test_a_trace_repeats(setting: Setting, reference: Any) -> None:
    """Traced twice, everything is equal, and `diff` says so."""
    found = diff(reference, setting.traced())
    assert found.identical
    assert found.growth[-1] == (STEPS, 0.0, 0.0)


def test_the_masks_are_those_that_dropout_used(setting: Setting, reference: Any) -> None:
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


class OtherRateFromStep7(torch.optim.SGD):
    steps = 0

    def step(self, closure: Any = None) -> None:
        self.steps += 1
        if self.steps == 7:
            self.param_groups[0]["lr"] *= 2
        super().step()


def with_swapped_batches(n: int, generator: torch.Generator) -> torch.Tensor:
    """A permutation in which batches 4 and 5 have changed places."""
    order = RANDPERM(n, generator=generator)
    return torch.cat([order[:15], order[20:25], order[15:20], order[25:]])


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
        lambda s: s, {"randperm": with_swapped_batches}, "step 4/batch/indices", "order"
    ),
    "one changed label": (
        lambda s: with_data(s, lambda images, labels: labels[image_of_step(s, 6)].bitwise_xor_(1)),
        {},
        "step 6/batch/labels",
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
    "another rate from step 7 on": (
        lambda s: s, {"SGD": OtherRateFromStep7}, "step 7/update/conv1.weight", "update of conv1.weight"
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
    cause: str, setting: Setting, reference: Any, monkeypatch: pytest.MonkeyPatch
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
    name: str, value: Any, listed: str, setting: Setting, reference: Any
) -> None:
    """Another thread count or memory format is listed; split, initialisation, data, order and masks do not change."""
    found = diff(reference, replace(setting, **{name: value}).traced())
    assert listed in found.environment
    assert found.kind is None or found.kind.split()[0] in ("forward", "loss", "gradient", "update")
    assert all(loss < 1e-3 for _, loss, _ in found.growth)


def test_a_renamed_entry_is_reported(reference: Any) -> None:
    """An entry that only one of the traces has is named, on either side, and the traces are not identical."""
    first, entries = reference
    renamed = [{**entry, "name": entry["name"].replace("init/fc2.bias", "init/out.bias")} for entry in entries]
    found = diff(reference, (first, renamed))
    assert (found.missing, found.extra, found.first) == (["init/fc2.bias"], ["init/out.bias"], None)
    assert not found.identical


def test_the_gap_is_measured(reference: Any) -> None:
    """Absolute and relative difference and ulps of a sample that was moved by hand are what they were moved by."""
    first, entries = reference
    place = next(i for i, entry in enumerate(entries) if entry["name"] == "init/conv1.weight")
    moved = json.loads(json.dumps(entries))
    was = torch.tensor(moved[place]["sample"][3])
    now = torch.nextafter(torch.nextafter(was, torch.tensor(9.0)), torch.tensor(9.0))
    moved[place] |= {"sha256": "0"}
    moved[place]["sample"][3] = now.item()
    gap = diff(reference, (first, moved)).gap
    assert gap is not None
    assert gap.ulps == 2
    assert gap.absolute == abs(now.double() - was.double()).item()
    assert gap.relative == pytest.approx(gap.absolute / max(abs(now.item()), abs(was.item())))


def test_a_trace_file_holds_what_was_traced(setting: Setting, reference: Any, tmp_path: Path) -> None:
    """Written and read again, a trace is equal, numbers to the last digit."""
    first, entries = reference
    write_trace(tmp_path / "a", first, setting.tensors())
    assert read_trace(tmp_path / "a") == (first, entries)


HAND_MADE = {
    "split/train": torch.tensor([3, 1, 2]),
    "step 1/mask/dropout#1": torch.tensor([[True, False]]),
    "step 1/loss": torch.tensor([2.5]),
    "step 1/update/fc1.weight": torch.arange(1.0, 101.0).reshape(4, 25).t(),  # not contiguous
}


def write_hand_made(path: Path, changes: Mapping[str, torch.Tensor]) -> tuple[Any, Any]:
    """A trace whose tensors are kept, as `diff` takes it: header and entries, and what reads a tensor."""
    write_trace(path, HEADER, iter({**HAND_MADE, **changes}.items()), keep=True)
    return read_trace(path), kept_tensors(path)


def test_kept_tensors_are_those_of_the_trace(tmp_path: Path) -> None:
    """numpy reads them without pickle under their names, with their types; written again, the file is the same."""
    (_, entries), read = write_hand_made(tmp_path / "a", {})
    write_hand_made(tmp_path / "b", {})
    assert tensors_path(tmp_path / "a").read_bytes() == tensors_path(tmp_path / "b").read_bytes()
    with np.load(tensors_path(tmp_path / "a"), allow_pickle=False) as arrays:
        assert list(arrays) == list(HAND_MADE) == [entry["name"] for entry in entries]
        for entry in entries:
            wanted = HAND_MADE[entry["name"]].numpy()
            for array in (arrays[entry["name"]], read(entry)):
                assert array.dtype == wanted.dtype
                np.testing.assert_array_equal(array, wanted)
    assert kept_tensors(tmp_path / "c") is None


def test_the_gap_is_over_all_values_where_both_traces_kept_them(tmp_path: Path) -> None:
    """A difference between the sampled values is measured, and said, only if both traces have their tensors."""
    changed = HAND_MADE["step 1/update/fc1.weight"].clone()
    changed[0, 1] *= 1 + 2**-20  # 26 becomes 26 and 13 ulps; no sample is there
    changed[24, 3] += 2**-17  # the last value, which is sampled: 100 and one ulp
    a, read_a = write_hand_made(tmp_path / "a", {})
    b, read_b = write_hand_made(tmp_path / "b", {"step 1/update/fc1.weight": changed})
    found = diff(a, b, (read_a, read_b))
    assert found.gap is not None
    assert (found.gap.ulps, found.gap.absolute, found.gap.all_values) == (13, 26 * 2**-20, True)
    assert found.gap.relative == pytest.approx(2**-20, rel=1e-5)
    assert (
        "All its values, compared one by one, differ by up to 2.48e-05, relatively 9.54e-07, 13 ulps"
        in text.parting(found)
    )
    for kept in [(read_a, None), (None, read_b)]:
        found = diff(a, b, kept)
        assert found.gap is not None
        assert (found.gap.ulps, found.gap.absolute, found.gap.all_values) == (1, 2**-17, False)
        assert "The sampled values differ by up to" in text.parting(found)


@pytest.mark.parametrize("damage", ["cut", "of another trace", "no archive"])
def test_tensors_that_are_not_those_of_the_trace_are_refused(damage: str, tmp_path: Path) -> None:
    """A file of tensors that was cut, belongs to another trace or is something else is an error that names it."""
    (_, entries), read = write_hand_made(tmp_path / "a", {})
    write_hand_made(tmp_path / "b", {"step 1/loss": torch.tensor([2.0])})
    file = tensors_path(tmp_path / "a")
    whole = file.read_bytes()
    file.write_bytes(
        {"cut": whole[:-9], "of another trace": tensors_path(tmp_path / "b").read_bytes(), "no archive": b"x"}[damage]
    )
    with pytest.raises(InputError, match=r"a\.npz"):
        read(entries[2])


def test_a_trace_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    """An error between two tensors, on a full disk, say, leaves neither the trace nor its tensors."""

    def broken() -> Iterator[tuple[str, torch.Tensor]]:
        yield from HAND_MADE.items()
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_trace(tmp_path / "a", {}, broken(), keep=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "no json", "[1]", '{"trace":1}', '{"trace":99}\n{}', '{"trace":1}\n{"name":"x"}']
)
def test_what_is_no_trace_is_refused(content: str, tmp_path: Path) -> None:
    """An empty file, another format, another schema, a header alone and an entry without a digest are errors."""
    (tmp_path / "a").write_text(content)
    with pytest.raises(InputError, match=r"(is no trace|trace schema 99)"):
        read_trace(tmp_path / "a")


WHOLE = ["split/train", "init/w", *(f"step {n}/{name}" for n in (1, 2) for name in ("forward/f#1", "loss", "update/w"))]


def write_names(path: Path, names: list[str], steps: int) -> Path:
    """A trace whose header counts these steps, with an entry of each name."""
    entry = {"sha256": "0", "shape": [1], "dtype": "float32", "sample": [1.0]}
    lines = [HEADER | {"steps": steps}, *(entry | {"name": name} for name in names)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("steps", [1, 2])
def test_a_trace_that_was_cut_at_the_end_of_a_line_is_refused(steps: int, tmp_path: Path) -> None:
    """Whatever number of lines is left, also where it is a whole number of steps; the whole file is read."""
    whole = WHOLE[: 2 + 3 * steps]
    assert [entry["name"] for entry in read_trace(write_names(tmp_path / "a", whole, steps))[1]] == whole
    for lines in range(len(whole)):
        with pytest.raises(InputError, match=r"a: is no trace .*(it has \d of \d steps|step \d are not whole)"):
            read_trace(write_names(tmp_path / "a", whole[:lines], steps))


@pytest.mark.parametrize("place", range(2, len(WHOLE)))
@pytest.mark.parametrize("lines", [0, 2], ids=["without", "twice"])
def test_a_trace_without_a_line_or_with_one_twice_is_refused(place: int, lines: int, tmp_path: Path) -> None:
    """Every entry of a step is in every step, once."""
    changed = [*WHOLE[:place], *WHOLE[place : place + 1] * lines, *WHOLE[place + 1 :]]
    with pytest.raises(InputError, match="not whole"):
        read_trace(write_names(tmp_path / "a", changed, 2))


@pytest.mark.parametrize(("names", "steps"), [(WHOLE, 1), (WHOLE, 3), (WHOLE[:2], 0), (WHOLE[:2] + WHOLE[5:], 1)])
def test_the_steps_are_those_that_the_header_counts(names: list[str], steps: int, tmp_path: Path) -> None:
    """More or fewer steps than the header says, none at all, and a second step without a first are refused."""
    with pytest.raises(InputError, match=r"a: is no trace"):
        read_trace(write_names(tmp_path / "a", names, steps))


def test_a_trace_that_diverges_names_the_step(setting: Setting) -> None:
    """The step whose loss is no number is the one that `fit` names, and not the first."""
    diverging = replace(setting, recipe=setting.recipe.with_changes({"learning_rate": 1e5}))
    with pytest.raises(NonFiniteLoss) as fitted:
        fit(diverging.recipe, diverging.seeds, diverging.data.train)
    with pytest.raises(NonFiniteLoss) as traced:
        list(diverging.tensors())
    assert fitted.value.step > 1
    assert str(traced.value) == str(fitted.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_tensor_that_is_not_finite_is_named(value: float, dtype: torch.dtype) -> None:
    """One value that is no finite number is an error with the tensor's name, whether or not it is in the sample."""
    tensor = torch.zeros(100, dtype=dtype)
    tensor[1] = value
    with pytest.raises(NonFinite, match=r"the norm of step 1/update/w is (nan|inf)"):
        summarise("step 1/update/w", tensor)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--learning-rate", "1e5"], r"the loss of training step [2-9] is (nan|inf)"),
        (["--recipe", "pytorch-blitz", "--learning-rate", "1.78e8"], r"the norm of step \d/\w+/[\w.#]+ is inf"),
    ],
)
def test_the_trace_of_a_training_that_diverges_is_not_written(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1 and one line that says what is no finite number, be it a loss or, before it, a weight; no file."""
    images = write_binary_folder(tmp_path / "images", tiny_set(per_batch=30, test=5))
    out = tmp_path / "made"
    out.mkdir()
    make = ["trace", "--data", str(images), "--threads", "1", "--steps", "6", "--tensors", "all"]
    assert main([*make, *arguments, "-o", str(out / "a")]) == 1
    assert re.fullmatch(f"cifar-repro: {said}: these weights are of no use\n", capsys.readouterr().err)
    assert list(out.iterdir()) == []


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`trace` writes a file and never over another; `diff` says identical with 0, where they part with 1."""
    images = write_binary_folder(tmp_path, tiny_set(per_batch=20, test=5))
    make = ["trace", "--data", str(images), "--threads", "1", "--steps", "3"]
    a, b, c = (str(tmp_path / name) for name in "abc")
    assert main([*make, "-o", a]) == main([*make, "-o", b]) == main([*make, "--dropout-seed", "1", "-o", c]) == 0
    assert main([*make, "-o", a]) == 2
    assert main([*make[:-1], "99", "-o", str(tmp_path / "d")]) == 2
    assert not (tmp_path / "d").exists()
    capsys.readouterr()
    assert main(["diff", a, b]) == 0
    assert capsys.readouterr().out == "Identical.\n"
    assert main(["diff", a, c, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["first"] == "step 1/mask/dropout#1"
    assert "the experiments differ (dropout seed: 0 -> 1)" in printed.err
    assert main(["diff", a, str(tmp_path / "none")]) == 2

    d = str(tmp_path / "d")
    assert main([*make, "--dropout-seed", "1", "--tensors", "all", "-o", d]) == 0
    assert Path(d).read_bytes() == Path(c).read_bytes()
    (tmp_path / "d").unlink()
    assert main([*make, "--tensors", "all", "-o", d]) == 2
    assert f"{d}.npz is already there" in capsys.readouterr().err

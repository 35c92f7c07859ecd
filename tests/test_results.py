"""The pages that speak of trainings on official CIFAR-10 say what the kept results make of it."""

import json
import math
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from msgspec.structs import replace
from torch import nn

from cifar_repro.core import official
from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.model import build_network
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.formats import loads
from cifar_repro.runs.record import Stopped
from cifar_repro.studies.study_file import Diverged
from cifar_repro.verdicts.published import known
from cifar_repro.verdicts.verdict import accuracy
from tests.make_studies import make_study, summed_up, write_study
from tests.verdict_simulation import SPREADS, Runs, study_of
from tools import hypotheses, results, results_figure


@pytest.mark.parametrize("page", results.PAGES)
def test_a_page_says_what_the_kept_results_make_of_it(page: str) -> None:
    """Each marked part is as `python -m tools.results` makes it, and there is one."""
    text = (results.ROOT / page).read_text(encoding="utf-8")
    assert results.PART.search(text), f"{page} has no part that is made"
    assert results.made(text) == text, f"{page} is not as its results make it: python -m tools.results"


def test_every_part_stands_on_some_page_and_every_mark_is_whole() -> None:
    """No part is made that nobody reads, and no mark is misspelt, so that its part would not be made."""
    text = "".join((results.ROOT / page).read_text(encoding="utf-8") for page in results.PAGES)
    assert {match[2] for match in results.PART.finditer(text)} == results.MADE.keys()
    marks = re.findall("made by tools/results", text)
    assert len(marks) == len(list(results.PART.finditer(text))) == text.count("<!-- end -->")


def test_official_images_are_as_many_as_the_kept_results_are_of() -> None:
    """As many of each class, too: of another number no set would ever be known as the official images, reordered."""
    for name in RECIPES:
        data = loads((results.RESULTS / name / "study.json").read_bytes())["data"]
        assert data["official"]
        for part, images in official.IMAGES.items():
            assert data["counts"][part] == dict.fromkeys(CLASSES, images // 10)


def test_a_number_typed_into_a_part_is_made_again() -> None:
    """What stands between the marks does not stay."""
    text = "a\n<!-- made by tools/results.py: targets -->\n76.00 %\n<!-- end -->\nb\n"
    made = results.made(text)
    assert made.startswith("a\n<!-- made by tools/results.py: targets -->\n| recipe | data |")
    assert made.endswith(" |\n<!-- end -->\nb\n")


def test_how_far_a_hypothesis_is_from_the_published_curve_is_the_mean_over_its_epochs(tmp_path: Path) -> None:
    """Beside the lesson with the same seeds; of one that was run over the first epochs alone nothing is said."""
    published = [[epoch["train_loss"], epoch["valid_loss"]] for epoch in known("udacity")["epochs"]]
    times = {"momentum 0.2": (1.02, 0.97), "dropout 0.2": (1.5, 1.5)}
    entries = [
        {"name": name, "seed": 1, "losses": [[train * a, valid * b] for train, valid in published]}
        for name, (a, b) in times.items()
    ]
    del entries[1]["losses"][3:]
    (tmp_path / "file").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    lesson = {0: published, 1: [[train * 1.01, valid] for train, valid in published]}
    assert hypotheses.whole(tmp_path / "file", lesson).splitlines()[-2:] == [
        "| the lesson, as it is | 2 | 0.932, 0.594, 0.385 | | 0.5 (0.0 to 1.0) | 0.0 (0.0 to 0.0) |",
        "| momentum 0.2 | 1 | 0.946, 0.602, 0.391 | +1.0, +1.0, +1.0 | 2.0 (2.0 to 2.0) | 3.0 (3.0 to 3.0) |",
    ]


def test_a_hypothesis_is_run_for_the_seeds_that_are_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was run over more epochs is there, what was run over fewer is not."""
    monkeypatch.setattr(hypotheses, "load_cifar10", lambda data: SimpleNamespace(official=True))
    monkeypatch.setattr(hypotheses, "make_deterministic", lambda threads: None)
    monkeypatch.setattr(hypotheses, "losses", lambda name, seed, epochs, data: [[1.0, 2.0]] * epochs)
    file = tmp_path / "file"
    there = [{"name": "dropout 0.2", "seed": seed, "losses": [[1.0, 2.0]] * n} for seed, n in enumerate((30, 3, 2), 4)]
    file.write_text("".join(json.dumps(entry) + "\n" for entry in there))
    only = ["dropout 0.2", "momentum 0.2"]
    hypotheses.run(SimpleNamespace(data="", out=file, epochs=3, first_seed=4, seeds=4, only=only))
    made = [(e["name"], e["seed"], len(e["losses"])) for e in hypotheses.read(file)[len(there) :]]
    expected = [(name, seed, 3) for seed in range(4, 8) for name in only]
    assert made == [each for each in expected if each[:2] not in {("dropout 0.2", 4), ("dropout 0.2", 5)}]


def test_each_hypothesis_changes_what_it_is_called_after() -> None:
    """The first of the two dropouts is left out, He's normal weights, images drawn again, and the order as it is."""
    network = build_network(hypotheses.BASE)
    hypotheses.one_dropout(network)
    network.dropout.p = 1.0
    inputs: dict[nn.Module, torch.Tensor] = {}
    for layer in (network.fc1, network.fc2):
        layer.register_forward_pre_hook(lambda layer, given: inputs.__setitem__(layer, given[0]))
    for _ in range(2):
        network.train()(torch.ones(1, 3, 32, 32))
        assert inputs[network.fc1].any()
        assert not inputs[network.fc2].any()
    hypotheses.kaiming(network)
    assert network.fc1.weight.std().item() == pytest.approx(math.sqrt(2 / 1024), rel=0.02)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if name.endswith("bias"))
    indices, generator = torch.arange(100, 300), torch.Generator().manual_seed(0)
    drawn = hypotheses.with_replacement(indices, generator).tolist()
    assert len(drawn) == 200 > len(set(drawn))
    assert set(drawn) <= set(indices.tolist())
    first, second = (hypotheses.permuted(indices, generator).tolist() for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == hypotheses.unshuffled(indices, generator).tolist()


def test_the_figure_shows_accuracies_after_as_many_epochs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of other people's runs; in per cent, beneath those of the same recipe."""
    others = [{"epochs": [{}] * n, "test": {"correct": n, "total": 10}} for n in (2, 1, 2, 3)] + [{"epochs": [{}] * 2}]
    others[2]["test"]["correct"] = 5
    monkeypatch.setattr(results_figure, "known", lambda name: {"others": others})
    study = summed_up(make_study([54.5, 55.5], recipe="pytorch-blitz"))
    axes = Figure().add_subplot()
    results_figure._accuracies(axes, {"pytorch-blitz": study})
    ours, theirs = ((line.get_xdata().tolist(), set(line.get_ydata())) for line in axes.lines)
    assert ours == ([54.5, 55.5], {-0.13})
    assert theirs == ([20.0, 50.0], {0.13})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where studies are kept instead of in results/."""
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    return tmp_path


def test_a_kept_study_has_all_its_numbers_and_no_path_of_the_machine(folder: Path) -> None:
    """It is what `verdict` reads from the study's own folder, but for where the data lay."""
    study = make_study([54.5, 55.5, 55.0], recipe="pytorch-blitz")
    study["data"]["path"] = "/home/somebody/data"
    source = write_study(folder / "a", study)
    results.take(source)
    (kept,) = (folder / "results").rglob("study.json")
    assert kept.parent.name == "pytorch-blitz"
    found, expected = (loads((path / "study.json").read_bytes()) for path in (kept.parent, source))
    assert found["data"].pop("path") is None
    assert expected["data"].pop("path") == "/home/somebody/data"
    assert found == expected
    assert [accuracy(run) for run in results.kept()["pytorch-blitz"].runs] == [54.5, 55.5, 55.0]


def test_further_seeds_join_the_kept_ones(folder: Path) -> None:
    """A study made in parts is the study made at once; a part with the same seeds and results changes nothing."""
    percents = [54.5, 55.5, 55.0, 56.0]
    results.take(write_study(folder / "whole", make_study(percents, recipe="pytorch-blitz")))
    (kept,) = (folder / "results").rglob("study.json")
    at_once = kept.read_bytes()
    shutil.rmtree(kept.parent)
    for name, first, stop in (("b", 2, 4), ("a", 0, 2), ("again", 1, 3), ("one", 3, 4)):
        part = make_study(percents[first:stop], first_seed=first, recipe="pytorch-blitz")
        results.take(write_study(folder / name, part))
    assert kept.read_bytes() == at_once


def test_a_run_that_diverged_is_listed_once(tmp_path: Path) -> None:
    """However often its study is taken, and in the order of the seeds."""
    study = summed_up(make_study([54.5, 55.5], recipe="pytorch-blitz"))
    stopped = Stopped(epoch=1, phase="training", step=3, loss="nan")
    lost = [Diverged(folder=f"seed-{s}", seeds=Seeds.all(s), stopped=stopped) for s in (7, 9)]
    there, more = (replace(study, diverged=some) for some in (lost[1:], lost))
    assert results.joined(there, more, tmp_path).diverged == lost


@pytest.mark.parametrize(("points", "told"), [(-4.0, True), (1.7, False)])
def test_what_the_study_differs_in_from_other_peoples_runs_is_told(folder: Path, points: float, told: bool) -> None:
    """By its claim; drawn runs have a mean of 74 %, other people's of 75.7 %."""
    rows = Runs(SPREADS["normal"])(np.random.default_rng(0), 10)
    rows[:, -11] += points
    results.take(write_study(folder / "a", study_of(rows)))
    assert ("- The study differs from the others by its test accuracy: " in results.population("udacity")) == told


@pytest.mark.parametrize("spoil", ["another torch", "other threads", "other losses"])
def test_what_is_of_another_study_does_not_join_the_kept_seeds(folder: Path, spoil: str) -> None:
    """Whatever would mix two experiments is refused, and what was kept stays as it was."""
    results.take(write_study(folder / "a", make_study([54.5, 55.5, 55.0], recipe="pytorch-blitz")))
    (kept,) = (folder / "results").rglob("study.json")
    before = kept.read_bytes()
    more = make_study([54.5, 55.5, 55.0, 56.0], recipe="pytorch-blitz")
    if spoil == "other losses":
        more["runs"][1]["epochs"][0]["train_loss"] += 1e-6
    else:
        part, value = {"another torch": ("torch", "another"), "other threads": ("threads", 2)}[spoil]
        more["runs"][3]["environment"][part] = value
    with pytest.raises(InputError, match="remove"):
        results.take(write_study(folder / "b", more))
    assert kept.read_bytes() == before


def test_runs_of_another_processor_join_and_are_compared_with_the_others(folder: Path) -> None:
    """The pages say how many runs each processor did, and compare both parts; else a study is compared by halves."""
    percents = [54.5, 55.5, 55.0, 56.0, 54.0, 55.5, 55.0, 54.5, 56.0, 55.0]
    whole, rest = (
        make_study(some, first_seed=10 - len(some), recipe="pytorch-blitz") for some in (percents, percents[7:])
    )
    for run in rest["runs"]:
        run["environment"] |= {"cpu": "Another", "cpu_capability": "ZVECTOR"}
    results.take(write_study(folder / "a", whole))
    (name,) = results.by_processor(results.kept()["pytorch-blitz"].runs)
    assert "| `pytorch-blitz`, the first seeds: 5 runs | the others: 5 runs | " in results.between_studies()
    shutil.rmtree(folder / "results")
    whole["runs"] = whole["runs"][:7]
    results.take(write_study(folder / "b", whole))
    results.take(write_study(folder / "c", rest))
    assert f"CPU: {name}, 7 runs, Another (ZVECTOR), 3 runs." in results.environment()
    assert f"| `pytorch-blitz`, {name}: 7 runs | Another (ZVECTOR): 3 runs | " in results.between_studies()


@pytest.mark.parametrize("spoil", ["another data set", "a changed recipe", "one varied seed", "one run"])
def test_only_studies_of_a_recipe_as_it_is_on_official_images_are_kept(folder: Path, spoil: str) -> None:
    """Nothing else may stand beside a published result."""
    percents, official = [54.5] if spoil == "one run" else [54.5, 55.5], spoil != "another data set"
    study = make_study(percents, recipe="pytorch-blitz", official=official)
    if spoil == "a changed recipe":
        study["recipe"] |= {"batch_size": 5, "overridden": ["batch_size"]}
    if spoil == "one varied seed":
        study["vary"] = "init"
    refused = "holds a single run" if spoil == "one run" else "is no study of an unchanged recipe on official CIFAR-10"
    with pytest.raises(InputError, match=refused):
        results.take(write_study(folder / "a", study))
    assert not (folder / "results").exists()

"""The report says what the records say, on whatever data and recipe, and nothing in a record can change the page."""

import contextlib
import copy
import json
import re
import shlex
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_repro.cli import make_parser
from cifar_repro.commands.options import experiment
from cifar_repro.commands.study import plan_of
from cifar_repro.core.errors import InputError
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.report.charts import curves
from cifar_repro.report.page import render, see
from cifar_repro.report.pictures import Pictures, Seen
from cifar_repro.report.published import published_of
from cifar_repro.report.repeat import commands
from cifar_repro.runs.record import recipe_of
from cifar_repro.studies.results import of_run, read_results
from cifar_repro.studies.summary import pack_bits, summarise
from cifar_repro.verdicts.verdict import CONSISTENT, INCONCLUSIVE, Check, Verdict
from tests import make_studies

HOSTILE = """"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"""
VOID = {"meta", "link", "img", "br"}
ENVIRONMENT = make_studies.ENVIRONMENT | {"torch": "2.14.1+cpu", "python": "3.12.1"}


def a_run(seed: int, recipe: str = "udacity", epochs: int = 3) -> dict[str, Any]:
    """One of the runs of a study; its 1,000 test images, 100 a class, are right where seed and image say so."""
    made_of, rng = RECIPES[recipe], np.random.default_rng(seed)
    correct = rng.random(1000) < 0.7
    confusion = np.zeros((10, 10), dtype=int)
    for image, right in enumerate(correct):
        confusion[image % 10, image % 10 if right else (image % 10 + 1 + image // 10 % 9) % 10] += 1
    validates = made_of.validation != "none"
    return {
        "folder": f"seed-{seed}",
        "seeds": asdict(Seeds.all(seed)),
        "environment": ENVIRONMENT,
        "epochs": [
            {
                "epoch": epoch,
                "train_loss": 2 / epoch + 0.01 * seed,
                "valid_loss": 2.1 / epoch + 0.01 * seed if validates else None,
                "saved": True,
                "weights_sha256": f"{seed:032x}{epoch:032x}",
                "train_seconds": 60.0,
                "valid_seconds": 0.0,
                "valid_accuracy": 0.2 * epoch if made_of.validation == "test" else None,
                "running_loss": [2 / epoch - 0.1 * k for k in range(6)] if made_of.loss_window else [],
            }
            for epoch in range(1, epochs + 1)
        ],
        "best": {"epoch": epochs, "valid_loss": 2.1 / epochs + 0.01 * seed if validates else None},
        "test": {
            "loss": 0.75 + 0.01 * seed,
            "correct": int(correct.sum()),
            "total": 1000,
            "per_class": [
                {"name": name, "correct": int(confusion[k, k]), "total": 100} for k, name in enumerate(CLASSES)
            ],
            "confusion": confusion.tolist(),
        },
        "correct_bits": pack_bits(correct),
    }


def a_study(seeds: int = 3, recipe: str = "udacity", epochs: int = 3, first: int = 0, **data: Any) -> dict[str, Any]:
    """As study.json has it; `data` changes what it says of its data."""
    runs = [a_run(seed, recipe, epochs) for seed in range(first, first + seeds)]
    changed = RECIPES[recipe].with_changes({"epochs": epochs})
    described = {
        "kind": "binary",
        "official": True,
        "path": "data",
        "fingerprints": {"train": "a" * 64, "test": "b" * 64},
        "counts": {"train": dict.fromkeys(CLASSES, 5_000), "test": dict.fromkeys(CLASSES, 100)},
    }
    return {
        "study": 1,
        "recipe": {**asdict(changed), "overridden": changed.changes()},
        "vary": None,
        "data": described | data,
        "runs": runs,
        "diverged": [],
        **summarise(runs),
    }


def one_run(**data: Any) -> dict[str, Any]:
    """A single run in the same form."""
    study = a_study(1, **data)
    return of_run({**study["runs"][0], "recipe": study["recipe"], "data": study["data"], "stopped": None})


def some_pictures() -> Seen:
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    index = np.arange(3)
    pictures = Pictures(index, images, index, np.array([0, 4, 5]), np.array([0.5, 0.25, 1.0], np.float32), index)
    return pictures, pictures


class Page(HTMLParser):
    """What a page consists of. tags: all elements in order, each with the names of its attributes."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []  # (element, name, value)
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title", "desc"):
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def values(self, name: str) -> list[str]:
        return [value for _, found, value in self.attributes if found == name]

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)


def page(*studies: dict[str, Any], seen: Seen | str = "No pictures.") -> Page:
    return Page(render(studies, [seen] * len(studies)))


# ---- the page -------------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_but_itself() -> None:
    """No script, no frame, no style from elsewhere; what it refers to is in it."""
    html = render([a_study(), one_run()], [some_pictures()] * 2)
    made = Page(html)
    assert made.count("img") == 12
    assert not {"script", "iframe", "object", "embed", "base"} & {tag for tag, _ in made.tags}
    for name in ("src", "href", "action", "data", "srcset", "poster", "xlink:href"):
        for value in made.values(name):
            inside = value.startswith("#") and value[1:] in made.values("id")
            assert inside or value.startswith("data:"), f"{name}={value}"
    assert not re.search(r"url\(|@import|https?:", html)
    assert not [name for name in (name for _, names in made.tags for name in names) if name.startswith("on")]


def test_the_page_can_be_read_by_all() -> None:
    """Language, title and viewport; each figure and picture has words; tables have headers; ids are unique."""
    made = page(a_study(), one_run(), seen=some_pictures())
    assert ("html", "lang", "en") in made.attributes
    assert made.count("title") > 1
    assert "width=device-width, initial-scale=1" in made.values("content")
    charts = [names for tag, names in made.tags if tag == "svg"]
    assert len(charts) == 10  # two curves, two spreads and one of classes for each
    assert all("aria-label" in names and "role" in names for names in charts)
    assert all(len(value) > 20 for value in made.values("alt"))
    assert len(made.values("alt")) == made.count("img")
    assert all("scope" in names for tag, names in made.tags if tag == "th")
    assert made.count("thead") == made.count("table")
    ids = made.values("id")
    assert len(ids) == len(set(ids)) == 2
    assert made.count("h1") == 1


def with_texts(value: Any, text: str) -> Any:
    """The value with every free text in it replaced; the names of classes, too, but not what a reader checks."""
    kept = {"recipe", "seeds", "fingerprints", "weights_sha256", "correct_bits", "device", "memory_format", "vary"}
    if isinstance(value, dict):
        return {name: each if name in kept else with_texts(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [with_texts(each, text) for each in value]
    return text if isinstance(value, str) else value


def test_no_text_of_a_record_becomes_part_of_the_page() -> None:
    """Scripts, quotes and template code in any free text give the same elements and attributes as plain words."""
    study = {**a_study(), "diverged": [{"folder": "seed-3", "seeds": asdict(Seeds()), "stopped": {"epoch": "2"}}]}
    plain, hostile = (page(with_texts(study, text), seen=text) for text in ("word", HOSTILE))
    assert hostile.tags == plain.tags
    assert hostile.text.count("<script>alert(1)</script>") > 20
    assert "{{ 7 * 7 }}" in hostile.text


# ---- the results ----------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_study_says() -> None:
    """Means, intervals, best epochs, digests, fingerprints and every class: the numbers of study.json."""
    study = a_study()
    text, test = page(study).text, study["test"]
    accuracy, loss = test["accuracy"], test["loss"]
    assert f"{100 * accuracy['mean']:.2f} %" in text
    assert f"95 % interval {100 * accuracy['low']:.2f} % to {100 * accuracy['high']:.2f} %" in text
    assert f"standard deviation {100 * accuracy['sd']:.2f} points" in text
    assert f"{loss['mean']:.4f} mean; 95 % interval {loss['low']:.4f} to {loss['high']:.4f}" in text
    assert "0.7100 mean; in epochs 3 to 3" in text  # the mean of 0.70, 0.71, 0.72
    for c in test["per_class"]:
        mean, low, high = (100 * c[name] for name in ("mean", "low", "high"))
        assert f"{c['name']} {mean:.1f} % {low:.1f}–{high:.1f}" in text  # noqa: RUF001 - as it is set
    for run in study["runs"]:
        test = run["test"]
        row = f"{run['seeds']['init']} {test['correct'] / 10:.2f} % {test['loss']:.4f} 3 3.0"
        assert f"{row} {run['epochs'][-1]['weights_sha256']}" in text
    assert f"training 50,000 {'a' * 64} test 1,000 {'b' * 64}" in text
    assert "Changed from the recipe: epochs 3." in text
    assert "epochs 3 changed from 30" in text


def test_the_confusion_matrix_is_of_all_runs() -> None:
    """Each cell is the share of the true class over all runs; the most frequent confusion is named."""
    study = a_study()
    for run in study["runs"]:
        run["test"]["confusion"] = np.diag([100] * 10).tolist()
    study["runs"][0]["test"]["confusion"][3] = [0, 0, 0, 70, 0, 30, 0, 0, 0, 0]
    text = page(study).text
    assert "cat 0 0 0 90.0 0 10.0 0 0 0 0 deer" in text
    assert "Most frequent cat taken for dog 10.0 % of its images" in text


def test_a_single_run_claims_nothing_about_seeds() -> None:
    """No mean, no deviation: the interval is Wilson's, of the finite test set, and it says so."""
    study = one_run()
    made = page(study)
    correct = study["runs"][0]["test"]["correct"]
    assert f"{correct / 10:.2f} % {correct} of 1,000 images" in made.text
    assert "standard deviation" not in made.text
    assert "Wilson" in made.text


@pytest.mark.parametrize(
    ("data", "label", "compares"),
    [
        ({}, "Official CIFAR-10 (md5 checked)", True),
        (
            {"official": False},
            "Data not checked to be official CIFAR-10 (binary) : no md5 sum vouches for these images, so nothing here "
            "is a reproduction",
            True,
        ),
        ({"official": False, "kind": "synthetic", "path": None}, "Synthetic data, not CIFAR-10", False),
    ],
)
def test_the_page_says_first_what_the_data_is(data: dict[str, Any], label: str, compares: bool) -> None:
    """The data's label stands before any result; beside drawn pictures nothing published is shown."""
    made = page(a_study(**data))
    assert label in re.sub(r" ?: ", " : ", made.text[: made.text.index("Test accuracy")])
    assert ("published: 74.51 %" in made.text) == compares
    assert ("diamond" in made.values("class")) == compares
    assert ("Verdict" in made.words) == compares
    if not data.get("official", True) and compares:
        assert "This is no verdict on the published result" in made.text
    assert "reproduced" not in made.text.lower()


@pytest.mark.parametrize(("outcome", "sign"), [(INCONCLUSIVE, "–"), (CONSISTENT, "✓")])  # noqa: RUF001 - as it is set
def test_an_inconclusive_verdict_ticks_nothing(outcome: str, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be said as a whole, no comparison is marked as one that holds."""
    verdict = Verdict(outcome, [Check("test accuracy", True, "it is inside")], ["Mind the data"])
    monkeypatch.setattr("cifar_repro.report.page.with_published", lambda *arguments: verdict)
    assert f"Mind the data. {sign} Test accuracy : it is inside." in page(a_study()).text.replace(
        "accuracy:", "accuracy :"
    )


@pytest.mark.parametrize(
    ("recipe", "charts", "published"),
    [
        ("udacity", 2, ["published: 74.51 %"]),
        ("pytorch-blitz", 1, ["published: 55 to 56 %", "32 to 33 %"]),  # the second is the class dog
        ("keras-cnn", 3, ["published: 74.5 to 75.5 %"]),
    ],
)
def test_every_recipe_is_drawn_with_what_it_measures(recipe: str, charts: int, published: list[str]) -> None:
    """Validation loss or none, running losses, accuracies, each with what was published, ranges written alike."""
    made = page(a_study(recipe=recipe, epochs=RECIPES[recipe].epochs))
    assert made.count("svg") == charts + 3
    assert [text for text in published if text not in made.text] == []
    classes = [word for value in made.values("class") for word in value.split()]
    assert classes.count("run") == 3 * charts
    assert classes.count("published") >= 2  # a curve, and the number beside the result
    assert ("Shaded" in made.text) == ("band" in classes), "the page explains what it shows"


def test_published_running_losses_stand_at_their_own_steps() -> None:
    """With twice the batch size our epochs have half as many steps; those of the published runs stay as they were."""
    study = a_study(recipe="pytorch-blitz", epochs=2)
    study["recipe"]["batch_size"] = 8
    (chart,) = curves(study, published_of(study["recipe"], study["data"]), None)
    assert [x for x, _ in chart.runs[0][5:7]] == [12.0, 8.25]  # thousands: the sixth mean, then the next epoch's first
    assert [[line[0][0], line[-1][0]] for line in chart.published] == [[2.0, 24.5]] * 2


def test_a_run_without_a_test_is_told_as_one() -> None:
    """An unfinished run is shown as far as it is, and no result is made up."""
    whole = one_run()
    record = {**whole["runs"][0], "recipe": whole["recipe"], "data": whole["data"], "test": None}
    record["epochs"] = record["epochs"][:1]
    record["best"] = {"epoch": 1, "valid_loss": 2.1}
    made = page(of_run(record))
    assert "The run is not complete: 1 of 3 epochs, and no test yet." in made.text
    assert "Test accuracy" not in made.text
    nothing = page(of_run({**record, "epochs": [], "best": None}))
    assert "The run is not complete: 0 of 3 epochs" in nothing.text


def test_runs_that_diverged_are_told() -> None:
    """A study without one of its seeds says which and where."""
    lost = {"folder": "seed-3", "seeds": asdict(Seeds.all(3)), "stopped": {"epoch": 2, "phase": "training"}}
    made = page({**a_study(), "diverged": [lost]})
    assert "seed-3 diverged in epoch 2: it is left out of all that follows." in made.text


def test_several_results_are_side_by_side() -> None:
    """A table on top leads to a section for each."""
    made = page(a_study(), a_study(recipe="pytorch-blitz", epochs=2), one_run())
    assert "3 results side by side" in made.text
    assert [value for value in made.values("href") if value.startswith("#")] == [f"#result-{k}" for k in (1, 2, 3)]
    assert made.count("article") == 3


def test_pictures_say_what_they_show() -> None:
    """Right and wrong differ by sign and frame; no probability is shown as certainty."""
    made = page(a_study(), seen=some_pictures())
    assert "Test image 1: automobile, taken for deer" in made.values("alt")
    assert "✗ deer (automobile)" in made.text
    assert "✓ airplane" in made.text
    assert "as dog, >99.9 %" in made.text
    assert made.values("class").count("picture wrong") == 4


def test_missing_pictures_are_told(tmp_path: Path) -> None:
    """Without the weights, and without the data, the report is made and says why there are no pictures."""

    def no_data() -> Any:
        raise InputError("data: 'gone' is no folder: give one")

    why = see(tmp_path, a_study(), no_data)
    assert "data: 'gone' is no folder" in page(a_study(), seen=why).text
    assert page(a_study(), seen=why).count("img") == 0


# ---- how to repeat it -----------------------------------------------------------------------------------------------


def parsed(command: str) -> Any:
    words = shlex.split(command)
    assert words[0] == "cifar-repro"
    return make_parser().parse_args(words[1:])


def test_the_command_of_a_run_gives_its_recipe_and_seeds() -> None:
    """Read by the command line itself, changed fields, seeds, threads, device and memory format are the record's."""
    run = one_run()
    changes = {"epochs": 3, "dropout": 0.5, "learning_rate": 1e-05, "augmentation": "flip-rotate"}
    changed = RECIPES["udacity"].with_changes(changes)
    run["recipe"] = {**asdict(changed), "overridden": changed.changes()}
    run["runs"][0]["seeds"] = {"split": 1, "init": 2, "order": 3, "dropout": 4}
    run["runs"][0]["environment"] = ENVIRONMENT | {"threads": 7, "memory_format": "channels_last"}
    (command,) = commands(run)
    options = parsed(command)
    recipe, seeds, device, memory_format = experiment(options)
    assert recipe == recipe_of(run) == changed
    assert asdict(seeds) == run["runs"][0]["seeds"]
    assert (options.threads, str(device), memory_format) == (7, "cpu", "channels_last")
    assert options.data == "DATA"
    assert command in page(run).text


@pytest.mark.parametrize("vary", [None, "init"])
def test_the_command_of_a_study_gives_its_runs(vary: str | None) -> None:
    """Read by the command line itself, it plans the very seeds, those that diverged included."""
    study = a_study(4, first=5)
    study["vary"] = vary
    if vary:
        for run in study["runs"]:
            run["seeds"] = {"split": 8, "init": run["seeds"]["init"], "order": 9, "dropout": 9}
    lost = study["runs"].pop(2)
    study["diverged"] = [{"folder": lost["folder"], "seeds": lost["seeds"]}]
    (command,) = commands(study)
    options = parsed(command)
    plan, _, _ = plan_of(options)
    planned = [asdict(job.seeds) for job in (plan.jobs() if vary is None else replace(plan, vary=vary).jobs())]
    assert options.vary == vary
    assert planned == [run["seeds"] for run in (*study["runs"][:2], lost, *study["runs"][2:])]
    assert plan.recipe == recipe_of(study)


def test_seeds_that_do_not_follow_one_another_are_runs_of_their_own() -> None:
    """No command of `study` gives seeds 0, 1 and 5: there is one of `run` for each."""
    study = a_study(3)
    study["runs"][2]["seeds"] = asdict(Seeds.all(5))
    assert [parsed(command).seed for command in commands(study)] == [0, 1, 5]


# ---- what is read ---------------------------------------------------------------------------------------------------


def all_keys(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all entries, of lists only the first."""
    if isinstance(value, dict):
        return [found for name in value for found in ((*path, name), *all_keys(value[name], (*path, name)))]
    return all_keys(value[0], (*path, 0)) if isinstance(value, list) and value else []


def test_a_study_that_lacks_anything_is_refused_or_drawn(tmp_path: Path) -> None:
    """Whatever entry of a study.json is missing or of another type, it is refused as InputError, or can be drawn."""
    whole, drawn = a_study(2, epochs=1), 0
    keys = all_keys(whole)
    for path in keys:
        for instead in ("missing", [7]):
            study = copy.deepcopy(whole)
            at: Any = study
            for name in path[:-1]:
                at = at[name]
            if instead == "missing":
                del at[path[-1]]
            else:
                at[path[-1]] = instead
            (tmp_path / "study.json").write_text(json.dumps(study))
            with contextlib.suppress(InputError):
                read = read_results(tmp_path)
                drawn += 1
                try:
                    page(read)
                except Exception as error:
                    pytest.fail(f"{path} {instead}: {type(error).__name__}: {error}")
    assert 0 < drawn < len(keys) / 4

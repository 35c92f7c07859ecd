"""The report says what the records say, on whatever data and recipe."""

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from cifar_repro.core import official
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.formats import plain
from cifar_repro.report.charts import curves, percent
from cifar_repro.report.page import see
from cifar_repro.report.parts import section
from cifar_repro.report.published import Published, published_of
from cifar_repro.report.tables import epochs
from cifar_repro.verdicts.verdict import CONSISTENT, INCONCLUSIVE, NOT_CONSISTENT, Check, Verdict
from tests.make_studies import FINGERPRINTS, make_study, summed_up
from tests.report.pages import ENVIRONMENT, a_study, one_run, page, some_pictures, whole

OTHER = {"official": False, "fingerprints": FINGERPRINTS}  # what a study says of other images
STOPPED = {"epoch": 2, "phase": "training", "step": 1, "loss": "nan"}


def test_the_page_says_what_the_study_says() -> None:
    """Means, ranges of three seeds, best epochs, digests, fingerprints and every class: the numbers of study.json."""
    study, tested = a_study(), [2, 1, 3]
    for run, epoch in zip(study["runs"], tested, strict=True):
        run["best"] = {"epoch": epoch, "valid_loss": run["epochs"][epoch - 1]["valid_loss"]}
    text, test = page(study).text, plain(whole(study).test)
    accuracy, loss = test["accuracy"], test["loss"]
    assert f"{100 * accuracy['mean']:.2f} %" in text
    tests = [run["test"] for run in study["runs"]]
    low, high = (100 * end([t["correct"] / t["total"] for t in tests]) for end in (min, max))
    assert f"mean; from {low:.2f} % to {high:.2f} %" in text
    assert f"standard deviation {100 * accuracy['sd']:.2f} points" in text
    losses = [t["loss"] for t in tests]
    assert f"{loss['mean']:.4f} mean; from {min(losses):.4f} to {max(losses):.4f}" in text
    assert "1.2933 mean; in epochs 1 to 3" in text  # the mean of 1.05, 2.11, 0.72
    assert "published: 0.7596, epoch 23 Verdict" in text  # the lowest one of 30
    for k, c in enumerate(test["per_class"]):
        shares = [100 * t["per_class"][k]["correct"] / t["per_class"][k]["total"] for t in tests]
        mean, low, high = 100 * c["mean"], min(shares), max(shares)
        assert f"{c['name']} {mean:.1f} % {low:.1f}–{high:.1f}" in text  # noqa: RUF001 - as it is set
    for run, epoch in zip(study["runs"], tested, strict=True):
        test = run["test"]
        row = f"{run['seeds']['init']} {test['correct'] / 10:.2f} % {test['loss']:.4f} {epoch} 3.3"  # 3 times 66 s
        assert f"{row} {run['epochs'][epoch - 1]['weights_sha256']}" in text
    train, test = official.FINGERPRINTS.values()
    assert f"training 50,000 {train} test 1,000 {test}" in text
    assert "Changed from the recipe: epochs 3." in text
    assert "epochs 3 changed from 30" in text


def test_the_confusion_matrix_is_of_all_runs() -> None:
    """Each cell is the share of the true class over all runs; the three most frequent confusions are named."""
    study = a_study()
    for run in study["runs"]:
        run["test"]["confusion"] = np.diag([100] * 10).tolist()
    study["runs"][0]["test"]["confusion"][3] = [0, 0, 0, 70, 0, 30, 0, 0, 0, 0]
    study["runs"][1]["test"]["confusion"][0] = [94, 0, 0, 0, 0, 0, 0, 0, 6, 0]
    study["runs"][2]["test"]["confusion"][5] = [0, 0, 0, 15, 0, 82, 0, 3, 0, 0]
    text = page(study).text
    assert "cat 0 0 0 90.0 0 10.0 0 0 0 0 deer" in text
    most = ["cat taken for dog 10.0 %", "dog taken for cat 5.0 %", "airplane taken for ship 2.0 %"]
    assert f"Most frequent {' of its images '.join(most)} of its images" in text


def test_a_single_run_claims_nothing_about_seeds() -> None:
    """No mean, no deviation: the interval is Wilson's, of the finite test set, and it says so."""
    study = one_run()
    made = page(study)
    correct = study["runs"][0]["test"]["correct"]
    assert f"{correct / 10:.2f} % {correct} of 1,000 images" in made.text
    assert "standard deviation" not in made.text
    assert "Wilson" in made.text


@pytest.mark.parametrize(
    ("vary", "seeds", "said"),
    [
        (None, [3], "seed 3"),
        (None, [0, 1, 2], "3 seeds (0 to 2)"),
        (None, [0, 1, 5], "3 seeds (0, 1, 5)"),
        ("dropout", [5, 6], "2 seeds of the dropout alone (5 to 6)"),
    ],
)
def test_the_seeds_are_told_one_by_one_where_they_do_not_follow(vary: str | None, seeds: list[int], said: str) -> None:
    """And of a study of one source of randomness they are those of that source."""
    study = a_study(len(seeds)) | {"vary": vary}
    for run, seed in zip(study["runs"], seeds, strict=True):
        run["seeds"] = asdict(Seeds.all(7)) | {vary: seed} if vary else asdict(Seeds.all(seed))
    assert section(whole(study))["seeds"] == said


@pytest.mark.parametrize(
    ("processor", "said"), [({"threads": 2}, "a CPU, 2 threads."), ({"gpu": "a GPU", "device": "cuda:0"}, "a GPU.")]
)
def test_it_is_told_what_was_run_on_what(processor: dict[str, Any], said: str) -> None:
    """A processor with its threads, a GPU without."""
    study = one_run()
    study["runs"][0]["environment"] = ENVIRONMENT | processor
    ran = "One run of 3 epochs on 50,000 training images and 1,000 test images"
    assert section(whole(study))["line"] == f"{ran}; torch 2.14.1+cpu, {said}"


def test_what_the_variance_is_made_of_is_told_in_shares_and_points() -> None:
    """The share of the test set with its interval, and of the rest a standard deviation."""
    study = whole(a_study(5))
    shares = {"test_set_share": 0.25, "test_set_share_low": 0.1, "test_set_share_high": 0.6}
    assert study.variance is not None
    parts = structs.replace(study.variance, networks=0.0004, **shares)
    said = section(structs.replace(study, variance=parts))["spread_note"].replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "Of the variance of the accuracy between seeds, 25 % (10 % to 60 %) is there because there are only" in said
    assert said.endswith("1,000 test images; the networks themselves differ by a standard deviation of 2.00 points.")


@pytest.mark.parametrize(
    ("data", "label", "compares"),
    [
        ({}, "Official CIFAR-10 : all images and labels have the official fingerprints", True),
        (
            OTHER | {"reordered": True},
            "Official images, in another order : seeds shuffle them anyway, so results compare with published ones; "
            "the bits of a run do not",
            True,
        ),
        (
            OTHER,
            "Data that is not official CIFAR-10 (binary) : not the official bytes, so nothing here is a reproduction",
            True,
        ),
        (OTHER | {"kind": "synthetic", "path": None}, "Synthetic data, not CIFAR-10", False),
    ],
)
def test_the_page_says_first_what_the_data_is(data: dict[str, Any], label: str, compares: bool) -> None:
    """The data's label stands before any result; beside drawn pictures nothing published is shown."""
    made = page(a_study(**data))
    assert label in re.sub(r" ?: ", " : ", made.text[: made.text.index("Test accuracy")])
    assert ("published: 74.51 %" in made.text) == compares
    assert ("diamond" in made.values("class")) == compares
    assert ("Verdict" in made.words) == compares
    no_verdict = compares and "not official" in label
    assert ("This is no verdict on the published result" in made.text) == no_verdict
    assert ("The runs are on official images, in another order" in made.text) == ("reordered" in data)
    assert "reproduced" not in made.text.lower()


@pytest.mark.parametrize(
    ("outcome", "holds", "sign"),
    [
        (INCONCLUSIVE, True, "–"),  # noqa: RUF001 - as it is set
        (INCONCLUSIVE, False, "–"),  # noqa: RUF001 - as it is set
        (CONSISTENT, True, "✓"),
        (CONSISTENT, None, "–"),  # noqa: RUF001 - as it is set
        (NOT_CONSISTENT, False, "✗"),
    ],
)
def test_what_holds_is_ticked_and_what_does_not_crossed_but_of_no_inconclusive_verdict(
    outcome: str, holds: bool | None, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be said as a whole, no comparison is marked as one that holds, or does not."""
    verdict = Verdict(outcome, [Check("test accuracy", holds, "it is there")], ["Mind the data"])
    monkeypatch.setattr("cifar_repro.report.page.with_published", lambda *arguments: verdict)
    assert f"Mind the data. {sign} Test accuracy : it is there." in page(a_study()).text.replace(
        "accuracy:", "accuracy :"
    )


@pytest.mark.parametrize(
    ("recipe", "charts", "published"),
    [
        ("udacity", [2], ["published: 74.51 %"]),
        ("pytorch-blitz", [1], ["published: 55 to 56 %", "32 to 33 %"]),  # the second is the class dog
        ("keras-cnn", [2, 1], ["published: 74.5 to 75.5 %"]),
    ],
)
def test_every_recipe_is_drawn_with_what_it_measures(recipe: str, charts: list[int], published: list[str]) -> None:
    """Validation loss or none, running losses, accuracies, each with what was published, ranges written alike."""
    made = page(a_study(recipe=recipe, epochs=RECIPES[recipe].epochs))
    assert made.count("svg") == 2 * len(charts) + 3  # curves are there for wide and for narrow places
    assert [text for text in published if text not in made.text] == []
    classes = [word for value in made.values("class") for word in value.split()]
    assert classes.count("run") == 2 * 3 * sum(charts)
    assert classes.count("published") >= 2  # a curve, and the number beside the result
    assert ("Shaded" in made.text) == ("band" in classes), "the page explains what it shows"
    assert ("published points apart" in made.text) == (recipe != "keras-cnn"), "of its classes nothing was published"


def test_a_class_within_its_published_range_is_no_points_apart() -> None:
    """The table says 0, with no sign, as of what rounds to it, and a dash only where nothing is known."""
    study = a_study(1, recipe="pytorch-blitz")
    study["runs"][0]["test"]["per_class"][5] = {"name": "dog", "correct": 65, "total": 200}
    assert re.search(r"dog 32\.5 % \S+ 32 to 33 % 0\.0 frog", page(study).text)
    run = one_run()
    run["runs"][0]["test"]["per_class"][:2] = [
        {"name": "airplane", "correct": 8_159, "total": 10_000},  # published: 81.6 %
        {"name": "automobile", "correct": 871, "total": 1_000},  # published: 88.1 %
    ]
    shown = page(run).text
    assert re.search(r"airplane 81\.6 % \S+ 81\.6 % 0\.0 automobile 87\.1 % \S+ 88\.1 % \N{MINUS SIGN}1\.0 bird", shown)


def test_what_was_published_of_a_class_is_found_whatever_it_is_called() -> None:
    """PyTorch's tutorial calls the first two plane and car; it cuts off what is behind the point."""
    study = whole(a_study(1, recipe="pytorch-blitz"))
    published = [row["published"] for row in section(study)["classes"]["rows"]]
    printed = [75, 71, 35, 55, 52, 32, 55, 60, 63, 49]
    assert published == [pytest.approx((n / 100, (n + 1) / 100)) for n in printed]


def test_published_numbers_stand_beside_those_of_their_epoch() -> None:
    """In the table of epochs; where nothing was published for an epoch, there is none."""
    study = summed_up(make_study([60.0, 61.0]))
    known = Published(["source"], {"train_loss": [[(1, 2.5), (2, 1.5)]], "valid_loss": [[(2, 1.25)]]})
    rows = epochs(study, known)
    assert [row["train_loss"][1] for row in rows] == [2.5, 1.5, *[None] * (len(rows) - 2)]
    assert [row["valid_loss"][1] for row in rows] == [None, 1.25, *[None] * (len(rows) - 2)]
    assert [row["train_loss"][0] for row in rows] == [epoch.train_loss for epoch in study.epochs]


def test_published_running_losses_stand_at_their_own_steps() -> None:
    """With twice the batch size our epochs have half as many steps; published means stand in the published epochs."""
    study = a_study(recipe="pytorch-blitz", epochs=2)
    study["recipe"]["batch_size"] = 8
    made = whole(study)
    (chart,) = curves(made, published_of(made.recipe, made.data), None)
    (training,) = chart.series
    # Our epochs have 6,250 steps, the published ones 12,500; a mean is of 2,000 steps.
    assert [x for x, _ in training.runs[0][:2]] == [2_000 / 6_250, 4_000 / 6_250]
    assert [x for x, _ in training.runs[0][6:7]] == [1 + 2_000 / 6_250]
    published = [(line[0][0], line[-1][0]) for line in training.published]
    assert published == [pytest.approx((2_000 / 12_500, 24_500 / 12_500))] * 2


def test_a_run_without_a_test_is_told_as_one() -> None:
    """An unfinished run is shown as far as it is, and no result is made up."""
    study = one_run()
    run = study["runs"][0]
    run |= {"test": None, "epochs": run["epochs"][:1], "best": {"epoch": 1, "valid_loss": 2.1}}
    made = page(study)
    assert "The run is not complete: 1 of 3 epochs, and no test yet." in made.text
    assert "Test accuracy" not in made.text
    run |= {"epochs": [], "best": None}
    nothing = page(study)
    assert "The run is not complete: 0 of 3 epochs" in nothing.text


def test_runs_that_diverged_are_told() -> None:
    """A study without one of its seeds says which and where."""
    lost = {"folder": "seed-3", "seeds": asdict(Seeds.all(3)), "stopped": STOPPED}
    made = page({**a_study(), "diverged": [lost]})
    assert "seed-3 diverged in epoch 2: it is left out of all that follows." in made.text


@pytest.mark.parametrize(("data", "none"), [({}, 0), (OTHER | {"reordered": True}, 0), (OTHER, 2)])
def test_side_by_side_other_data_has_no_verdict_on_the_published_result(data: dict[str, Any], none: int) -> None:
    """The table on top says so of each result that is on other images, and not of official ones in another order."""
    made = page(a_study(**data), a_study(recipe="pytorch-blitz", epochs=2, **data))
    assert made.text.count("no verdict on the published result: other data") == none


def test_pictures_say_what_they_show() -> None:
    """Right and wrong differ by sign and frame; no probability is shown as certainty."""
    made = page(a_study(), seen=some_pictures())
    assert "Test image 1: automobile, taken for deer" in made.values("alt")
    assert "✗ deer (automobile)" in made.text
    assert "✓ airplane" in made.text
    assert "as dog, >99.9 %" in made.text
    assert made.values("class").count("picture wrong") == 4


@pytest.mark.parametrize(
    ("runs", "wrong_in", "says"),
    [
        (1, [1, 1, 1], "Of all test images that the network gets wrong"),
        (3, [3, 3, 3], "Of all test images that all 3 networks get wrong"),
        (3, [3, 3, 2], "Of all test images that at least 2 of the 3 networks get wrong"),
        (3, [], "Of all test images that all 3 networks get wrong"),
    ],
)
def test_of_confused_images_it_is_told_how_many_networks_get_all_of_them_wrong(
    runs: int, wrong_in: list[int], says: str
) -> None:
    """The one that the fewest get wrong decides."""
    seen = some_pictures()
    confused = replace(seen.confused.take(np.arange(len(wrong_in))), wrong_in=np.array(wrong_in, dtype=int))
    assert says in page(a_study(runs), seen=replace(seen, confused=confused)).text


def test_missing_pictures_are_told(tmp_path: Path) -> None:
    """Without the weights, and without the data, the report is made and says why there are no pictures."""

    def no_data() -> Any:
        raise InputError("data: 'gone' is no folder: give one")

    why = see(tmp_path, whole(a_study()), no_data)
    assert "data: 'gone' is no folder" in page(a_study(), seen=why).text
    assert page(a_study(), seen=why).count("img") == 0


@pytest.mark.parametrize(("seeds", "few"), [(4, True), (5, False)])
def test_fewer_than_five_seeds_are_shown_with_their_range(seeds: int, few: bool) -> None:
    """In large type, in the chart of the accuracy and by class: the lowest and the highest, and no interval."""
    shown = section(summed_up(make_study([60.0, 75.0, 70.0, 62.0, 70.0][:seeds])))
    tile = shown["tiles"][0]["detail"]
    assert tile.startswith(f"mean; from {percent(0.6)} to {percent(0.75)}; " if few else "mean; 95 % interval ")
    assert shown["classes"]["interval"] == ("lowest to highest" if few else "95 % interval")
    row = shown["classes"]["rows"][0]
    assert ((row["low"], row["high"]) == (0.6, 0.75)) is few
    assert ("mean, 95 %" not in shown["spreads"][0]) is few
    assert ("too few for an interval" in shown["spread_note"]) is few

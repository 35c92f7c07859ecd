"""Studies, and verdicts on them."""

import json
import math
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.runs.record import Stopped
from cifar_repro.studies import text as study_text
from cifar_repro.studies.study import Plan
from cifar_repro.studies.study_file import Diverged
from cifar_repro.verdicts import text as verdict_text
from cifar_repro.verdicts.with_published import with_published
from tests.make_studies import as_study, make_study, summed_up, write_study

ACCURACIES = [73.8, 74.1, 73.2, 73.5, 74.4]


def study(accuracies: list[float] = ACCURACIES, epochs: int = 2, **more: Any) -> dict[str, Any]:
    """Runs whose losses and classes differ a little, by a rule."""
    n = len(accuracies)
    wave = np.sin(np.arange(n * epochs * 2)).reshape(n, epochs, 2)
    falling = 2 - 0.4 * np.arange(epochs)[:, None] + np.array([0.0, -0.2])
    classes = np.array(accuracies)[:, None] + 5 * np.cos(np.arange(n * 10)).reshape(n, 10)
    losses = [0.75 + 0.01 * math.sin(i) for i in range(n)]
    return make_study(
        accuracies, curves=falling * (1 + 0.01 * wave), test_losses=losses, per_class=classes.round(1), **more
    )


def against() -> Iterator[str]:
    """Two studies: each rung, and what keeps from it."""
    first = study()
    bit, other_test, shorter = (deepcopy(first) for _ in range(3))
    bit["runs"][2]["epochs"][0]["valid_loss"] *= 1 + 1e-9
    other_test["runs"][4]["test"]["loss"] *= 1 + 1e-7
    shorter["recipe"]["epochs"] = 1
    for run in shorter["runs"]:
        del run["epochs"][1:]
        run["best"] = {"epoch": 1, "valid_loss": run["epochs"][0]["valid_loss"]}
    ends = deepcopy(bit)
    for run in ends["runs"]:
        run["test"]["correct"] -= 200
    beyond = deepcopy(first)
    beyond["runs"][1]["epochs"][0]["train_loss"] *= 1.01
    varied = {**deepcopy(first), "vary": "init"}
    for seed, run in enumerate(varied["runs"]):
        run["seeds"] = {"split": 0, "init": seed, "order": 0, "dropout": 0}
    other = {**deepcopy(varied)}
    for run in other["runs"]:
        run["seeds"] = {**run["seeds"], "split": 1}
    elsewhere = study([74.0, 74.3, 73.4, 73.9, 74.2], first_seed=50)
    for run in elsewhere["runs"]:
        run["environment"] |= {"torch": "2.13.0", "threads": 2}
    studies = {
        "first": first,
        "bit": bit,
        "test": other_test,
        "beyond": beyond,
        "ends": ends,
        "images": study(official=False),
        "shorter": shorter,
        "few": study(ACCURACIES[:3]),
        "near": elsewhere,
        "small": study([75.0, 75.1, 74.9, 75.0, 75.1], first_seed=60),
        "far": study([70.1, 70.4, 69.8, 70.2, 70.3], first_seed=70),
        "apart": study([72.9, 73.1, 72.6, 72.8, 73.0], first_seed=80),
        "wide": study([70.0, 76.5, 72.0, 75.0, 74.5], first_seed=90),
        "one": study([73.0], first_seed=95),
        "alike": study([73.0, 73.0, 73.0], first_seed=97),
        "varied": varied,
        "other": other,
    }
    for name, content in studies.items():
        write_study(Path(name), content)
    for name in ("first", "bit", "test", "beyond", "ends", "images", "shorter", "few"):
        yield f"cifar-repro verdict first --against {name}"
    for name in ("near", "small", "far", "apart", "wide", "one"):
        yield f"cifar-repro verdict first --against {name} --margin 1.2"
    content = json.loads(Path("one/study.json").read_text())
    for name, changes in {"later": {"study": 2}, "none": {"runs": [], "test": None, "variance": None}}.items():
        Path(name).mkdir()
        Path(name, "study.json").write_text(json.dumps({**content, **changes}))
        yield f"cifar-repro verdict {name}"
        yield f"cifar-repro verdict {name}/study.json"
    yield "cifar-repro verdict gone"
    yield "cifar-repro verdict first --against gone"
    yield "cifar-repro verdict first --margin 2"
    yield "cifar-repro verdict first --against near --margin 0"
    yield "cifar-repro verdict first --published nothing"
    yield "cifar-repro verdict alike --against alike"
    yield "cifar-repro verdict one --against alike"
    yield "cifar-repro verdict varied --against varied"
    yield "cifar-repro verdict varied --against other"
    yield "cifar-repro verdict first --against varied"
    for name in ("first", "bit", "test", "beyond", "few", "near", "far", "wide", "one"):
        yield f"cifar-repro verdict first --against {name} --json"
    for name in ("few", "near", "far", "wide"):
        yield f"cifar-repro verdict first --against {name} --markdown"


def published_run(shift: float = 0.0, epochs: int = 2) -> dict[str, Any]:
    """A published run of so many epochs."""
    run = study([73.9 + shift], epochs)["runs"][0]
    for e in run["epochs"]:
        e["train_loss"] -= shift / 100
    return {"epochs": run["epochs"], "test": run["test"]}


def of_keras_cnn() -> dict[str, Any]:
    """A study whose validation tells accuracies."""
    made = study([63.0, 63.5, 62.5, 64.0, 63.0], recipe="keras-cnn")
    for i, run in enumerate(made["runs"]):
        for e in run["epochs"]:
            e["valid_accuracy"] = 0.59 + 0.01 * e["epoch"] + 0.001 * i
    made["recipe"]["epochs"] = 25
    return made


def of_pytorch_blitz() -> dict[str, Any]:
    """A study with running losses, and without validation."""
    made = study([54.5, 55.5, 54.0, 55.0, 56.0], recipe="pytorch-blitz")
    for i, run in enumerate(made["runs"]):
        for e in run["epochs"]:
            losses = [2.4 - 0.2 * n - 0.6 * e["epoch"] + 0.01 * math.sin(i + n) for n in range(6)]
            e |= {"valid_loss": None, "running_loss": losses}
        run["best"] = {"epoch": 2, "valid_loss": None}
    return made


def blitz_runs() -> Iterator[dict[str, Any]]:
    """Two published runs: one of running losses alone, one with whole percents that were cut."""
    losses = [
        {"epoch": e, "minibatch": 2_000 * (n + 1), "loss": round(2.4 - 0.2 * n - 0.6 * e, 3)}
        for e in (1, 2)
        for n in range(6)
    ]
    yield {"running_loss": losses}
    classes = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    percents = {name: 55 + 10 * (name == "ship") for name in classes}
    higher = [{**step, "loss": step["loss"] + 0.2 * (step["epoch"] == 2)} for step in losses]
    yield {"running_loss": higher, "test_accuracy_percent": 54, "per_class_percent": percents}


def published() -> Iterator[str]:
    """A study beside a published run and other people's runs, and what a reader must know besides."""
    changed_recipe = study()
    whole = {**changed_recipe, "recipe": {**changed_recipe["recipe"], "epochs": 30}}
    known = {"recipe": "udacity", **published_run()}
    others = [published_run(0.3 * math.sin(5 * i)) for i in range(6)]
    without_test = [{"epochs": run["epochs"]} for run in others]
    far = [published_run(4 + 0.3 * math.sin(i)) for i in range(6)]
    of_images = deepcopy(whole)
    of_images["data"] |= {"official": False, "kind": "images"}
    equal = deepcopy(whole)
    for run in equal["runs"]:
        run["test"]["loss"] = 0.75
    with_two, with_one = ({**whole, "runs": whole["runs"][:n]} for n in (2, 1))
    outside = deepcopy(known)
    outside["epochs"][1]["train_loss"] *= 1.2
    longer = {"recipe": "udacity", **published_run(epochs=3)}
    shown: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("as published, others alike", whole, {**known, "others": others}),
        ("others without a test", whole, {**known, "others": without_test}),
        ("others far off", whole, {**known, "others": far}),
        ("two others", whole, {**known, "others": others[:2]}),
        ("another loss", whole, outside),
        ("another accuracy", whole, {**known, **published_run(4)}),
        ("a longer run", whole, longer),
        ("a changed recipe", changed_recipe, known),
        ("images that are not official", of_images, known),
        ("equal test losses", equal, known),
        ("two runs", with_two, known),
        ("one run", with_one, {**known, "others": others}),
        ("another recipe", {**whole, "recipe": {**whole["recipe"], "name": "udacity-augmented"}}, known),
    ]
    one_class = deepcopy(whole)
    for run in one_class["runs"]:
        run["test"]["per_class"][3]["correct"] = 690
    shown.append(("all runs equal in one class", one_class, known))
    ranges = {"recipe": "keras-cnn", "claims": [{"epoch": e, "valid_accuracy_percent": 60 + e} for e in (1, 2, 25)]}
    others_too = [{"claims": [{"epoch": 1, "valid_accuracy_percent": 60 + i}]} for i in range(3)]
    shown.append(("round numbers", of_keras_cnn(), {**ranges, "others": others_too}))
    far_ranges = {"recipe": "keras-cnn", "claims": [{"epoch": 2, "valid_accuracy_percent": 75}]}
    shown.append(("round numbers far off", of_keras_cnn(), far_ranges))
    shown.append(("two published runs", of_pytorch_blitz(), {"recipe": "pytorch-blitz", "runs": [*blitz_runs()]}))
    for title, ours, theirs in shown:
        found = with_published(as_study(ours), theirs)
        compared_with = verdict_text.published(theirs["recipe"], as_study(ours).data)
        yield f"# {title}\n{verdict_text.verdict(found, compared_with)}\n"
        answer = verdict_text.answer(found, compared_with)
        yield "\n".join([answer.headline, *map(str, answer.checks), *answer.notes, ""])
    for title, ours, theirs in (shown[0], shown[4], shown[5], shown[10]):
        yield f"# {title}, as JSON\n{json.dumps(with_published(as_study(ours), theirs).as_json(), indent=1)}\n"


def studies() -> Iterator[str]:
    """What a study prints, and the summaries in its file."""
    for recipe, accuracies in (("udacity", ACCURACIES), ("pytorch-blitz", [54.5, 55.5]), ("udacity", [73.0])):
        made = summed_up(study(accuracies, recipe=recipe))
        yield f"{study_text.result(made)}\n"
    no_trucks = study()
    no_trucks["data"]["counts"]["test"]["truck"] = 0
    for run in no_trucks["runs"]:
        run["test"]["per_class"][9] |= {"correct": 0, "total": 0}
    yield f"{study_text.result(summed_up(no_trucks))}\n"
    lost = Diverged(folder="seed-7", seeds=Seeds.all(7), stopped=Stopped(epoch=1, phase="training", step=3, loss="nan"))
    yield f"{study_text.result(structs.replace(made, diverged=[lost]))}\n"
    yield f"{study_text.result(structs.replace(made, runs=[], diverged=[lost]))}\n"
    by_source = {
        "split": summed_up(study()),
        "init": summed_up(study([73.0, 73.5, 74.5])),
        "order": summed_up(study([73.0, 73.0, 73.0])),
    }
    yield f"{study_text.shares(by_source)}\n"
    for plan in (
        Plan(Path("out"), RECIPES["udacity"], torch="2.14.1"),
        Plan(Path("out"), RECIPES["keras-cnn"], first_seed=3, seeds=2, vary="order", threads=2, torch="2.14.1"),
    ):
        yield f"{study_text.setup(plan, 'up to 2 at a time')}\n"
    for epochs, seconds in ((30, 450.0), (1, 30.0)):
        yield study_text.speed(epochs, 30, seconds)
    write_study(Path("a"), study())
    content = json.loads(Path("a/study.json").read_text())
    yield json.dumps({name: content[name] for name in ("epochs", "test", "variance")}, indent=1)

"""The commands that a report gives to repeat its runs are read as those very runs."""

import shlex
from dataclasses import asdict, replace
from typing import Any

import pytest

from cifar_repro.cli import make_parser
from cifar_repro.commands.options import experiment
from cifar_repro.commands.study import plan_of
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.report.repeat import commands
from tests.report.pages import ENVIRONMENT, a_study, one_run, page, whole


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
    (command,) = commands(whole(run))
    options = parsed(command)
    recipe, seeds, device, memory_format = experiment(options)
    assert recipe == changed
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
    stopped = {"epoch": 1, "phase": "training", "step": 2, "loss": "nan"}
    study["diverged"] = [{"folder": lost["folder"], "seeds": lost["seeds"], "stopped": stopped}]
    (command,) = commands(whole(study))
    options = parsed(command)
    plan, _, _ = plan_of(options)
    planned = [asdict(job.seeds) for job in (plan.jobs() if vary is None else replace(plan, vary=vary).jobs())]
    assert options.vary == vary
    assert planned == [run["seeds"] for run in (*study["runs"][:2], lost, *study["runs"][2:])]
    assert plan.recipe == whole(study).recipe


def test_seeds_that_do_not_follow_one_another_are_runs_of_their_own() -> None:
    """No command of `study` gives seeds 0, 1 and 5: there is one of `run` for each."""
    study = a_study(3)
    study["runs"][2]["seeds"] = asdict(Seeds.all(5))
    assert [parsed(command).seed for command in commands(whole(study))] == [0, 1, 5]

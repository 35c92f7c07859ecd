"""The commands that a report gives to repeat its runs are read as those very runs."""

import shlex
from dataclasses import asdict, replace
from typing import Any

import pytest

from cifar_repro.cli import make_parser
from cifar_repro.commands.options import experiment
from cifar_repro.commands.study import plan_of
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.report.repeat import commands, steps
from cifar_repro.report.tables import environment
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
    """No command of `study` gives seeds 0, 1 and 5, nor four that are not equal: there is one of `run` for each."""
    study = a_study(3)
    study["runs"][2]["seeds"] = asdict(Seeds.all(5))
    options = [parsed(command) for command in commands(whole(study))]
    assert [(made.seed, str(made.out)) for made in options] == [(0, "DIR/seed-0"), (1, "DIR/seed-1"), (5, "DIR/seed-2")]
    study["runs"][2]["seeds"] = {"split": 2, "init": 2, "order": 2, "dropout": 7}
    *_, last = [parsed(command) for command in commands(whole(study))]
    assert asdict(experiment(last)[1]) == study["runs"][2]["seeds"]


def test_one_run_of_two_that_diverged_has_a_folder_of_its_own_too() -> None:
    """Though one alone is left with results: a second run into the folder of the first would be refused."""
    study = a_study(1)
    stopped = {"epoch": 1, "phase": "training", "step": 2, "loss": "nan"}
    study["diverged"] = [{"folder": "seed-1", "seeds": asdict(Seeds.all(1)), "stopped": stopped}]
    options = [parsed(command) for command in commands(whole(study))]
    assert [(made.seed, str(made.out)) for made in options] == [(0, "DIR/seed-0"), (1, "DIR/seed-1")]


CODE: dict[str, Any] = {"version": "0.1.0", "commit": "c" * 40, "changed": False, "source_sha256": "a" * 64}


@pytest.mark.parametrize(
    ("changes", "said", "first"),
    [
        ({}, "cifar-repro 0.1.0 (the commit of the run), with", f"git checkout {'c' * 40}"),
        ({"changed": True}, f"with changes that it does not hold: sources {'a' * 64})", f"git checkout {'c' * 40}"),
        ({"commit": None, "changed": None}, "cifar-repro 0.1.0, with", "python -m pip install"),
    ],
)
def test_the_checkout_is_of_the_code_that_ran(changes: dict[str, Any], said: str, first: str) -> None:
    """Its commit is checked out before it is installed; changes that it lacks are told; without one, a version."""
    run = one_run()
    run["runs"][0]["code"] = [CODE | changes]
    made = steps(whole(run))[0]
    assert said in made["text"]
    assert made["commands"][0].startswith(first)
    assert page(run).text.count("0.1.0 (") >= 1, "the table of the environment tells it, too"


def test_the_versions_are_told_as_an_index_of_packages_has_them() -> None:
    """Of a local build, as torch 2.14.1+cpu is, pip finds none there."""
    run = one_run()
    run["runs"][0]["environment"] = ENVIRONMENT | {"torchvision": "0.29.1+cpu"}
    install = steps(whole(run))[0]["commands"][-1]
    assert install == "python -m pip install -e . torch==2.14.1 torchvision==0.29.1 numpy==2.4.6"


def test_where_the_code_was_not_recorded_none_is_named() -> None:
    """Of a run of an earlier version the page says what it always said."""
    made = steps(whole(one_run()))[0]
    assert made["text"].startswith("In a checkout of cifar-repro, with Python")
    assert len(made["commands"]) == 1


@pytest.mark.parametrize(("seeds", "recorded"), [(1, "RUN"), (2, "STUDY/seed-0")])
def test_verify_is_of_the_record_and_not_of_the_new_run(seeds: int, recorded: str) -> None:
    """What trains again writes to a folder of its own; what is verified is the folder of the report's results."""
    study = a_study(seeds) if seeds > 1 else one_run()
    _, again, verify = steps(whole(study))
    assert [str(parsed(command).out) for command in again["commands"]] == ["DIR"]
    assert [str(parsed(command).run) for command in verify["commands"]] == [recorded]
    assert recorded in verify["text"]


def test_runs_of_different_code_are_told_apart() -> None:
    """The page warns where the sources differ or are not known of all runs, and not where only the commit differs."""
    warning = "not known to be of the same code"
    same, other = CODE | {"commit": "d" * 40}, CODE | {"source_sha256": "b" * 64}
    for second, warns in ([same], False), ([other], True), ([], True), ([CODE, other], True):
        study = a_study(2)
        study["runs"][0]["code"], study["runs"][1]["code"] = [CODE], second
        assert (warning in page(study).text) is warns, second
    assert warning not in page(a_study(2)).text


def test_the_code_is_told_where_some_run_alone_recorded_it() -> None:
    """Be it not the first one; where none did, the table of the environment has no such row."""
    study = a_study(2)
    assert "cifar-repro" not in dict(environment(whole(study)))
    study["runs"][1]["code"] = [CODE]
    assert "0.1.0" in dict(environment(whole(study)))["cifar-repro"]

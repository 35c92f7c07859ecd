"""The published run, a study and other people's runs: which is the odd one."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_repro.cli import main
from cifar_repro.verdicts import text
from cifar_repro.verdicts.verdict import NONE, OTHERS, PUBLISHED, STUDY, Check, Population
from tests.make_studies import make_study, write_study
from tests.verdict_simulation import SPREADS, Runs, as_published, odd_one_outcomes, study_of
from tests.verdicts.published_run import compared

N = 10  # runs of the study, and others


@pytest.fixture
def rows() -> np.ndarray:
    """The published run, ten of a study and ten others, all of one kind."""
    return Runs(SPREADS["normal"])(np.random.default_rng(3), 1 + 2 * N)


def published_of(rows: np.ndarray) -> dict[str, Any]:
    return {**as_published(rows[:1])[0], "others": as_published(rows[1 + N :])}


def found(rows: np.ndarray) -> Population:
    population = compared(study_of(rows[1 : 1 + N]), published_of(rows)).population
    assert population is not None
    return population


def named(checks: list[Check], name: str) -> Check:
    (check,) = (check for check in checks if check.name == name)
    return check


def test_runs_of_one_kind_have_no_odd_one(rows: np.ndarray) -> None:
    """All claims of the published run and of the study hold beside the others."""
    population = found(rows)
    assert (population.odd, population.others) == (NONE, N)
    for checks in (population.published, population.study):
        assert [check.name for check in checks] == [
            "loss curve",
            "mean losses",
            "test accuracy",
            "test loss",
            "accuracy per class",
        ]
        assert all(check.holds for check in checks)


@pytest.mark.parametrize(
    ("odd", "changed"), [(PUBLISHED, slice(0, 1)), (STUDY, slice(1, 1 + N)), (OTHERS, slice(1 + N, None))]
)
def test_the_one_with_other_accuracies_is_the_odd_one(rows: np.ndarray, odd: str, changed: slice) -> None:
    """Four points more, ten standard deviations, and nothing else: only the test accuracy speaks, and it says who."""
    rows[changed, -11] += 4
    population = found(rows)
    assert population.odd == odd
    unlike = {PUBLISHED: (True, False), STUDY: (False, True), OTHERS: (True, True)}[odd]
    for checks, differs in zip((population.published, population.study), unlike, strict=True):
        assert [check.name for check in checks if not check.holds] == ["test accuracy"] * differs


def test_three_that_contradict_one_another_have_no_odd_one_that_could_be_told(rows: np.ndarray) -> None:
    """The published run between a study and others that differ fits both: nobody is called odd."""
    middle = rows[:, -11].mean()
    rows[0, -11], rows[1 : 1 + N, -11], rows[1 + N :, -11] = middle, middle - 0.4, middle + 0.4
    rows[1:, -11] += np.tile([-0.3, 0.3], N)
    population = found(rows)
    assert population.odd is None
    assert not named(population.study, "test accuracy").holds
    assert named(population.published, "test accuracy").holds


def test_what_stands_out_is_named_with_its_numbers(rows: np.ndarray) -> None:
    """The place, both sides with their spread and numbers of runs, and the p-value before and after correction."""
    rows[0, 2 * 16 + 1] += 0.3
    check = named(found(rows).published, "loss curve")
    others = rows[1 + N :, 2 * 16 + 1]
    assert not check.holds
    assert check.sentence.startswith(
        f"of 60 numbers, valid_loss of epoch 17 stands out most: published {rows[0, 33]:.3f}, "
        f"10 others {others.mean():.3f} (sd {others.std(ddof=1):.2g}); p = "
    )
    assert check.numbers["p_adjusted"] == pytest.approx(5 * check.numbers["p"])


def test_the_main_numbers_are_those_of_first_tenth_and_last_epoch_and_of_the_test(rows: np.ndarray) -> None:
    """As they were published, and mean, standard deviation and number of runs of the study and of the others."""
    numbers = found(rows).numbers
    losses = [f"{name} of epoch {e}" for name in ("train_loss", "valid_loss") for e in (1, 10, 30)]
    assert list(numbers) == [*losses, "test accuracy", "test loss"]
    ours = rows[1 : 1 + N, -11]
    shown = numbers["test accuracy"]["study"]
    assert (shown["mean"], shown["sd"], shown["runs"]) == pytest.approx((ours.mean(), ours.std(ddof=1), N), abs=0.01)
    assert numbers["train_loss of epoch 10"]["others"]["mean"] == pytest.approx(rows[1 + N :, 18].mean())
    assert numbers["train_loss of epoch 10"]["published"] == rows[0, 18]


def test_shorter_runs_of_others_count_for_the_epochs_that_they_have(rows: np.ndarray) -> None:
    """Neither their last weights nor the mean of their losses is compared with that of longer runs."""
    published = published_of(rows)
    for run in published["others"][:4]:
        del run["epochs"][10:]  # still with a test, of these ten epochs
    population = compared(study_of(rows[1 : 1 + N]), published).population
    assert population is not None
    runs = {name: row["others"]["runs"] for name, row in population.numbers.items()}
    assert runs == {name: 10 if name.endswith(("epoch 1", "epoch 10")) else 6 for name in runs}
    assert ", 6 others " in named(population.study, "mean losses").sentence


def test_runs_without_a_test_are_compared_by_their_losses(rows: np.ndarray) -> None:
    """Where no other run was tested, the claims of the test are not judged, the others are."""
    published = published_of(rows)
    for run in published["others"]:
        del run["test"]
    population = compared(study_of(rows[1 : 1 + N]), published).population
    assert population is not None
    assert named(population.published, "test accuracy").holds is None
    assert named(population.published, "loss curve").holds
    assert population.odd == NONE
    assert population.numbers["test accuracy"]["others"] is None


@pytest.mark.parametrize("others", [1, 2])
def test_one_or_two_others_say_nothing(rows: np.ndarray, others: int) -> None:
    """Two runs predict nearly anything: which is the odd one is not told, only how far apart they are."""
    published = published_of(rows)
    published["others"] = published["others"][:others]
    population = compared(study_of(rows[1 : 1 + N]), published).population
    assert population is not None
    assert population.odd is None
    assert all(check.holds is None for check in (*population.published, *population.study))
    apart = abs(rows[1 + N, 0] - rows[2 + N, 0])
    sd = population.numbers["train_loss of epoch 1"]["others"]["sd"]
    assert sd == (None if others == 1 else pytest.approx(apart / 2**0.5))


@pytest.mark.parametrize(("runs", "others"), [(1, N), (4, N), (5, N), (N, 4)])
def test_groups_of_fewer_than_five_runs_are_not_compared(rows: np.ndarray, runs: int, others: int) -> None:
    """On neither side: their spread is too little known. The published run is compared with the others all the same."""
    published = published_of(rows)
    del published["others"][others:]
    population = compared(study_of(rows[1 : 1 + runs]), published).population
    assert population is not None
    assert {check.holds for check in population.study} == {None if min(runs, others) < 5 else True}
    assert all(check.holds for check in population.published)
    assert population.odd == (None if min(runs, others) < 5 else NONE)


def test_where_no_others_are_known_none_are_spoken_of(rows: np.ndarray) -> None:
    """The verdict is as without them."""
    verdict = compared(study_of(rows[1 : 1 + N]), as_published(rows[:1])[0])
    assert verdict.population is None
    assert "other" not in text.verdict(verdict, "it")


def test_the_verdict_on_the_published_run_does_not_depend_on_the_others(rows: np.ndarray) -> None:
    """Others tell which is the odd one; whether the published run came out again is between it and the study."""
    with_others = compared(study_of(rows[1 : 1 + N]), published_of(rows))
    without = compared(study_of(rows[1 : 1 + N]), as_published(rows[:1])[0])
    assert (with_others.outcome, with_others.checks) == (without.outcome, without.checks)


def test_the_command_shows_the_others_as_text_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the others that the package knows of `udacity`: the odd one, a table, and why."""
    rows = Runs(SPREADS["normal"])(np.random.default_rng(0), N)
    folder = str(write_study(tmp_path / "a", study_of(rows)))
    assert main(["verdict", folder]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading = next(i for i, line in enumerate(lines) if line.startswith("mean (sd), runs"))
    assert lines[heading].split() == ["mean", "(sd),", "runs", "published", "this", "study", "others"]
    assert lines[heading + 1].startswith("train_loss of epoch 1      2.0668")
    assert any(line.startswith("The published run ") and line.endswith(" the others:") for line in lines)
    assert main(["verdict", folder, "--json"]) == 0
    population = json.loads(capsys.readouterr().out)["population"]
    assert population["others"] >= 12
    assert population["numbers"]["test accuracy"]["study"]["runs"] == N


def test_a_study_of_few_epochs_is_compared_as_far_as_it_goes() -> None:
    """Two epochs: their losses, and no test; the published run of 30 among three others of 30 is cut alike."""
    study = make_study([50.0, 51.0, 50.5])
    curves = [(2.1 + d, 1.8 + d, 1.7 + d, 1.5 + d) for d in (0.0, 0.01, 0.02, 0.03)]
    runs = [
        {"epochs": [{"epoch": 1, "train_loss": a, "valid_loss": b}, {"epoch": 2, "train_loss": c, "valid_loss": d}]}
        for a, b, c, d in curves
    ]
    population = compared(study, {"recipe": "udacity", **runs[0], "others": runs[1:]}).population
    assert population is not None
    assert list(population.numbers) == [f"{n}_loss of epoch {e}" for n in ("train", "valid") for e in (1, 2)]
    assert [check.holds for check in population.published] == [True, True]


@pytest.mark.parametrize("spread", SPREADS)
def test_runs_of_one_kind_are_rarely_said_to_have_an_odd_one(spread: str) -> None:
    """At most 5 % each: an odd one, the published run unlike the others, the study unlike them."""
    draws = 40
    counts = odd_one_outcomes(np.random.default_rng(0), draws, Runs(SPREADS[spread]), 10, 12, NONE, 0, 0)
    chance = 3 * math.sqrt(0.05 * 0.95 / draws)
    for what in (PUBLISHED, STUDY, OTHERS, f"{PUBLISHED} is unlike the others", f"{STUDY} is unlike the others"):
        assert counts[what] / draws <= 0.05 + chance, what


@pytest.mark.parametrize("odd", [PUBLISHED, STUDY, OTHERS])
def test_the_odd_one_is_found_more_often_than_not(odd: str) -> None:
    """1.5 points more and training losses 5 % lower: the right one in most draws, a wrong one in hardly any."""
    draws = 20
    counts = odd_one_outcomes(np.random.default_rng(0), draws, Runs(SPREADS["normal"]), 20, 20, odd, 1.5, -0.05)
    assert counts[odd] / draws > 0.5
    assert sum(counts[other] for other in (PUBLISHED, STUDY, OTHERS) if other != odd) <= 1

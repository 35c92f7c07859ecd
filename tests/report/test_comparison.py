"""Several results on one page: each beside the first, with the numbers of their records, and all of each folded."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from cifar_repro.core.data import ImageSet
from cifar_repro.core.layouts import CLASSES
from cifar_repro.report.comparison import Result, names_of, points
from cifar_repro.report.differences import changed, difference
from cifar_repro.report.page import render
from cifar_repro.report.pictures import Answers, Pictures, Seen
from cifar_repro.statistics import prediction_interval, wilson_interval
from cifar_repro.verdicts.against import against
from tests.make_studies import as_study, make_study
from tests.report.pages import ENVIRONMENT, Page, a_study, html, one_run, page, whole


def a_result(accuracies: list[float], **options: Any) -> Any:
    return as_study(make_study(accuracies, **options))


# ---- the page -------------------------------------------------------------------------------------------------------


def test_of_several_results_the_page_compares_and_folds_the_rest() -> None:
    """All that is about one alone lies in a closed element, to which its name leads; every link leads somewhere."""
    source = html(a_study(), a_study(recipe="pytorch-blitz", epochs=2), one_run())
    made, shown = Page(source), Page(re.sub(r"<details.*?</details>", "", fold(source), flags=re.DOTALL))
    assert "3 results compared" in shown.text
    assert made.count("article") == 3
    assert shown.count("article") == 0
    assert not any(tag == "details" and "open" in names for tag, names in made.tags)
    links = [value.removeprefix("#") for value in made.values("href") if value.startswith("#")]
    assert set(links) <= set(made.values("id"))
    assert [link for link in links if link.startswith("result-")] == ["result-1", "result-2", "result-3"]
    ids = made.values("id")
    assert len(ids) == len(set(ids))


def fold(source: str) -> str:
    """The page without what is folded within a fold, so that an expression can find the outer ones."""
    inner = re.compile(r"<details>(?:(?!<details).)*?</details>", re.DOTALL)
    while inner.search(source):
        source = inner.sub("", source)
    return source


def test_of_one_result_the_page_is_about_that_alone() -> None:
    """It has a table of contents that leads to its sections, and nothing is compared or folded away."""
    made = page(a_study())
    assert made.count("article") == 1
    assert "results compared" not in made.text
    assert "result" not in made.values("class")
    links = [value for value in made.values("href") if value.startswith("#")]
    assert links == [
        f"#{name}" for name in ("verdict", "training", "test", "classes", "confusions", "pictures", "repeat", "exactly")
    ]
    assert {link.removeprefix("#") for link in links} == set(made.values("id"))


def test_one_chart_has_a_line_a_result() -> None:
    """Overlaid, each result has one line of training and one of validation, the means over its seeds."""
    studies = [a_study(3), a_study(2, first=7), one_run()]
    source = html(*studies)
    chart = source[source.index('<div class="narrow">') : source.index("</svg>", source.index('<div class="narrow">'))]
    for index in range(3):
        assert chart.count(f'class="mean thin c{index + 1}"') == 1
        assert chart.count(f'class="mean c{index + 1}"') == 1
    assert 'class="run' not in chart
    means = [np.mean([run["epochs"][2]["train_loss"] for run in study["runs"]]) for study in studies]
    lines = [f"{'epoch 3: ' * (k == 0)}{'ABC'[k]}: training {mean:#.4g}, " for k, mean in enumerate(means)]
    assert [line for line in lines if line not in chart] == []


@pytest.mark.parametrize(
    ("first", "other", "outcome", "says"),
    [
        ([70, 71, 72], [70, 71, 72], "bitwise", "B is A once more"),
        ([70, 71, 72, 71], [60, 61, 62, 60.5], "different", "B is 10.12 points less accurate than A, more than chance"),
        ([60, 61, 62, 60.5], [70, 71, 72, 71], "different", "B is 10.12 points more accurate than A, more than chance"),
        ([70, 70.1] * 5, [70.1, 70.2] * 5, "statistically equivalent", "equally accurate, within 1 point"),
        ([70, 75], [71, 77], "inconclusive", "B is 1.50 points more accurate than A, but these runs cannot tell"),
    ],
)
def test_the_verdict_stands_first_in_plain_words(
    first: list[float], other: list[float], outcome: str, says: str
) -> None:
    """It is that of `verdict --against`, with the difference of the other one from the first, and what would help."""
    a, b = a_result(first), a_result(other, first_seed=0 if first == other else 50)
    found = against(b, a)
    assert found.outcome == outcome
    text = Page(render([Result("A", a, "No pictures."), Result("B", b, "No pictures.")])).text
    assert text.index(f"Verdict: {outcome}") < text.index("Results Means")
    assert says in text
    assert (f"About {found.runs_needed} runs of each would settle it." in text) == (found.runs_needed is not None)
    assert [check.sentence for check in found.checks if check.sentence not in text] == []


def test_that_some_runs_alone_are_close_is_said_with_their_number() -> None:
    """Of all seeds, how many are on both sides."""
    text = Page(
        render([Result(n, a_result([70, 71, 72, 71, 70][:k]), "No pictures.") for n, k in (("A", 5), ("B", 3))])
    )
    assert "B and A differ by no more than rounding explains, in the 3 of 5 runs with equal seeds on both" in text.text


def test_what_cannot_be_judged_says_why() -> None:
    """A run without a test is shown beside the first, with the reason why there is no verdict, and no difference."""
    begun = one_run()
    begun["runs"][0] |= {
        "test": None,
        "epochs": begun["runs"][0]["epochs"][:1],
        "best": {"epoch": 1, "valid_loss": 2.1},
    }
    text = page(a_study(), begun).text
    assert "B cannot be judged beside A. B has no test result and cannot be judged" in text
    assert "Difference from" not in text


def test_what_differs_is_told_and_nothing_else() -> None:
    """Entries of recipe and environment that are not the same, each with all values; those that change bits marked."""
    first, other = a_study(2), a_study(2)
    other["recipe"] |= {"dropout": 0.5, "overridden": ["epochs", "dropout"]}
    for run in other["runs"]:
        run["environment"] = ENVIRONMENT | {"torch": "2.6.0", "python": "3.10.2"}
    other["runs"][1]["environment"] |= {"threads": 4, "torch": "2.7.0"}  # of the last run alone
    text = page(first, first, other).text  # what differs in the last one alone is told, too
    differ = text[text.index("What differs Of recipe") : text.index("Each by itself A")]
    torch_of_all = "2.14.1+cpu 2.14.1+cpu 2.6.0 / 2.7.0"
    assert f"A B C dropout 0.25 0.25 0.5 torch * {torch_of_all} Python 3.12.1 3.12.1 3.10.2 " in differ
    assert "threads * 1 1 1 / 4" in differ
    cpu = "a CPU, 1 thread"
    assert f"torch {torch_of_all} device {cpu} {cpu} {cpu} / a CPU, 4 threads" in text
    assert "The recipes differ" not in text, "told once"
    assert "The environments differ" not in text
    same = page(first, a_study(2, first=5)).text
    assert "Nothing: all " in same


@pytest.mark.parametrize("part", ["train", "test"])
def test_other_images_are_among_what_differs(part: str) -> None:
    """By the label of the data, and by the beginning of the fingerprint of those that are other ones, and no others."""
    first = a_study(2)
    prints = first["data"]["fingerprints"]
    other = a_study(2, official=False, fingerprints=prints | {part: "a" * 64})
    text = page(first, other).text
    label = "official CIFAR-10 data that is not official CIFAR-10 (binary)"
    rows = f"data {label} fingerprint of the {part} images {prints[part][:12]} {'a' * 12} Each by itself"
    assert rows in text


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/a", "runs/b"], ["a", "b"]),
        (["x/seed-0", "y/seed-0", "y/seed-1"], ["x/seed-0", "y/seed-0", "seed-1"]),
        (["x/s", "x/s", "y/s"], ["x/s (1)", "x/s (2)", "y/s"]),
        (["a", "b/a"], None),
    ],
)
def test_names_tell_results_apart(paths: list[str], names: list[str] | None, tmp_path: Path) -> None:
    """The last folder where that is enough, else with as many above it as it takes; a path given twice is numbered."""
    found = names_of([tmp_path / path for path in paths])
    assert found == (names or [f"{tmp_path.name}/a", "b/a"])


def test_a_name_that_has_no_room_beside_a_chart_is_cut_where_it_begins() -> None:
    """Names of one study may differ in their ends alone; a name for which there is room stays whole."""
    names = ["first", "a" * 17, "some long name/seed-1", "some long name/seed-2"]
    source = render([Result(name, a_result([70]), "No pictures.") for name in names])
    chart = source[source.index('aria-label="Difference of test accuracy') :]
    shown = re.findall(r'class="row-name end">(.*?)<', chart[: chart.index("</svg>")])
    assert shown == ["a" * 17, "…long name/seed-1", "…long name/seed-2"]


# ---- accuracy -------------------------------------------------------------------------------------------------------


def test_differences_by_class_are_those_of_the_records() -> None:
    """Each class with both means and the difference of the other one from the first, bold where it is clear."""
    first, other = a_study(3), a_study(2, first=20)
    for run in first["runs"]:
        run["test"]["per_class"][9]["correct"] = 0  # never right is not without images
    source = html(first, other).replace("\N{NARROW NO-BREAK SPACE}", " ")
    text = Page(source).text
    table = text[text.index("The differences by class") : text.index("Image by image Test")]
    for k, name in enumerate(CLASSES):
        a, b = (
            float(np.mean([run["test"]["per_class"][k]["correct"] for run in study["runs"]]))
            for study in (first, other)
        )
        apart = f"{b - a:+.2f}".replace("-", "\N{MINUS SIGN}") if round(b - a, 2) else "0.00"
        assert f"{name} {a:.1f} % {b:.1f} % {apart} " in table
    cells = r'(?:<td class="n">[^<]* %</td>){2}<td class="n">(<b>)?[^<]*(?:</b>)?</td><td class="n">(\S+) to (\S+)</td>'
    rows = re.findall(rf'<th scope="row">(\w+)</th>{cells}', source.replace("\N{MINUS SIGN}", "-"))
    assert len(rows) == len(CLASSES)
    bold = [name for name, marked, *_ in rows if marked]
    assert bold == [name for name, _, low, high in rows if float(low) > 0 or float(high) < 0]
    assert 0 < len(bold) < len(rows)


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.234, "+1.23"), (-1.5, "\N{MINUS SIGN}1.50"), (0.0, "0.00"), (-0.0, "0.00"), (0.004, "0.00"), (-0.004, "0.00")],
)
def test_points_have_a_sign_but_where_they_are_none(value: float, written: str) -> None:
    """What rounds to 0 is neither more nor less."""
    assert points(value) == written


def test_a_difference_of_studies_has_the_interval_of_their_verdict() -> None:
    """Welch's, over the seeds: the numbers of `verdict --against`, the other one minus the first."""
    a, b = a_result([70, 71, 72, 71]), a_result([60, 61, 63, 60.5])
    found = difference(a, b)
    numbers = against(b, a).checks[-1].numbers
    assert found is not None
    assert found.points == pytest.approx(numbers["difference"]) == pytest.approx(-9.875)
    assert found.interval == pytest.approx((numbers["low"], numbers["high"]))
    assert found.clear
    assert not difference(a, a).clear  # type: ignore[union-attr]
    assert not replace(found, interval=(-1.0, 0.0)).clear
    assert not replace(found, interval=(0.0, 1.0)).clear


def test_a_run_beside_a_study_differs_as_one_more_seed_would() -> None:
    """The interval leaves 0 out exactly where the run lies outside of what the study predicts; both ways round."""
    study = a_result([70, 71, 72, 71])
    (low,), (high,) = prediction_interval([[70], [71], [72], [71]])
    for accuracy, clear in ((high - 0.05, False), (high + 0.05, True), (low - 0.05, True), (low + 0.05, False)):
        run = a_result([round(accuracy, 2)])
        there, back = difference(study, run), difference(run, study)
        assert there is not None
        assert back is not None
        assert there.clear == back.clear == clear
        assert there.interval is not None
        assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]))
        assert there.points == pytest.approx(round(accuracy, 2) - 71, abs=1e-9)


def test_two_runs_differ_by_what_their_test_images_leave_open() -> None:
    """Newcombe's interval of the difference of two proportions, made of Wilson's of each (1998, method 10)."""
    found = difference(a_result([70]), a_result([72]))
    (l1, u1), (l2, u2) = wilson_interval(7_200, 10_000), wilson_interval(7_000, 10_000)
    low = 0.02 - ((0.72 - l1) ** 2 + (u2 - 0.70) ** 2) ** 0.5
    high = 0.02 + ((u1 - 0.72) ** 2 + (0.70 - l2) ** 2) ** 0.5
    assert found is not None
    assert found.points == pytest.approx(2)
    assert found.interval == pytest.approx((100 * low, 100 * high), abs=1e-6)


# ---- image by image -------------------------------------------------------------------------------------------------


def answers(correct: npt.NDArray[np.bool_], predicted: npt.NDArray[np.int64] | None = None) -> Answers:
    n = correct.shape[1]
    return Answers(ImageSet(torch.zeros(n, 3, 32, 32, dtype=torch.uint8), torch.arange(n) % 10), correct, predicted)


@pytest.mark.parametrize(("first", "other"), [(1, 1), (4, 1), (3, 5)])
def test_changed_images_are_counted_as_one_by_one(first: int, other: int) -> None:
    """Right in most runs of the one and not of the other, by a loop over all images; the largest changes first."""
    rng = np.random.default_rng(first)
    a, b = (rng.random((runs, 300)) < 0.6 for runs in (first, other))
    found = changed(answers(a), answers(b))
    lost, gained, right, wrong = [], [], 0, 0
    for image in range(300):
        in_a, in_b = (2 * sum(map(bool, each[:, image])) > len(each) for each in (a, b))
        lost += [image] if in_a and not in_b else []
        gained += [image] if in_b and not in_a else []
        right += in_a and in_b
        wrong += not in_a and not in_b
    assert sorted(found.lost.tolist()) == lost
    assert sorted(found.gained.tolist()) == gained
    assert (found.right, found.wrong) == (right, wrong)
    for index, sign in ((found.lost, -1), (found.gained, 1)):
        changes = sign * (b[:, index].mean(0) - a[:, index].mean(0))
        assert (np.diff(changes) <= 0).all()
    assert found.otherwise is None


def seen(predicted: list[int]) -> Seen:
    """Of a run on ten images, one of each class."""
    said = np.array(predicted)
    known = answers((said == np.arange(10))[np.newaxis], said)
    index = np.arange(1)
    some = Pictures(index, known.test.images[:1].numpy(), index, said[:1], np.ones(1, np.float32), index)
    return Seen(some, some, known)


def test_the_page_shows_images_whose_answer_changed() -> None:
    """Two runs: how many each alone gets right, what the one that is wrong takes them for, and what both get wrong."""
    # Right: all but 8 and 9; and all but 0, 8 and 9, of which 9 is now taken for something else.
    before, after = seen([0, 1, 2, 3, 4, 5, 6, 7, 0, 0]), seen([3, 1, 2, 3, 4, 5, 6, 7, 0, 1])
    results = [Result(name, whole(one_run()), each) for name, each in (("A", before), ("B", after))]
    made = Page(render(results))
    assert "Both right: 7. Both wrong: 2, 1 of them with different answers." in made.text
    assert "Right in A alone: 1 airplane as cat Right in B alone: 0 What differs" in made.text
    assert "Test image 0: airplane. A and B: as cat" in made.values("alt")
    alike = Page(render([results[0], replace(results[0], name="B")]))
    assert "Both right: 8. Both wrong: 2, 0 of them with different answers." in alike.text
    back = Page(render(results[::-1]))
    assert "Right in B alone: 0 Right in A alone: 1 airplane as cat" in back.text


def test_of_studies_the_images_that_most_runs_change_are_shown() -> None:
    """Ten of each kind, the largest changes first, with how many runs of either get them right."""
    before, after = np.ones((3, 12), bool), np.zeros((3, 12), bool)
    after[0, :11] = True  # but for the last image, one run of three still gets it right
    known = seen(list(range(10)))
    a, b = (replace(known, answers=answers(correct)) for correct in (before, after))
    made = Page(render([Result("A", whole(a_study(3)), a), Result("B", whole(a_study(3, first=5)), b)]))
    assert "Right in A alone: 12, of which 10 " in made.text
    shown = [alt for alt in made.values("alt") if "A and B" in alt]
    assert shown == [
        "Test image 11: automobile. A and B: 3/3 → 0/3",
        *(f"Test image {k}: {CLASSES[k]}. A and B: 3/3 → 1/3" for k in range(9)),
    ]


def test_other_test_images_are_not_compared_one_by_one() -> None:
    """Where they differ, whether what was trained on does or not, or one has no pictures, the page says so."""
    first = one_run()
    prints = first["data"]["fingerprints"]
    test, train = (one_run(official=False, fingerprints=prints | {part: "a" * 64}) for part in ("test", "train"))
    known = seen(list(range(10)))
    text = Page(
        render([Result(name, whole(run), known) for name, run in zip("ABC", (first, test, train), strict=True)])
    ).text
    assert "B The two were tested on other images: none can be compared. C Both right: 10." in text
    assert text.count("Both right") == 1
    assert "Why there are none." in page(first, first, seen="Why there are none.").text
    assert as_study(test).data.official is False

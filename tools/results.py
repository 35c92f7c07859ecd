"""What README.md and docs/ say of trainings on official CIFAR-10, made from what is kept in results/.

    python -m tools.results                  rewrites the marked parts of them, and the figure
    python -m tools.results take STUDY...    keeps studies in results/, which `cifar-repro verdict` and `report` read:
                                             runs of further seeds join those of the recipe that are there

A part is all between a line `<!-- made by tools/results.py: NAME -->` and the next `<!-- end -->`. A test demands that
each is as this makes it.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np

from benchmarks import targets
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import RECIPES
from cifar_repro.formats import encode, plain
from cifar_repro.report.charts import NO_BREAK, published_share
from cifar_repro.report.published import published_of
from cifar_repro.runs.environment import DECISIVE, arrows
from cifar_repro.runs.folders import STUDY
from cifar_repro.runs.record import plain_with_changes
from cifar_repro.studies.results import read_results
from cifar_repro.studies.study_file import Study, StudyRun
from cifar_repro.studies.summary import sum_up
from cifar_repro.verdicts import text
from cifar_repro.verdicts.against import against
from cifar_repro.verdicts.published import known
from cifar_repro.verdicts.verdict import Check, Verdict, accuracy
from cifar_repro.verdicts.with_published import with_published
from tools import hypotheses
from tools.results_figure import draw

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
PAGES = ("README.md", "docs/benchmarks.md", "docs/comparing.md")
FIGURE = "docs/published.png"
PART = re.compile(r"(<!-- made by tools/results\.py: ([a-z-]+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def take(folder: Path) -> None:
    """Keeps the runs of the study in that folder; of the folder that its data lay in nothing: it is of one machine."""
    study = read_results(folder)
    is_run = study.runs[0].correct_bits is None
    if not study.data.official or study.recipe.changes() or study.vary or is_run:
        raise InputError(f"{folder}: is no study of an unchanged recipe on official CIFAR-10: give such a study")
    study = msgspec.structs.replace(study, data=msgspec.structs.replace(study.data, path=None))
    if there := kept().get(study.recipe.name):
        study = joined(there, study, folder)
    if len(study.runs) < 2:
        raise InputError(f"{folder}: holds a single run: give a study of more")
    place = RESULTS / study.recipe.name
    place.mkdir(parents=True, exist_ok=True)
    with replacing(place / STUDY) as file:
        file.write(encode(plain_with_changes(study)))


def joined(there: Study, more: Study, folder: Path) -> Study:
    """The runs of both, in the order of their seeds.

    Raises InputError where `more`, of that folder, are not of the same study: other data, other versions or settings,
    or another result of a seed that both have. As in `cifar-repro study`, the runs may come of several processors: they
    change the last bits, as seeds do, and each run says its own.
    """
    runs = {run.seeds.init: run for run in there.runs}
    if more.data != there.data:
        raise InputError(f"{folder}: is on other data than results/{there.recipe.name}: remove that")
    was = plain(there.runs[0].environment)
    for run in more.runs:
        if differing := arrows(was, plain(run.environment), [name for name in DECISIVE if name != "cpu_capability"]):
            raise InputError(f"{folder}: {run.folder} is not as results/{there.recipe.name}: {differing}: remove that")
    for run in more.runs:
        if run.epochs != runs.setdefault(run.seeds.init, run).epochs:
            raise InputError(f"{folder}: {run.folder} has other losses than results/{there.recipe.name}: remove one")
    diverged = {run.seeds.init: run for run in (*there.diverged, *more.diverged)}
    return sum_up(
        there.recipe,
        None,
        there.data,
        [runs[seed] for seed in sorted(runs)],
        [diverged[seed] for seed in sorted(diverged)],
    )


def kept() -> dict[str, Study]:
    """The studies in results/, by recipe."""
    return {name: read_results(RESULTS / name) for name in RECIPES if (RESULTS / name).is_dir()}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def verdict_of(study: Study) -> Verdict:
    return with_published(study, known(study.recipe.name))


def what(study: Study) -> str:
    epochs = study.recipe.epochs
    return f"`{study.recipe.name}`, {epochs} epochs"


def mean_sd(values: Sequence[float]) -> str:
    return f"{np.mean(values):.2f} % ({np.std(values, ddof=1):.2f})"


def recipes() -> str:
    """The table of the README: each recipe's results beside the published one."""
    rows = []
    for study in kept().values():
        found = verdict_of(study)
        odd = found.population and found.population.odd
        rows.append(
            [
                what(study),
                str(len(study.runs)),
                mean_sd([accuracy(run) for run in study.runs]),
                published_accuracy(study),
                f"**{found.outcome}** the published result",
                ""
                if found.population is None
                else f"{found.population.others} runs; odd one: {odd or 'not to be told'}",
            ]
        )
    head = (
        "recipe",
        "runs here",
        "test accuracy: mean (sd)",
        "published",
        "`cifar-repro verdict`",
        "other people's runs",
    )
    return table(head, rows)


def published_accuracy(study: Study) -> str:
    """What was published of such runs, or the range that it is known to lie in."""
    published = published_of(study.recipe, study.data)
    shown = published_share(published.accuracy) if published and published.accuracy else ""
    return shown.replace(NO_BREAK, " ")


def environment() -> str:
    """What all the studies ran on."""
    runs = [run for study in kept().values() for run in study.runs]
    torch = ", ".join(sorted({run.environment.torch.partition("+")[0] for run in runs}))
    threads = ", ".join(sorted({str(run.environment.threads) for run in runs}))
    cpus = ", ".join(f"{name}, {len(some)} runs" for name, some in by_processor(runs).items())
    return f"Official CIFAR-10, torch {torch}, {threads} thread a run, CPU: {cpus}.\n"


def by_processor(runs: Sequence[StudyRun]) -> dict[str, list[StudyRun]]:
    """The runs on each model of processor, with what of it torch uses; that of the first run first."""
    groups: dict[str, list[StudyRun]] = {}
    for run in runs:
        groups.setdefault(f"{run.environment.cpu} ({run.environment.cpu_capability})", []).append(run)
    return groups


def verdicts() -> str:
    """Each recipe, and every claim of its verdict that is outside of its own 95 % or rejected."""
    rows = []
    for study in kept().values():
        found = verdict_of(study)
        rows.append([what(study), str(len(study.runs)), stands_out(found.checks) or "nothing", f"{found.outcome} it"])
    return table(("recipe", "runs", "what stands out", "verdict on the published result"), rows)


def stands_out(checks: Sequence[Check]) -> str:
    return "; ".join(f"{c.name}: {c.sentence}" for c in checks if c.holds is False or c.numbers.get("outside"))


def population(recipe: str) -> str:
    """The main numbers of study, published run and others, what follows, and in what either differs from the others."""
    found = verdict_of(kept()[recipe]).population
    assert found is not None
    rows = []
    for name, row in found.numbers.items():
        sides = [text.group(row[side], row["unit"]) for side in ("study", "others")]
        rows.append([name.replace("_", " "), text.value(row["published"], row["unit"]), *sides])
    lines = table((f"`{recipe}`", "published", "the study: mean (sd), runs", "others: mean (sd), runs"), rows)
    differing = [
        f"- {who} differs from the others by its {check.name}: {check.sentence}.\n"
        for who, checks in (("The published run", found.published), ("The study", found.study))
        for check in checks
        if check.holds is False
    ]
    return f"{lines}\n**{text.ODD[found.odd]}.**\n" + "".join(["\n", *differing] if differing else [])


def others(recipe: str) -> str:
    """The runs of other people, one by one."""
    rows = []
    for run in known(recipe)["others"]:
        epochs, test = run["epochs"], run.get("test")
        first, last = epochs[0], epochs[-1]
        least = min(e["valid_loss"] for e in epochs)
        tested = f"{100 * test['correct'] / test['total']:.2f} %" if test else ""
        numbers = [f"{x:.3f}" for x in (first["train_loss"], last["train_loss"], first["valid_loss"], least)]
        name = "/".join(run["source"].split("/")[1:3])
        rows.append([f"[{name}]({address(run)})", run["device"] or "", str(len(epochs)), *numbers, tested])
    losses = ("training loss, first", "last", "validation loss, first", "lowest")
    head = (f"`{recipe}` by others", "device", "epochs", *losses, "test accuracy")
    return table(head, rows)


def address(run: dict[str, Any]) -> str:
    site, owner, name, *path = run["source"].split("/")
    return quote(f"https://{site}/{owner}/{name}/blob/{run['commit']}/{'/'.join(path)}", safe=":/")


def between_studies() -> str:
    """Parts of studies against one another, and one recipe against another."""
    studies = kept()
    rows = []
    for name, study in studies.items():
        if len(study.runs) >= 10:
            (first, ours), (second, theirs) = parts(study)
            rows.append(compared(f"`{name}`, {first}", second, ours, theirs))
    if {"udacity", "udacity-augmented"} <= studies.keys():
        rows.append(compared("`udacity`", "`udacity-augmented`", studies["udacity"], studies["udacity-augmented"]))
    return table(("A", "B", "mean accuracy, A and B", "verdict"), rows)


def parts(study: Study) -> list[tuple[str, Study]]:
    """Two parts, each with its name: the runs on either processor; of a study that has not two of them, its halves."""
    groups = by_processor(study.runs)
    if len(groups) != 2:
        half = len(study.runs) // 2
        groups = {"the first seeds": study.runs[:half], "the others": study.runs[half:]}
    return [
        (f"{name}: {len(runs)} runs", sum_up(study.recipe, study.vary, study.data, runs, []))
        for name, runs in groups.items()
    ]


def compared(a_name: str, b_name: str, a: Study, b: Study) -> list[str]:
    found = against(a, b)
    means = " and ".join(mean_sd([accuracy(run) for run in side.runs]) for side in (a, b))
    return [a_name, b_name, means, f"{found.outcome}: {found.checks[-1].sentence.partition(': ')[2]}"]


def accuracy_targets() -> str:
    """What `benchmarks/targets.json` holds."""
    rows = []
    for d in targets.read():
        numbers = [f"{100 * value:.2f} %" for value in (d.mean, d.sd, d.target)]
        rows.append([f"`{d.recipe}`", d.data, str(d.epochs), str(len(d.accuracy)), *numbers])
    return table(("recipe", "data", "epochs", "seeds", "mean", "sd", "target"), rows)


def of_the_lesson() -> dict[int, list[list[float]]]:
    """[training, validation] loss of each epoch of the runs of `udacity`, by seed."""
    study = kept().get("udacity")
    return {run.seeds.init: [[e.train_loss, e.valid_loss] for e in run.epochs] for run in study.runs} if study else {}


MADE: dict[str, Callable[[], str]] = {
    "recipes": recipes,
    "environment": environment,
    "verdicts": verdicts,
    "population": lambda: "\n".join(population(name) for name in kept() if known(name).get("others")),
    "others": lambda: "\n".join(others(name) for name in RECIPES if known(name).get("others")),
    "between-studies": between_studies,
    "targets": accuracy_targets,
    "hypotheses": lambda: hypotheses.table(RESULTS / "hypotheses.jsonl", of_the_lesson()),
    "whole-hypotheses": lambda: hypotheses.whole(RESULTS / "hypotheses.jsonl", of_the_lesson()),
}


def made(page: str) -> str:
    """The text of a page with each of its parts as the results make it."""
    return PART.sub(lambda match: match[1] + MADE[match[2]](), page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers()
    taking = commands.add_parser("take", help="keep studies in results/")
    taking.add_argument("studies", type=Path, nargs="+", metavar="STUDY")
    options = parser.parse_args()
    try:
        for folder in getattr(options, "studies", ()):
            take(folder)
    except InputError as error:
        parser.error(str(error))
    for page in PAGES:
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        if (after := made(before)) != before:
            path.write_text(after, encoding="utf-8")
            print(f"{page} rewritten")
    draw(kept(), ROOT / FIGURE)
    print(f"{FIGURE} drawn")


if __name__ == "__main__":
    main()

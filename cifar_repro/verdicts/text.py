"""What `cifar-repro verdict` prints for people to read."""

from typing import Any

from cifar_repro.answers import Answer, Check, Outcome
from cifar_repro.runs.record import Data, data_label
from cifar_repro.verdicts import verdict as judged
from cifar_repro.verdicts.verdict import CLOSE, INCONCLUSIVE, NONE, OTHERS, PUBLISHED, STUDY, Population, Verdict

HOLDS = {True: "holds", False: "does not hold", None: "cannot be told"}


def published(recipe: str, data: Data) -> str:
    """What a study on that data is compared with; the published result is one on the official images, and no others."""
    if data.official:
        return f"the published result of {recipe}"
    if data.reordered:
        return f"the published result of {recipe}, by runs on {data_label(data)}"
    return f"the published numbers of {recipe}, on other data"


def verdict(found: Verdict, compared_with: str) -> str:
    """The outcome in words, what a reader must know besides, and each comparison behind it."""
    word = found.outcome
    if word == CLOSE:  # which the smaller study's runs suffice for
        pairs, alone = next((c.numbers["pairs"], c.numbers["alone"]) for c in found.checks if c.name == CLOSE)
        word += f" in {pairs} of {pairs + alone} runs" if alone else ""
    if not word.endswith("with"):
        word += ", compared with"
    lines = [f"Verdict: {word} {compared_with}", *(f"  {note}." for note in found.notes), ""]
    for check in found.checks:
        lines += [f"{check.name}: {HOLDS[check.holds]}", f"  {check.sentence}."]
    if found.population:
        lines += ["", *_population(found.population)]
    return "\n".join(lines)


def answer(found: Verdict, compared_with: str) -> Answer:
    """The verdict, then each comparison behind it, which fails only where the verdict does.

    A comparison that does not hold is no failure where a lower rung holds, or where nothing is decided.
    """
    headline = verdict(found, compared_with).partition("\n")[0]
    failed = not found.favourable and found.outcome != INCONCLUSIVE
    overall: Outcome = "failed" if failed else "passed" if found.favourable else "skipped"
    checks = [Check("verdict", overall, found.outcome)]
    for check in found.checks:
        outcome: Outcome = "passed" if check.holds else "failed" if failed and check.holds is False else "skipped"
        checks.append(Check(check.name, outcome, f"{HOLDS[check.holds]}: {check.sentence}"))
    others = [f"{ODD[found.population.odd]} ({found.population.others} other runs)"] if found.population else []
    return Answer(headline, checks, [*found.notes, *others])


ODD = {
    NONE: "Published run, study and other people's runs are alike",
    PUBLISHED: "The published run is the odd one: the study is like other people's runs, it is not",
    STUDY: "This study is the odd one: the published run is like other people's runs, it is not",
    OTHERS: "Other people's runs are the odd ones: study and published run are alike, and unlike them",
    None: "Which is the odd one cannot be told",
}


def _population(found: Population) -> list[str]:
    """What other people's runs say: the odd one, the main numbers, and the comparisons behind it."""
    lines = [f"{ODD[found.odd]} ({found.others} other runs).", ""]
    if found.numbers:
        lines.append(f"{'mean (sd), runs':22}{'published':>11}{'this study':>24}{'others':>24}")
    for name, row in found.numbers.items():
        sides = [group(row[side], row["unit"]) for side in ("study", "others")]
        lines.append(f"{name:22}{value(row['published'], row['unit']):>11}{sides[0]:>24}{sides[1]:>24}")
    if found.numbers:
        lines.append("")
    lines += [*_likeness("The published run", found.published), *_likeness("The study", found.study)]
    return lines


def _likeness(who: str, checks: list[judged.Check]) -> list[str]:
    judged = [check.holds for check in checks if check.holds is not None]
    verb = "cannot be told from" if judged and all(judged) else "differs from" if judged else "cannot be compared with"
    return [f"{who} {verb} the others:", *(f"  {check.name}: {check.sentence}." for check in checks)]


def group(found: dict[str, Any] | None, unit: str) -> str:
    """Mean, standard deviation and number of runs of a side of `Population.numbers`."""
    if found is None:
        return "none"
    sd = "" if found["sd"] is None else f" ({found['sd']:.2f})" if unit else f" ({found['sd']:.3f})"
    return f"{value(found['mean'], unit)}{sd}, {found['runs']}"


def value(number: float, unit: str) -> str:
    """A percentage, or a loss in nats per image."""
    return f"{number:.2f} {unit}" if unit else f"{number:.4f}"

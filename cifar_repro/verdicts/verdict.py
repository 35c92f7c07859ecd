"""What the runs of a study say about another study, or about a single published run; docs/comparing.md has the method.

Results come in the form of study.json (`read_results`). Accuracies are in percent, their differences in points.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cifar_repro import statistics
from cifar_repro.core.errors import InputError
from cifar_repro.runs.environment import differences
from cifar_repro.runs.record import data_label
from cifar_repro.verdicts.rounding import growth

# The rungs of the ladder, then what can be said of a published run.
BITWISE, CLOSE, EQUIVALENT, DIFFERENT = "bitwise", "numerically close", "statistically equivalent", "different"
CONSISTENT, NOT_CONSISTENT = "consistent with", "not consistent with"
INCONCLUSIVE = "inconclusive"
FAVOURABLE = (BITWISE, CLOSE, EQUIVALENT, CONSISTENT)

Results = dict[str, Any]
Run = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One comparison. holds: None where nothing can be said. numbers: what the sentence is made of, in its units."""

    name: str
    holds: bool | None
    sentence: str
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """outcome: one of the words above. checks: the comparisons behind it. notes: what a reader must know besides.

    runs_needed: with about how many runs (a side) it would be settled, where it is inconclusive and that is known.
    """

    outcome: str
    checks: list[Check]
    notes: list[str]
    runs_needed: int | None = None

    @property
    def favourable(self) -> bool:
        return self.outcome in FAVOURABLE

    def as_json(self) -> dict[str, Any]:
        return {"favourable": self.favourable, **asdict(self)}


def check_results(results: Results, where: str) -> None:
    """Raises InputError unless the results are whole: every run tested, of equally many epochs, numbers all finite.

    where: what the results are of, for the line: their path, or words.
    """
    runs = results["runs"]
    if not runs:
        raise InputError(f"{where}: has no runs: give a study with some")
    for run in runs:
        what = where if run["folder"] == "." else f"{where}: run {run['folder']}"
        test = run["test"]
        if stopped := run.get("stopped"):
            raise InputError(
                f"{what} diverged (its loss was {stopped['loss']} in epoch {stopped['epoch']}) and cannot be judged: "
                "give a run that did not"
            )
        if test is None or not test["total"] or not run["epochs"]:
            raise InputError(f"{what} has no test result and cannot be judged: go on with it, by run --resume")
        if len(run["epochs"]) != len(runs[0]["epochs"]):
            raise InputError(
                f"{what} has {len(run['epochs'])} epochs, others {len(runs[0]['epochs'])}: give equal ones"
            )
        losses = [test["loss"], *_curve(run).values()]
        if not all(isinstance(loss, (int, float)) and math.isfinite(loss) for loss in losses):
            raise InputError(f"{what} has a loss that is no finite number: leave it out of the study")
    seeds = [_seeds(run) for run in runs]
    if len(set(seeds)) < len(seeds):
        raise InputError(f"{where}: two runs have the same seeds, so they are one: leave one out")


def left_out(results: Results) -> list[str]:
    """A note on runs that diverged, of which nothing but that is known."""
    names = [run["folder"] for run in results.get("diverged", ())]
    return [f"Left out, for they diverged: {', '.join(names)}"] if names else []


def _seeds(run: Run) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(run["seeds"].items()))


def accuracy(run: Run) -> float:
    """The test accuracy of a run, in percent."""
    return 100 * float(run["test"]["correct"]) / float(run["test"]["total"])


def _curve(run: Run) -> dict[tuple[int, str], float]:
    """The losses of a run by epoch and name; those of validation are left out where the recipe has none."""
    names = ("train_loss", "valid_loss")
    return {(e["epoch"], name): e[name] for e in run["epochs"] for name in names if e[name] is not None}


# ---- against another study ------------------------------------------------------------------------------------------


def against(
    a: Results, b: Results, margin: float = 1.0, names: tuple[str, str] = ("the first study", "the second study")
) -> Verdict:
    """The highest rung that holds between two studies; accuracies within `margin` points count as equivalent.

    names: what errors call the two. Raises InputError for a margin that makes no sense, and for studies that vary not
    the same seeds.
    """
    if not (math.isfinite(margin) and 0 < margin < 100):
        raise InputError(f"margin: {margin} makes no sense: give points of accuracy between 0 and 100")
    check_results(a, names[0])
    check_results(b, names[1])
    if a.get("vary") != b.get("vary"):
        first, second = (results.get("vary") or "all seeds" for results in (a, b))
        raise InputError(f"vary: the first study varies {first}, the second {second}: give two that vary the same")
    if a.get("vary") and _fixed(a) != _fixed(b):
        raise InputError(
            f"seeds: both studies vary the {a['vary']} seed alone, but from other fixed seeds: give equal ones"
        )
    partners = {_seeds(run): run for run in b["runs"]}
    pairs = [(run, partners[_seeds(run)]) for run in a["runs"] if _seeds(run) in partners]
    obstacle = _why_not_paired(a, b, pairs)
    notes = _differences(a, b)
    checks = [Check(name, False, obstacle) for name in (BITWISE, CLOSE)]
    if not obstacle:
        alone = len(a["runs"]) + len(b["runs"]) - 2 * len(pairs)
        checks = [_bitwise(pairs, alone), _close(a, b, pairs, alone)]
        if checks[0].holds:  # the lower rungs follow
            return Verdict(BITWISE, checks[:1], notes)
    equivalent, outcome, needed = _equivalent(a, b, margin)
    unpaired = min(len(a["runs"]), len(b["runs"])) - len(pairs)
    if unpaired and checks[1].holds:
        sentence = (
            f"{checks[1].sentence}. That says nothing of {_runs(unpaired)} of the smaller study without a partner"
        )
        checks[1] = Check(CLOSE, None, sentence, checks[1].numbers)
    if outcome == DIFFERENT and checks[1].holds:  # of later epochs, and of runs alone, the second rung knows little
        checks[1] = Check(CLOSE, False, "not in the end: the test accuracies differ", checks[1].numbers)
    checks.append(equivalent)
    highest = next((check.name for check in checks if check.holds), outcome)
    return Verdict(highest, checks, notes, needed if highest == INCONCLUSIVE else None)


def _fixed(results: Results) -> set[tuple[tuple[str, int], ...]]:
    """The seeds that the study does not vary."""
    return {tuple((k, s) for k, s in run["seeds"].items() if k != results.get("vary")) for run in results["runs"]}


def _why_not_paired(a: Results, b: Results, pairs: list[tuple[Run, Run]]) -> str:
    """Why the two studies cannot be compared run by run, or nothing."""
    if a["data"]["fingerprints"] != b["data"]["fingerprints"]:
        return "not possible: the data differ"
    if _curve(a["runs"][0]).keys() != _curve(b["runs"][0]).keys():
        return "not possible: the numbers of epochs differ, or one has no validation"
    return "" if pairs else "not possible: no two runs have equal seeds"


def _parting(pairs: list[tuple[Run, Run]]) -> Check | None:
    """The check of equality to the last bit, where a pair of runs parts; None where none does."""
    compared = ("train_loss", "valid_loss", "weights_sha256")
    for one, other in pairs:
        for e, f in zip(one["epochs"], other["epochs"], strict=True):
            for name in compared:
                if e[name] != f[name]:
                    where = {"run": _name(one), "epoch": e["epoch"], "name": name}
                    sentence = f"the runs of {_name(one)} part in epoch {e['epoch']}, first in {name}"
                    return Check(BITWISE, False, sentence, where)
        if one["test"] != other["test"]:
            sentence = f"the runs of {_name(one)} have equal weights but other test results"
            return Check(BITWISE, False, sentence, {"run": _name(one), "epoch": None, "name": "test"})
    return None


def _bitwise(pairs: list[tuple[Run, Run]], alone: int) -> Check:
    """alone: how many runs of the two studies have no partner, of which nothing can be said here."""
    if parting := _parting(pairs):
        return parting
    n = len(pairs[0][0]["epochs"])
    sentence = f"{_pairs(pairs)}: all losses, weights and test results of {n} epochs are equal to the last bit"
    if alone:
        sentence += f"; {_runs(alone)} without a partner"
    return Check(BITWISE, not alone, sentence, {"pairs": len(pairs), "alone": alone})


def _name(run: Run) -> str:
    """A run by its seeds."""
    seeds = list(run["seeds"].values())
    return f"seed {seeds[0]}" if len(set(seeds)) == 1 else f"seeds {'/'.join(map(str, seeds))}"


def _runs(n: int) -> str:
    return f"{n} run{'s' if n > 1 else ''}"


def _pairs(pairs: list[tuple[Run, Run]]) -> str:
    return f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} of runs with equal seeds"


def _close(a: Results, b: Results, pairs: list[tuple[Run, Run]], alone: int) -> Check:
    """Whether rounding alone explains how far the losses of paired runs are apart, epoch by epoch."""
    counts = {"pairs": len(pairs), "alone": alone}
    if not _parting(pairs):
        return Check(CLOSE, True, f"{_pairs(pairs)}: every loss is equal to the last bit", counts)
    tolerances = growth(a["recipe"], a["data"])
    if tolerances is None or growth(b["recipe"], b["data"]) is None:
        sentence = (
            "not judged: how rounding grows was measured for the recipe udacity, unchanged, on 50,000 images only"
        )
        return Check(CLOSE, None, sentence)
    gaps = []  # how far apart, relatively to what is tolerated, and where
    for one, other in pairs:
        theirs = _curve(other)
        found = [
            (loss, theirs[epoch, name], tolerances.tolerance(name, epoch), f"{name} of epoch {epoch}")
            for (epoch, name), loss in _curve(one).items()
        ]
        found.append((one["test"]["loss"], other["test"]["loss"], tolerances.later, "test loss"))
        gaps += [
            (statistics.relative_difference(x, y) / most, most, f"{what} of {_name(one)}") for x, y, most, what in found
        ]
    ratio, most, where = max(gaps)
    numbers = {
        "where": where,
        "relative": ratio * most,
        "tolerance": most,
        "telling_epochs": tolerances.telling,
    } | counts
    at = f"{where} differs by {ratio * most:.1e}, relatively; rounding explains up to {most:.1e} there"
    if ratio > 1:
        return Check(CLOSE, False, at, numbers)
    sentence = (
        f"{_pairs(pairs)}: every loss agrees as well as rounding lets it. The least so: {at}. Only the first "
        f"{tolerances.telling} epochs are telling: later, rounding explains as much as another seed would"
    )
    return Check(CLOSE, True, sentence, numbers)


def _equivalent(a: Results, b: Results, margin: float) -> tuple[Check, str, int | None]:
    """The check of equivalence, the outcome if no higher rung holds, and how many runs a side would settle it."""
    ours, theirs = ([accuracy(run) for run in results["runs"]] for results in (a, b))
    means = " against ".join(f"{np.mean(side):.2f} % ({_runs(len(side))})" for side in (ours, theirs))
    means = f"mean accuracy {means}"
    numbers: dict[str, Any] = {"margin": margin, "accuracies": [ours, theirs]}
    difference = float(np.mean(ours) - np.mean(theirs))
    if min(len(ours), len(theirs)) < 2:
        spread = [x for x in (ours, theirs) if len(x) > 1]
        sd = float(np.std(spread[0], ddof=1)) if spread else 0.0
        needed = statistics.runs_to_settle(difference, sd, margin) if sd else None
        sentence = f"{means}: a side with one run has no spread to judge by; give at least 2 runs a side, better 10"
        return Check(EQUIVALENT, None, sentence, numbers), INCONCLUSIVE, needed
    found = statistics.compare(ours, theirs, margin)
    if found is None:
        sentence = f"{means}: on each side all runs have one accuracy: there is no spread to judge by"
        return Check(EQUIVALENT, None, sentence, numbers), INCONCLUSIVE, None
    numbers |= asdict(found)
    wide = f"95 % interval {found.low:+.2f} to {found.high:+.2f}"
    begin = f"{means}: difference {found.difference:+.2f} points"
    if found.equivalent:
        narrow = f"90 % interval {found.narrow_low:+.2f} to {found.narrow_high:+.2f}"
        sentence = f"{begin}, {narrow}, within -{margin:g} to +{margin:g} (Welch TOST, p = {found.p_equivalent:.2g})"
        if found.different:
            sentence += f". A difference is there all the same, too small to matter here: {wide} leaves 0 out"
        return Check(EQUIVALENT, True, sentence, numbers), EQUIVALENT, None
    if found.different:
        beyond = found.low > margin or found.high < -margin
        how = "it is larger than the margin" if beyond else "whether it is larger than the margin is open"
        sentence = f"{begin}, {wide} leaves 0 out; {how} ({margin:g})"
        return Check(EQUIVALENT, False, sentence, numbers), DIFFERENT, None
    sd = math.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / 2)
    needed = statistics.runs_to_settle(found.difference, sd, margin)
    about = f"about {needed}" if needed else f"more than {statistics.MOST_RUNS:,}"
    sentence = (
        f"{begin}, {wide}: neither a difference nor equality within {margin:g} is shown. If spread and difference stay "
        f"as they are, {about} runs a side settle it (80 % power)"
    )
    return Check(EQUIVALENT, None, sentence, numbers), INCONCLUSIVE, needed


def _differences(a: Results, b: Results) -> list[str]:
    """What differs between the studies besides their results."""
    notes = [*left_out(a), *left_out(b)]
    recipes = a["recipe"], b["recipe"]
    changed = [name for name in recipes[0] if name != "overridden" and recipes[0][name] != recipes[1].get(name)]
    if changed:
        notes.append("The recipes differ: " + _arrows(changed, *recipes))
    prints = [results["data"]["fingerprints"] for results in (a, b)]
    for part, what in (("train", "were trained on other images"), ("test", "were tested on other images")):
        if prints[0][part] != prints[1][part]:
            labels = " and ".join(data_label(results["data"]) for results in (a, b))
            notes.append(f"The runs {what} ({labels}): that alone can make a difference")
    environments = differences(a["runs"][0]["environment"], b["runs"][0]["environment"])
    if environments:
        notes.append("The environments differ: " + "; ".join(environments))
    if a.get("vary"):
        notes.append(f"Only the {a['vary']} seed varies in these studies: nothing is said about the other seeds")
    return notes


def _arrows(names: list[str], one: dict[str, Any], other: dict[str, Any]) -> str:
    return "; ".join(f"{name}: {one[name]} -> {other.get(name)}" for name in names)

"""What the runs of a study say about another study; docs/comparing.md has the method."""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from cifar_repro import statistics
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import Seeds
from cifar_repro.runs.environment import DECISIVE, arrows
from cifar_repro.runs.record import data_label, seeds_label
from cifar_repro.studies.study_file import Study, StudyRun
from cifar_repro.verdicts.rounding import growth
from cifar_repro.verdicts.verdict import (
    BITWISE,
    CLOSE,
    DIFFERENT,
    EQUIVALENT,
    INCONCLUSIVE,
    Check,
    Verdict,
    accuracy,
    check_results,
    curve,
    left_out,
    tested,
)

Pairs = list[tuple[StudyRun, StudyRun]]  # of equal seeds


def against(
    a: Study, b: Study, margin: float = 1.0, names: tuple[str, str] = ("the first study", "the second study")
) -> Verdict:
    """The highest rung that holds between two studies; accuracies within `margin` points count as equivalent.

    names: what errors call the two. Raises InputError for a margin out of range, and for studies that vary not
    the same seeds.
    """
    if not (math.isfinite(margin) and 0 < margin < 100):
        raise InputError(f"margin: {margin} is out of range: give points of accuracy between 0 and 100")
    check_results(a, names[0])
    check_results(b, names[1])
    if a.vary != b.vary:
        first, second = (results.vary or "all seeds" for results in (a, b))
        raise InputError(f"vary: the first study varies {first}, the second {second}: give two that vary the same")
    if a.vary and _fixed(a) != _fixed(b):
        raise InputError(
            f"seeds: both studies vary the {a.vary} seed alone, but from other fixed seeds: give equal ones"
        )
    partners = {run.seeds: run for run in b.runs}
    pairs = [(run, partners[run.seeds]) for run in a.runs if run.seeds in partners]
    obstacle = _why_not_paired(a, b, pairs)
    notes = _differences(a, b)
    checks = [Check(name, False, obstacle) for name in (BITWISE, CLOSE)]
    if not obstacle:
        alone = len(a.runs) + len(b.runs) - 2 * len(pairs)
        checks = [_bitwise(pairs, alone), _close(a, b, pairs, alone)]
        if checks[0].holds:  # the lower rungs follow
            return Verdict(BITWISE, checks[:1], notes)
    equivalent, outcome, needed = _equivalent(a, b, margin)
    unpaired = min(len(a.runs), len(b.runs)) - len(pairs)
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


def _fixed(results: Study) -> set[Seeds]:
    """The seeds that the study does not vary, each with 0 in place of the one that it does."""
    assert results.vary is not None
    return {replace(run.seeds, **{results.vary: 0}) for run in results.runs}


def _why_not_paired(a: Study, b: Study, pairs: Pairs) -> str:
    """Why the two studies cannot be compared run by run, or nothing."""
    if a.data.fingerprints != b.data.fingerprints:
        return "not possible: the data differ"
    if curve(a.runs[0]).keys() != curve(b.runs[0]).keys():
        return "not possible: the numbers of epochs differ, or one has no validation"
    return "" if pairs else "not possible: no two runs have equal seeds"


def _parting(pairs: Pairs) -> Check | None:
    """The check of equality to the last bit, where a pair of runs parts; None where none does."""
    compared = ("train_loss", "valid_loss", "weights_sha256")
    for one, other in pairs:
        for e, f in zip(one.epochs, other.epochs, strict=True):
            for name in compared:
                if getattr(e, name) != getattr(f, name):
                    where = {"run": _name(one), "epoch": e.epoch, "name": name}
                    sentence = f"the runs of {_name(one)} part in epoch {e.epoch}, first in {name}"
                    return Check(BITWISE, False, sentence, where)
        if one.test != other.test:
            sentence = f"the runs of {_name(one)} have equal weights but other test results"
            return Check(BITWISE, False, sentence, {"run": _name(one), "epoch": None, "name": "test"})
    return None


def _bitwise(pairs: Pairs, alone: int) -> Check:
    """alone: how many runs of the two studies have no partner, of which nothing can be said here."""
    if parting := _parting(pairs):
        return parting
    n = len(pairs[0][0].epochs)
    sentence = f"{_pairs(pairs)}: all losses, weights and test results of {n} epochs are equal to the last bit"
    if alone:
        sentence += f"; {_runs(alone)} without a partner"
    return Check(BITWISE, not alone, sentence, {"pairs": len(pairs), "alone": alone})


def _name(run: StudyRun) -> str:
    return seeds_label(run.seeds)


def _runs(n: int) -> str:
    return f"{n} run{'s' if n > 1 else ''}"


def _pairs(pairs: Pairs) -> str:
    return f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} of runs with equal seeds"


def _close(a: Study, b: Study, pairs: Pairs, alone: int) -> Check:
    """Whether rounding alone explains how far the losses of paired runs are apart, epoch by epoch."""
    counts = {"pairs": len(pairs), "alone": alone}
    if not _parting(pairs):
        return Check(CLOSE, True, f"{_pairs(pairs)}: every loss is equal to the last bit", counts)
    tolerances = growth(a.recipe, a.data)
    if tolerances is None or growth(b.recipe, b.data) is None:
        sentence = (
            "not judged: how rounding grows was measured for the recipe udacity, unchanged, on 50,000 images only"
        )
        return Check(CLOSE, None, sentence)
    gaps = []  # how far apart, relatively to what is tolerated, and where
    for one, other in pairs:
        theirs = curve(other)
        found = [
            (loss, theirs[epoch, name], tolerances.tolerance(name, epoch), f"{name} of epoch {epoch}")
            for (epoch, name), loss in curve(one).items()
        ]
        found.append((tested(one).loss, tested(other).loss, tolerances.later, "test loss"))
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


def _equivalent(a: Study, b: Study, margin: float) -> tuple[Check, str, int | None]:
    """The check of equivalence, the outcome if no higher rung holds, and how many runs a side would settle it."""
    ours, theirs = ([accuracy(run) for run in results.runs] for results in (a, b))
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


def _environments(study: Study) -> dict[str, str]:
    """What the runs of a study have been made in, by name: each value that there is, as those of several machines."""
    return {
        name: " and ".join(sorted({str(getattr(run.environment, name)) for run in study.runs})) for name in DECISIVE
    }


def _differences(a: Study, b: Study) -> list[str]:
    """What differs between the studies besides their results."""
    notes = [*left_out(a), *left_out(b)]
    ours_of, theirs_of = asdict(a.recipe), asdict(b.recipe)
    if changed := arrows(ours_of, theirs_of, ours_of):
        notes.append("The recipes differ: " + "; ".join(changed))
    ours, theirs = (results.data.fingerprints for results in (a, b))
    labels = " and ".join(data_label(results.data) for results in (a, b))
    for one, other, what in ((ours.train, theirs.train, "trained"), (ours.test, theirs.test, "tested")):
        if one != other:
            notes.append(f"The runs were {what} on other images ({labels}): that alone can make a difference")
    if environments := arrows(_environments(a), _environments(b), DECISIVE):
        notes.append("The environments differ: " + "; ".join(environments))
    if a.vary:
        notes.append(f"Only the {a.vary} seed varies in these studies: nothing is said about the other seeds")
    return notes

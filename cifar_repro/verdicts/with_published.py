"""Whether a published run is one that the runs of a study lead to expect; docs/comparing.md has the method."""

import math
from typing import Any

import numpy as np

from cifar_repro import statistics
from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import get_recipe
from cifar_repro.runs.record import changed, data_label
from cifar_repro.statistics import LEVEL
from cifar_repro.studies.study_file import Study
from cifar_repro.verdicts.claims import Claim, claims_of, values_of
from cifar_repro.verdicts.population import population
from cifar_repro.verdicts.verdict import (
    CONSISTENT,
    INCONCLUSIVE,
    NOT_CONSISTENT,
    Check,
    Verdict,
    check_results,
    left_out,
)

# Two runs predict a third within 16 standard deviations: nearly anything would be consistent with them.
FEWEST_RUNS = 3


def with_published(results: Study, published: dict[str, Any], name: str = "the study") -> Verdict:
    """Consistent, not consistent, or inconclusive with the published run (each of them, where there are more).

    name: what errors call the results.
    Not consistent: a claim of it is rejected at 5 % after Holm's correction for the number of claims. Runs of a changed
    recipe, and runs whose test results are not compared, are inconclusive: the published result is of the whole of it.
    """
    check_results(results, name)
    if results.vary:
        raise InputError(f"vary: the study varies the {results.vary} seed alone, a new run all: give such a study")
    n = len(results.runs)
    claims, notes = claims_of(published, results)
    comparisons = []
    for claim in claims:
        values = values_of(claim, results.runs)
        if values is None:
            notes.append(f"{claim.name} is not compared: the runs have no such numbers")
        else:
            comparisons.append(_Comparison(claim, values))
    judged = [c.p for c in comparisons if not math.isnan(c.p)]
    adjusted = iter(statistics.holm(judged))
    checks = [_check(c, None if math.isnan(c.p) else next(adjusted), len(judged)) for c in comparisons]

    needed = FEWEST_RUNS if n < FEWEST_RUNS else None
    if any(check.holds is False for check in checks):
        outcome, needed = NOT_CONSISTENT, None
    elif needed or len(judged) < len(comparisons) or not comparisons:
        outcome = INCONCLUSIVE
    else:
        outcome = CONSISTENT
    recipe = results.recipe
    if "claims" in published:  # of some epochs, each of which the runs may end with
        recipe = recipe.with_changes({"epochs": get_recipe(recipe.name).epochs})
    if changes := changed(recipe):
        outcome, needed = INCONCLUSIVE, None
        notes.insert(
            0, f"The runs are of a changed recipe ({', '.join(changes)}), the published result is of it unchanged"
        )
    elif outcome == CONSISTENT and not any(c.claim.unit == "%" for c in comparisons):
        outcome, needed = INCONCLUSIVE, None
        notes.insert(0, "No accuracy is compared, and without it the published result has not come out again")
    if needed:
        count = f"{n} run{'s' if n > 1 else ''}"
        notes.append(f"{count} cannot tell what a new run would give: run at least {FEWEST_RUNS} seeds, better 10")
    notes = [*_about_the_data(results, published), *left_out(results), *notes]
    return Verdict(outcome, checks, notes, needed, population(results, published, outcome))


class _Comparison:
    """A claim, the (n, m) values of n runs, and how surprising the claim is: each number's p-value, and one for all."""

    def __init__(self, claim: Claim, values: statistics.Floats):
        self.claim, self.values = claim, values
        m = len(claim.places)
        self.each = statistics.prediction_p(values, claim.low, claim.high) if len(values) > 1 else np.full(m, np.nan)
        self.p = statistics.bonferroni(self.each)


def _check(comparison: _Comparison, adjusted: float | None, claims: int) -> Check:
    """The check of one of so many claims, whose p-value after Holm's correction is `adjusted`; None: no spread."""
    claim, values, p = comparison.claim, comparison.values, comparison.each
    n, m = values.shape
    unit = f" {claim.unit}".rstrip()
    numbers: dict[str, Any] = {"places": claim.places, "published_low": claim.low, "published_high": claim.high}
    numbers["mean"] = values.mean(axis=0).tolist()
    if adjusted is None:
        why = "all runs are equal in it" if n > 1 else "one run has no spread to judge by"
        what = f"mean {numbers['mean'][0]:.4g}{unit}, published {_bounds(claim, 0)}" if m == 1 else f"{m} numbers"
        return Check(claim.name, None, f"{what}: {why}", numbers)
    level = LEVEL / np.count_nonzero(~np.isnan(p))  # as `bonferroni` counts them
    low, high = statistics.prediction_interval(values, level)
    if claim.unit:  # no percentage lies beyond
        low, high = np.maximum(low, 0.0), np.minimum(high, 100.0)
    outside = [i for i in range(m) if p[i] < level]
    numbers |= {"low": low.tolist(), "high": high.tolist(), "outside": [claim.places[i] for i in outside]}
    numbers |= {"p": comparison.p, "p_adjusted": adjusted}
    # At the level at which Holm's procedure judges the first claim.
    numbers["detectable"] = (statistics.detectable(n, level / claims) * values.std(axis=0, ddof=1)).tolist()
    interval = [f"{low[i]:.4g} to {high[i]:.4g}{unit}" for i in range(m)]
    if m == 1:
        where = "outside" if outside else "inside"
        sentence = f"published {_bounds(claim, 0)}: {where} {interval[0]}, where 95 of 100 further runs are expected. "
        off = f"{numbers['detectable'][0]:.2g}{' points' if unit else ''}"
        sentence += f"A run that is {off} off the mean would be found in 80 of 100 cases"
    elif outside:
        first = outside[0]
        sentence = f"{len(outside)} of {m} outside the band that holds 95 of 100 further runs with all their numbers, "
        sentence += f"first {claim.places[first]}: published {_bounds(claim, first)}, band {interval[first]}"
    else:
        both = "both" if m == 2 else f"all {m}"
        sentence = f"{both} are in the band that holds 95 of 100 further runs with all their numbers"
    if np.isnan(p).any():
        equal = [claim.places[i] for i in range(m) if np.isnan(p[i])]
        sentence += f"; not judged, for all runs are equal in it: {', '.join(equal)}"
    if outside and adjusted >= LEVEL:
        sentence += f". As one of {claims} claims that is no surprise (p = {adjusted:.2g} by Holm's correction)"
    return Check(claim.name, bool(adjusted >= LEVEL), sentence, numbers)


def _bounds(claim: Claim, i: int) -> str:
    low, high, unit = claim.low[i], claim.high[i], f" {claim.unit}".rstrip()
    return f"{low:g}{unit}" if low == high else f"{low:g} to {high:g}{unit}"


def _about_the_data(results: Study, published: dict[str, Any]) -> list[str]:
    """Why a verdict is none on the published result, or what it is one on.

    Official images in another order are no other data for it: it judges how results spread over seeds, and each seed
    shuffles the images anyway, all orders alike, before they are split and in every epoch. To the bits of a run of
    given seeds, however, the order matters.
    """
    notes = []
    recipe = results.recipe
    if results.data.reordered:
        notes.append(
            f"The runs are on {data_label(results.data)}: seeds shuffle them anyway, so results spread over seeds as "
            "on the official order, but no run has the bits of one on it"
        )
    elif not results.data.official:
        notes.append(f"This is no verdict on the published result: the runs are on {data_label(results.data)}")
    if recipe.name != published["recipe"]:
        notes.append(f"The runs are of the recipe {recipe.name}, the published result is of {published['recipe']}")
    return notes

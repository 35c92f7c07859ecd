"""Which is the odd one: the published run, the study, or other people's runs of the recipe?

One published run is a weak reference, for it may be an unusual one. The published results of a recipe may hold
`others`: further runs of it, each somebody else's. `with_published` compares the published run with the study; here the
published run is compared with the others, by the same method, and the study with the others, as two groups of runs.
docs/comparing.md has the method, and how often it errs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from cifar_repro import statistics
from cifar_repro.statistics import LEVEL, Floats
from cifar_repro.studies.study_file import Study
from cifar_repro.verdicts.claims import claims_of, values_of
from cifar_repro.verdicts.verdict import (
    CONSISTENT,
    NONE,
    NOT_CONSISTENT,
    OTHERS,
    PUBLISHED,
    STUDY,
    Check,
    Population,
)

FEWEST = 3  # others that have a number, below which they say nothing of it
FEWEST_A_SIDE = 5  # of the study and of the others, below which Welch's test errs too often, so far out in its tails


@dataclass(frozen=True)
class _Number:
    """One number: as published (from and to), and of the runs that have it; study: None where its runs have none."""

    claim: str
    place: str
    unit: str
    published: tuple[float, float]
    others: Floats
    study: Floats | None


def population(results: Study, published: dict[str, Any], outcome: str) -> Population | None:
    """None where no other runs are known. outcome: what the study says of the published run."""
    others = published.get("others", [])
    if not others:
        return None
    numbers = _numbers(results, published, others)
    of_published = _checks(numbers, _p_of_published, _published)
    of_study = _checks(numbers, _p_of_study, _study)
    odd = _odd(outcome, _alike(of_published), _alike(of_study))
    return Population(len(others), of_published, of_study, odd, _main(numbers))


def _numbers(results: Study, published: dict[str, Any], others: Sequence[dict[str, Any]]) -> list[_Number]:
    """All numbers of all claims of the published run. Those of a run with fewer epochs are of those that it has."""
    of_others: dict[tuple[str, str], list[float]] = {}
    for run in others:
        for claim in claims_of(run, results)[0]:
            for place, value in zip(claim.places, claim.low, strict=True):
                of_others.setdefault((claim.name, place), []).append(value)
    numbers = []
    for claim in claims_of(published, results)[0]:
        ours = values_of(claim, results.runs)
        for i, place in enumerate(claim.places):
            bounds, known = (claim.low[i], claim.high[i]), np.array(of_others.get((claim.name, place), []))
            numbers.append(_Number(claim.name, place, claim.unit, bounds, known, None if ours is None else ours[:, i]))
    return numbers


def _published(number: _Number) -> str:
    low, high = number.published
    return f"published {_written(low, number.unit)}" + (f" to {_written(high, number.unit)}" if high != low else "")


def _study(number: _Number) -> str:
    assert number.study is not None
    return f"the study's {len(number.study)} runs {_spread(number.study, number.unit)}"


def _spread(values: Floats, unit: str) -> str:
    return f"{_written(float(values.mean()), unit)} (sd {values.std(ddof=1):.2g})"


def _written(value: float, unit: str) -> str:
    return f"{value:.2f} %" if unit else f"{value:.3f}"


def _p_of_published(numbers: Sequence[_Number]) -> Floats:
    low, high = np.transpose([number.published for number in numbers])
    return statistics.prediction_p(np.stack([number.others for number in numbers], axis=1), low, high)


def _p_of_study(numbers: Sequence[_Number]) -> Floats:
    ours = [number.study for number in numbers if number.study is not None]
    if len(ours) < len(numbers) or min(len(ours[0]), len(numbers[0].others)) < FEWEST_A_SIDE:
        return np.full(len(numbers), math.nan)
    return statistics.welch_p(np.stack(ours, axis=1), np.stack([number.others for number in numbers], axis=1))


def _p(numbers: Sequence[_Number], p_of: Callable[[Sequence[_Number]], Floats]) -> Floats:
    """The p-value of each number of a claim: of those that equally many others have, at once."""
    p = np.full(len(numbers), math.nan)
    counts = np.array([len(number.others) for number in numbers])
    for count in np.unique(counts[counts >= FEWEST]):
        these = np.flatnonzero(counts == count).tolist()
        p[these] = p_of([numbers[i] for i in these])
    return p


def _checks(
    numbers: Sequence[_Number],
    p_of: Callable[[Sequence[_Number]], Floats],
    written: Callable[[_Number], str],
) -> list[Check]:
    """A check for each claim, by Bonferroni's correction for its numbers and Holm's for the claims.

    written: the side that is compared with the others, as text.
    """
    claims = {name: list(group) for name, group in groupby(numbers, lambda number: number.claim)}
    each = {name: _p(group, p_of) for name, group in claims.items()}
    p = {name: statistics.bonferroni(values) for name, values in each.items()}
    judged = [name for name in claims if not math.isnan(p[name])]
    adjusted = dict(zip(judged, statistics.holm([p[name] for name in judged]), strict=True))
    checks = []
    for name, group in claims.items():
        if name not in adjusted:
            checks.append(Check(name, None, "too few runs have such numbers, or all are equal in them"))
            continue
        least = group[int(np.nanargmin(each[name]))]
        sentence = f"{written(least)}, {len(least.others)} others {_spread(least.others, least.unit)}"
        if len(group) > 1:
            sentence = f"of {len(group)} numbers, {least.place} stands out most: {sentence}"
        sentence += f"; p = {p[name]:.2g}, as one of {len(judged)} claims {adjusted[name]:.2g}"
        found = {"places": [x.place for x in group], "p": p[name], "p_adjusted": adjusted[name]}
        checks.append(Check(name, adjusted[name] >= LEVEL, sentence, found))
    return checks


def _alike(checks: Sequence[Check]) -> bool | None:
    """Whether all claims that can be judged hold; None where none can."""
    judged = [check.holds for check in checks if check.holds is not None]
    return all(judged) if judged else None


def _odd(outcome: str, published_alike: bool | None, study_alike: bool | None) -> str | None:
    """The one of three that is unlike both others, which are alike; where the three say that together."""
    consistent = {CONSISTENT: True, NOT_CONSISTENT: False}.get(outcome)
    said: dict[tuple[bool | None, ...], str] = {
        (True, True, True): NONE,
        (False, False, True): PUBLISHED,
        (False, True, False): STUDY,
        (True, False, False): OTHERS,
    }
    return said.get((consistent, published_alike, study_alike))


def _main(numbers: Sequence[_Number]) -> dict[str, dict[str, Any]]:
    """The first, tenth and last losses, and the test accuracy and loss; what the claims hold of these."""
    last = max((int(x.place.rsplit(" ", 1)[1]) for x in numbers if x.claim == "loss curve"), default=0)
    names = [f"{loss} of epoch {e}" for loss in ("train_loss", "valid_loss") for e in sorted({1, min(10, last), last})]
    names += ["test accuracy", "test loss"]
    found = {x.place: x for x in numbers if x.place in names}
    return {
        name: {
            "unit": found[name].unit,
            "published": found[name].published[0],
            "study": _group(found[name].study),
            "others": _group(found[name].others),
        }
        for name in names
        if name in found
    }


def _group(values: Floats | None) -> dict[str, Any] | None:
    if values is None or not len(values):
        return None
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return {"mean": float(values.mean()), "sd": sd, "runs": len(values)}

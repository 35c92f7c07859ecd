"""How far rounding alone lets the losses of two trainings drift apart, measured against trainings in float64.

Training is chaotic: what rounding changes in one step, later steps multiply. So a tolerance grows with the epochs, and
after few of them it is of the size of what another seed changes: equal seeds then say no more than other ones.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from cifar_repro.core.recipe import Recipe
from cifar_repro.runs.record import Data

# Two runs are compared, each off by itself: 2. Growth was measured in few runs, and differs between them: 5.
FACTOR = 2 * 5

# The largest of 60 differences between runs of two seeds is, with 95 %, below so many standard deviations of one:
# sqrt(2) times the normal quantile at 1 - 0.05/60/2.
TWO_SEEDS = 2**0.5 * 3.34


@dataclass(frozen=True)
class Growth:
    """Relative tolerances of losses. measured: by loss, one an epoch, for the first, telling epochs.

    later: that of all later losses, the test's included: what runs of two seeds differ by.
    """

    measured: dict[str, list[float]]
    later: float

    @property
    def telling(self) -> int:
        """For how many epochs rounding explains less than another seed would."""
        return min(len(tolerances) for tolerances in self.measured.values())

    def tolerance(self, name: str, epoch: int) -> float:
        """Of `train_loss` or `valid_loss` of an epoch."""
        return self.measured[name][epoch - 1] if epoch <= self.telling else self.later


def growth(recipe: Recipe, data: Data) -> Growth | None:
    """The tolerances for runs of a recipe on such data; None where none was measured.

    It was measured for `udacity` unchanged, but for the number of epochs, on 50,000 images: another learning rate or
    number of steps lets rounding grow in another way.
    """
    table = _table()
    changed = set(recipe.changes()) - {"epochs"}
    if recipe.name != table["recipe"] or changed or data.images("train") != table["images"]:
        return None
    later = TWO_SEEDS * table["sd_over_seeds"]
    measured: dict[str, list[float]] = {}
    for name, epochs in table["relative_errors"].items():
        largest = [max(max(errors) for errors in epochs[: e + 1]) for e in range(len(epochs))]
        measured[name] = [FACTOR * error for error in largest if FACTOR * error < later]
    return Growth(measured, later)


@lru_cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((files(__package__) / "rounding.json").read_text(encoding="utf-8"))
    return table

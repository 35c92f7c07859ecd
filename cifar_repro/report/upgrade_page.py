"""The page of an upgrade: the answer in words, its table, where the two sides part, and the numbers behind it."""

from pathlib import Path
from typing import Any

from cifar_repro import __version__
from cifar_repro.formats import plain
from cifar_repro.report.tables import ENVIRONMENT
from cifar_repro.report.templates import template, write_page
from cifar_repro.runs.record import data_label
from cifar_repro.upgrades import text
from cifar_repro.upgrades.answer import Statistics, Upgrade

NAME = "upgrade.html"  # in the folder of an upgrade
SHOWN = (1, 2, 5, 10, 20)  # steps, in the table of growth


def write_upgrade_page(folder: Path, upgrade: Upgrade) -> None:
    """Writes the page into the folder of the upgrade."""
    write_page(folder / NAME, render(upgrade))


def render(upgrade: Upgrade) -> str:
    """The page of `write_upgrade_page`."""
    bits = upgrade.bits
    return template("upgrade.html.j2").render(
        version=__version__,
        title=text.title(upgrade),
        before=upgrade.before.torch,
        after=upgrade.after.torch,
        headline=text.headline(upgrade),
        level={True: "good", False: "bad", None: "warn"}[upgrade.fine],
        sign={True: "✓", False: "✗", None: "?"}[upgrade.fine],
        compared=text.compared(upgrade),
        rows=[
            {"name": name, "answer": answer, "reason": reason, "level": level}
            for (name, answer, reason), level in zip(text.rows(upgrade), _levels(upgrade), strict=True)
        ],
        bits=bits,
        growth=[row for row in bits.growth if row[0] in SHOWN],
        statistics=upgrade.statistics,
        checks=[] if bits.same else upgrade.statistics.checks,
        notes=upgrade.statistics.notes,
        accuracies=_accuracies(upgrade.statistics),
        speed=upgrade.speed,
        environment=_environment(upgrade),
        data=data_label(upgrade.data),
        fingerprints=plain(upgrade.data.fingerprints),
    )


def _levels(upgrade: Upgrade) -> list[str]:
    """How good each of the three answers is."""
    statistics = {"same": "good", "different": "bad", "cannot be told": "warn"}[upgrade.statistics.answer]
    if upgrade.bits.same:
        statistics = "good"
    speed = {"faster": "good", "slower": "bad", "cannot be told": "good"}[upgrade.speed.answer]
    return ["good" if upgrade.bits.same else "warn", statistics, speed]


def _accuracies(statistics: Statistics) -> list[tuple[int, float | None, float | None]]:
    """By seed, what either side has of it; None where its run diverged, or was not made."""
    sides = zip(statistics.seeds, statistics.accuracies, strict=True)
    before, after = (dict(zip(seeds, accuracies, strict=True)) for seeds, accuracies in sides)
    return [(seed, before.get(seed), after.get(seed)) for seed in sorted({*before, *after})]


def _environment(upgrade: Upgrade) -> list[dict[str, Any]]:
    """Each entry of both environments, and whether they differ in it."""
    before, after = plain(upgrade.before), plain(upgrade.after)
    return [
        {
            "name": word,
            "before": _value(before[name]),
            "after": _value(after[name]),
            "differs": before[name] != after[name],
        }
        for name, word in ENVIRONMENT.items()
        if before[name] is not None or after[name] is not None
    ]


def _value(entry: Any) -> str:
    return "yes" if entry is True else "no" if entry is False else "none" if entry is None else str(entry)

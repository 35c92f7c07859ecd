"""What `cifar-repro verdict` prints for people to read."""

from cifar_repro.runs.record import Data, data_label
from cifar_repro.verdicts.verdict import CLOSE, Verdict

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
    return "\n".join(lines)

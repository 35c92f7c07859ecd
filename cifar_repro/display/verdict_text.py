"""What `cifar-repro verdict` prints for people to read."""

from cifar_repro.evidence.verdict import Verdict

HOLDS = {True: "holds", False: "does not hold", None: "cannot be told"}


def published(recipe: str, official: bool) -> str:
    """What a study is compared with. official: whether its data is CIFAR-10 for sure; the result is of no other."""
    return f"the published result of {recipe}" if official else f"the published numbers of {recipe}, on other data"


def verdict(found: Verdict, compared_with: str) -> str:
    """The outcome in words, what a reader must know besides, and each comparison behind it."""
    word = found.outcome if found.outcome.endswith("with") else f"{found.outcome}, compared with"
    lines = [f"Verdict: {word} {compared_with}", *(f"  {note}." for note in found.notes), ""]
    for check in found.checks:
        lines += [f"{check.name}: {HOLDS[check.holds]}", f"  {check.sentence}."]
    return "\n".join(lines)

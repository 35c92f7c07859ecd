"""Do two runs of a program print the same, and if not, where do they part?"""

from collections.abc import Sequence

from cifar_repro.audits.events import Batch, Event, Forward, Network, Print, Seed, of_kind
from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong


def compare(first: Sequence[Event], second: Sequence[Event]) -> Finding:
    """Where a second run parts from the first, and which generator was not seeded."""
    a, b = of_kind(first, Print), of_kind(second, Print)
    if not a and not b:
        return not_seen("nothing was printed")
    parting = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x.text != y.text), None)
    why = _why(first, second)
    if parting is None and len(a) == len(b) and not why:
        return right(f"two runs print the same {count(len(a), 'line')}")
    if parting is None and len(a) == len(b):
        return wrong(f"two runs print the same {count(len(a), 'line')}, but {why}", a[-1].at)
    x, y = (run[-1 if parting is None else parting] if run else Print(text="") for run in (a, b))
    shown = f"'{x.text.strip()[:60]}' and '{y.text.strip()[:60]}'"
    if not why:
        return unusual(f"two runs print {shown}, but train the same: times, perhaps", x.at)
    return wrong(f"two runs part at {shown}: {why}", x.at)


def _why(first: Sequence[Event], second: Sequence[Event]) -> str:
    """The first cause of a difference that can be named."""
    for x, y in zip(first, second, strict=False):
        if isinstance(x, Batch) and isinstance(y, Batch) and x.images != y.images:
            return f"the images come in another order, or are others: {_unseeded(first)}"
        if isinstance(x, Batch) and isinstance(y, Batch) and x.looks != y.looks:
            return f"images are augmented otherwise: {_unseeded(first)}"
        if isinstance(x, Forward) and isinstance(y, Forward) and x.weights != y.weights:
            begun = len(of_kind(first[: list(first).index(x)], Network)) <= 1
            return f"the {'initial ' if begun else ''}weights are others: {_unseeded(first)}"
    return ""


def _unseeded(events: Sequence[Event]) -> str:
    seeded = {event.generator for event in of_kind(events, Seed)}
    calls = {"torch": "torch.manual_seed(...)", "numpy": "np.random.seed(...)", "random": "random.seed(...)"}
    lacking = [call for name, call in calls.items() if name not in seeded]
    lacking = lacking[:-1] or lacking  # few programs draw from Python's own generator
    return f"nothing calls {' or '.join(lacking)}" if lacking else "all generators are seeded"

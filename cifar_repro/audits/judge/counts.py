"""The rule on printed accuracies and counts, per class and overall."""

import re
from dataclasses import replace

from cifar_repro.audits.judge.finding import Finding, Outcome, count, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.numbers import Numbers, loops_before, numbers
from cifar_repro.audits.judge.words import PAIR, Line, Said, lines, numbers_of
from cifar_repro.audits.small_data import OFFICIAL
from cifar_repro.audits.story import Loop, Story

NAMES = ("airplane|plane", "automobile|car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
Loops = dict[str, list[Loop]]
Verdict = tuple[Outcome, str]  # and what the number is


def printed_counts(story: Story) -> Finding:
    """Accuracies and counts, per class and overall."""
    good = 0
    odd: list[tuple[str, Line]] = []
    for line in lines(story):
        loops = loops_before(story, line.event)
        if not any(loops.values()):
            continue
        accuracies = _accuracies(replace(line, text=PAIR.sub("", line.text)))
        for verdict in (_pair_is(line, loops, story), *(_accuracy_is(said, loops, story) for said in accuracies)):
            outcome, what = verdict or ("not seen", "")
            if outcome == "WRONG":
                return wrong(f"'{line.short}': {what}", line.at)
            good += outcome == "right"
            odd += [(what, line)] if outcome == "unusual" else []
    if odd:
        what, line = odd[0]
        return unusual(f"'{line.short}': {what}", line.at)
    return right(f"{count(good, 'printed number')} as counted here") if good else not_seen("no accuracy was printed")


def _class_in(text: str) -> int | None:
    found = [k for k, names in enumerate(NAMES) if re.search(rf"\b({names})s?\b", text.lower())]
    return found[0] if len(found) == 1 else None


def _of(x: Numbers, label: int | None) -> tuple[int, int]:
    """(right ones, images) of a class, or of all."""
    return (x.correct, x.images) if label is None else x.per_class[label]


def _pair_is(line: Line, loops: Loops, story: Story) -> Verdict | None:
    """Of "right/total" in a line."""
    low = line.text.lower()
    match = PAIR.search(low)
    label = _class_in(low)
    if not match or not (label is not None or "acc" in low or "correct" in low) or int(match[1]) > int(match[2]):
        return None
    if re.search(r"(epoch|step|batch|iter)\W*\[?$", low[: match.start()]) or not loops["test"]:
        return None
    pair = (int(match[1]), int(match[2]))
    test = numbers(story, loops["test"][-1], line.event)
    latest = [numbers(story, loop, line.event) for role in loops for loop in loops[role][-2:]]
    if pair in [_of(x, label) for x in latest] or (label is not None and pair in test.per_class):
        return "right", ""
    if line.role(match.start()) not in ("", "test"):
        return None
    hits, total = _of(test, label)
    if label is None and pair[1] in OFFICIAL.values():
        return ("right", "") if pair[0] == hits else None
    of = f"of {total} test images{'' if label is None else ' of this class'} {hits} are right"
    return "WRONG", f"{of}, but {pair[0]} of {pair[1]} are printed"


def _accuracies(line: Line) -> list[Said]:
    named = numbers_of(line, "acc")
    if named:
        return named[:4]
    about = _class_in(line.text) is not None or "acc" in line.text.lower()
    return [said for said in numbers_of(line) if said.percent and about]


def _accuracy_is(said: Said, loops: Loops, story: Story) -> Verdict | None:
    label = _class_in(said.line.text)
    for loop in (loop for several in loops.values() for loop in several):
        if _is_accuracy_of(said, label, loop, story):
            return "right", ""
    roles = [said.role] if said.role and loops[said.role] else list(loops)
    for loop in (loop for role in roles for loop in loops[role][-1:]):
        found = _wrong_share(said, numbers(story, loop), story) if label is None and said.line.after(loop) else None
        if found:
            return found
    final = bool(story.final_tests) and said.line.event > story.final_tests[0].last
    if final and said.percent and said.role in ("", "test") and "top" not in said.line.text.lower():
        x = numbers(story, story.final_tests[0])
        hits, total = _of(x, label)
        if total and x.passes[-1].call.predicted:
            of = "test images" if label is None else "test images of this class"
            return "WRONG", f"{hits} of {total} {of} are right, which is {100 * hits / total:.4g} %"
    return None


def _is_accuracy_of(said: Said, label: int | None, loop: Loop, story: Story) -> bool:
    x = numbers(story, loop, said.line.event)
    hits, total = _of(x, label)
    if not total:
        return False
    whole = OFFICIAL["test" if loop.tests else "train"]  # a number written down for the whole set
    if said.is_share(hits, total) or (label is None and said.is_share(hits, whole)):
        return True
    if label is not None or said.line.after(loop):
        return False
    lasts = [x.counted[-k:] for k in range(1, x.batches + 1)]  # while a loop goes on: of the last batches
    return any(said.is_share(sum(c for c, _ in last), sum(n for _, n in last)) for last in lasts)


def _wrong_share(said: Said, x: Numbers, story: Story) -> Verdict | None:
    own = f"{x.correct} of {x.images} are right, which is {100 * x.correct / max(1, x.images):.4g} %"
    if x.batches > 1 and said.number > 0:
        if said.is_share(sum(c / n for c, n in x.counted), x.batches):
            return (
                "unusual",
                f"the mean of the batches' accuracies, in which the last, smaller batch counts more; {own}",
            )
        if said.is_share(*x.counted[-1]):
            return "WRONG", f"the accuracy of the last batch alone; {own}"
        for length, what in ((x.batches * x.full, "as if all batches were full"), (story.train, "all training images")):
            if length != x.images and said.is_share(x.correct, length):
                return "WRONG", f"divided by {length} ({what}); {own}"
    classes = [c / n for c, n in x.per_class if n]
    if classes and said.is_share(sum(classes), len(classes)):
        return "unusual", f"the mean of the classes' accuracies; {own}"
    return None

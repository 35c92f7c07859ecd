"""The rule on printed accuracies and counts, per class and overall."""

import math
import re
from collections.abc import Iterator

from cifar_repro.audits.events import Place
from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.numbers import Numbers
from cifar_repro.audits.judge.words import (
    NUMBER,
    PAIR,
    Said,
    ended,
    loops_before,
    numbers_after,
    role_of,
    short,
    so_far,
    words,
)
from cifar_repro.audits.small_data import OFFICIAL
from cifar_repro.audits.story import Loop, Story

NAMES = ("airplane|plane", "automobile|car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def printed_counts(story: Story) -> Finding:
    """Accuracies and counts, per class and overall."""
    good = 0
    odd: list[tuple[str, Said]] = []
    for n, text, at in words(story):
        loops = loops_before(story, n)
        if not any(loops.values()):
            continue
        bad = _pair(n, text, at, loops, story)
        if bad is not None:
            if bad:
                return wrong(f"'{short(text)}': {bad}", at)
            good += 1
        for said in _accuracies(n, PAIR.sub("", text), at):
            what, fits = _accuracy_is(said, loops, story)
            if fits:
                good += 1
            elif what.startswith("WRONG"):
                return wrong(f"'{short(text)}': {what.removeprefix('WRONG ')}", at)
            elif what:
                odd.append((what, said))
    if odd:
        what, said = odd[0]
        return unusual(f"'{short(said.text)}': {what}", said.at)
    return right(f"{count(good, 'printed number')} as counted here") if good else not_seen("no accuracy was printed")


def _class_in(text: str) -> int | None:
    found = [k for k, names in enumerate(NAMES) if re.search(rf"\b({names})s?\b", text.lower())]
    return found[0] if len(found) == 1 else None


def _pair(n: int, text: str, at: list[Place], loops: dict[str, list[Loop]], story: Story) -> str | None:
    """What is wrong with "right/total" in a line; "" if nothing, None where there is no such thing."""
    low = text.lower()
    match = PAIR.search(low)
    label = _class_in(text)
    if not match or not (label is not None or "acc" in low or "correct" in low) or int(match[1]) > int(match[2]):
        return None
    if re.search(r"(epoch|step|batch|iter)\W*\[?$", low[: match.start()]) or not loops["test"]:
        return None
    pair = (int(match[1]), int(match[2]))
    counted = []
    for loop in [each for role in loops for each in loops[role][-2:]]:
        x = so_far(loop, n, story)
        counted.append(x.per_class[label] if label is not None else (x.correct, x.images))
    if pair in counted or (label is not None and pair in so_far(loops["test"][-1], n, story).per_class):
        return ""
    test = so_far(loops["test"][-1], n, story)
    if role_of(low[: match.start()], low) not in ("", "test"):
        return None
    wanted = test.per_class[label] if label is not None else (test.correct, test.images)
    of = f"of {wanted[1]} test images{'' if label is None else ' of this class'} {wanted[0]} are right"
    if label is None and pair[1] in OFFICIAL.values():
        return "" if pair[0] == wanted[0] else None
    return f"{of}, but {pair[0]} of {pair[1]} are printed"


def _accuracies(n: int, text: str, at: list[Place]) -> Iterator[Said]:
    low = text.lower()
    named = list(numbers_after(n, text, at, "acc"))
    if named:
        yield from named[:4]
    elif "%" in text and (_class_in(text) is not None or "acc" in low):
        for match in NUMBER.finditer(low):
            written = match.group()
            if low[match.end() :].lstrip().startswith("%"):
                yield Said(
                    n,
                    text,
                    float(written),
                    len(written.partition(".")[2]),
                    role_of(low[: match.start()], low),
                    at,
                    written,
                )


def _accuracy_is(said: Said, loops: dict[str, list[Loop]], story: Story) -> tuple[str, bool]:
    """What an accuracy is, if it is not as counted; and whether it is."""
    label = _class_in(said.text)
    roles = [said.role] if said.role and loops[said.role] else list(loops)
    every = [loop for loops_of in loops.values() for loop in loops_of]
    for loop in every:
        x = so_far(loop, said.line, story)
        shares = [x.per_class[label]] if label is not None else [(x.correct, x.images), *x.counted[-1:]]
        right_ones, size = 0, 0
        for k, (batch, right_in) in enumerate(reversed(x.counted), 1):  # while a loop goes on, of the last batches
            right_ones, size = right_ones + right_in, size + batch
            if k > 1 and label is None and not ended(loop, said.line):
                shares.append((right_ones, size))
        for k, (c, t) in enumerate(shares):
            alone = k == 1 and ended(loop, said.line) and x.batches > 1
            if t and _is_share(said, c / t) and not alone:
                return "", True
            if t and label is None and k == 0 and _is_share(said, c / OFFICIAL["test" if loop.tests else "train"]):
                return "", True  # divided by a number written down for the whole set
    for role in roles:
        for loop in loops[role][-1:]:
            x = so_far(loop, said.line, story)
            if label is None and ended(loop, said.line) and (found := _wrong_share(said, x, story)):
                return found, False
    final = bool(story.final_tests) and said.line > story.final_tests[0].last
    percent = said.text[said.text.find(said.written) + len(said.written) :].lstrip().startswith("%")
    if final and percent and said.role in ("", "test") and "top" not in said.text.lower():
        x = so_far(story.final_tests[0], said.line, story)
        hits, total = x.per_class[label] if label is not None else (x.correct, x.images)
        if total and x.passes[-1].call.predicted:
            of = "test images" if label is None else "test images of this class"
            return f"WRONG {hits} of {total} {of} are right, which is {100 * hits / total:.4g} %", False
    return "", False


def _is_share(said: Said, share: float) -> bool:
    whole = said.decimals == 0 and said.number == math.floor(100 * share + 1e-9)
    return said.means(share) if said.number <= 1 and said.decimals > 1 else said.means(100 * share) or whole


def _wrong_share(said: Said, x: Numbers, story: Story) -> str:
    own = f"{x.correct} of {x.images} are right, which is {100 * x.correct / max(1, x.images):.4g} %"
    if x.batches > 1 and said.number > 0:
        each = [right_ones / n for n, right_ones in x.counted]
        if _is_share(said, sum(each) / len(each)):
            return f"the mean of the batches' accuracies, in which the last, smaller batch counts more; {own}"
        if _is_share(said, x.counted[-1][1] / x.counted[-1][0]):
            return f"WRONG the accuracy of the last batch alone; {own}"
        for length, what in ((x.batches * x.full, "as if all batches were full"), (story.train, "all training images")):
            if length != x.images and _is_share(said, x.correct / length):
                return f"WRONG divided by {length} ({what}); {own}"
    classes = [c / t for c, t in x.per_class if t]
    if classes and _is_share(said, sum(classes) / len(classes)):
        return f"the mean of the classes' accuracies; {own}"
    return ""

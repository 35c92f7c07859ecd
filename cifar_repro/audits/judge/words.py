"""Rules on what is printed: are the losses and the counts what they are said to be?"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cifar_repro.audits.events import Place
from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.numbers import Numbers
from cifar_repro.audits.small_data import OFFICIAL
from cifar_repro.audits.story import Loop, Story

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\d)")
PAIR = re.compile(r"(?<![\d.])(\d+)(?:\.0*)?\s*/\s*(\d+)(?:\.0*)?(?![\d.])")
ROLES = {"test": "test", "val": "validation", "train": "training"}
NAMES = ("airplane|plane", "automobile|car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass
class Said:
    """A number that is printed. role: of which loop it seems to be; share: as per cent."""

    line: int
    text: str
    number: float
    decimals: int
    role: str
    at: list[Place]
    written: str

    def means(self, value: float | None) -> bool:
        """Whether it is this value, as it is written."""
        if value is None or not math.isfinite(value):
            return False
        near = 0.5 * 10.0**-self.decimals * 1.001 + 2e-6 * abs(value)
        return abs(self.number - value) <= near


def _words(story: Story) -> Iterator[tuple[int, str, list[Place]]]:
    for n, event in story.prints:
        for text in event.text.splitlines():
            yield n, text, event.at


def _role(before: str, text: str) -> str:
    """By the last such word before the number, else by the first in the line."""
    found = [(before.rfind(word), role) for word, role in ROLES.items() if word in before]
    if found:
        return max(found)[1]
    return next((role for word, role in ROLES.items() if word in text), "")


def _said(n: int, text: str, at: list[Place], subject: str) -> Iterator[Said]:
    """The numbers of a line that follow a word of the subject ("loss", "acc")."""
    low = text.lower()
    for match in NUMBER.finditer(low):
        before = low[: match.start()]
        subjects = [
            (m.end(), m.group()) for m in re.finditer(r"loss|acc|error|correct|lr|epoch|time|batch|step|iter", before)
        ]
        if not subjects or not re.match(subject, max(subjects)[1]):
            continue
        written = match.group()
        decimals = len(written.partition(".")[2].partition("e")[0]) - int(written.partition("e")[2] or 0)
        yield Said(n, text, float(written), max(0, decimals), _role(before, low), at, written)


def _loops(story: Story, n: int) -> dict[str, list[Loop]]:
    """The loops of each role that had begun when something was printed, the latest last."""
    kinds = {"training": story.training, "validation": story.validations, "test": story.tests}
    others = [loop for loop in story.evaluations if not any(loop in loops for loops in kinds.values())]
    return {name: [loop for loop in loops if loop.number < n] for name, loops in {**kinds, "": others}.items()}


def _so_far(loop: Loop, n: int, story: Story) -> Numbers:
    return Numbers([p for p in loop.passes if p.number < n], story.labels)


def printed_losses(story: Story) -> Finding:
    judged: list[tuple[str, str, Said]] = []  # outcome, what it is
    for n, text, at in _words(story):
        for said in _said(n, text, at, "loss"):
            if said.decimals >= 2 and (verdict := _loss_is(said, story)):
                judged.append((*verdict, said))
    if not judged:
        return not_seen("no loss was printed that could be compared")
    for outcome, make in (("WRONG", wrong), ("unusual", unusual)):
        found = [(what, said) for kind, what, said in judged if kind == outcome]
        if found:
            what, said = found[0]
            more = f" (so {len(found)} of {len(judged)} printed losses)" if len(judged) > 1 else ""
            return make(f"'{_short(said.text)}': {what}{more}", said.at)
    kinds = sorted({what for _, what, _ in judged})
    return right(f"{count(len(judged), 'printed loss')}: {'; '.join(kinds)}", judged[0][2].at)


def _loss_is(said: Said, story: Story) -> tuple[str, str] | None:
    loops = _loops(story, said.line)
    roles = [said.role] if said.role and loops[said.role] else [r for r in loops if loops[r]]
    latest = [(role, loops[role][-1], _so_far(loops[role][-1], said.line, story)) for role in roles]
    for _, _, x in latest:
        if said.means(x.loss):
            return "right", "means over images"
        if said.means(min((m for _, _, y in latest for m in [y.loss] if m is not None), default=None)):
            return "right", "means over images"
    for earlier in (loop for role in roles for loop in loops[role]):  # the best so far, say
        if said.means(_so_far(earlier, said.line, story).loss):
            return "right", "means over images"
    for role, loop, x in latest:
        if not x.means:
            continue
        done = said.line > loop.last and x.batches == len(loop.passes)
        if said.means(x.plain / x.batches):
            even = len(set(x.sizes)) == 1
            return ("right" if even else "unusual"), (
                "means of batches" if even else f"the mean of {x.batches} batches, in which the images of the last one "
                f"({x.sizes[-1]} in place of {x.sizes[0]}) count more; the mean over images is {x.loss:.6g}"
            )  # fmt: skip
        if (loop.complete is False or not done or story.events) and not _ended(loop, said.line):
            window = _window(said, x)
            if window:
                return "right", window
        if said.means(x.means[-1]):
            return "unusual", f"the loss of the last batch alone; the mean over the epoch is {x.loss:.6g}"
        if not done:
            continue
        found = _wrong_mean(said, role, loop, x, loops, story)
        if found:
            return found
        window = _window(said, x)
        if window and said.decimals > 2:
            return "right", window
    if said.role:
        for other, (latest_loop, *_) in ((r, ls[::-1]) for r, ls in loops.items() if r and r != said.role and ls):
            if said.decimals >= 4 and said.means(_so_far(latest_loop, said.line, story).loss):
                return "WRONG", f"this is the mean loss of {other}"
    return None


def _ended(loop: Loop, n: int) -> bool:
    return loop.complete and n > loop.last


def _window(said: Said, x: Numbers) -> str:
    """A mean of the last batches, as is printed while an epoch goes on."""
    total = 0.0
    for k, mean in enumerate(reversed(x.means), 1):
        total += mean
        if k > 1 and said.means(total / k):
            return "running means of batches"
    return "losses of single batches" if x.means and said.means(x.means[-1]) else ""


def _wrong_mean(
    said: Said, role: str, loop: Loop, x: Numbers, loops: dict[str, list[Loop]], story: Story
) -> tuple[str, str] | None:
    own = f"the mean over images is {x.loss:.6g}"
    images = sum(x.sizes)
    if said.means(x.plain / images):
        return (
            "WRONG",
            f"the batches' mean losses are added and divided by {images} images: multiply each by its size; {own}",
        )
    if said.means(x.plain) or said.means(x.weighted):
        return "unusual", f"a sum over the epoch, not a mean; {own}"
    if said.means(sum(x.means) * x.full / images):
        return "WRONG", f"the last, smaller batch ({x.sizes[-1]} images) counts as a full one ({x.full}); {own}"
    if said.means(x.weighted / x.batches):
        return "WRONG", f"the sum over images is divided by {x.batches} batches; {own}"
    lengths = {story.train: "all training images", story.test: "the test images", x.full: "the batch size"}
    for name, others in loops.items():
        if others:
            y = _so_far(others[-1], said.line, story)
            lengths.setdefault(y.images, f"the {name or 'other'} images")
            lengths.setdefault(y.batches, f"the {name or 'other'} batches")
    for length, what in lengths.items():
        if length and length != images and said.means(x.weighted / length):
            return "WRONG", f"the sum over {images} images is divided by {length} ({what}); {own}"
        if length and length not in (images, x.batches) and said.means(x.plain / length):
            return "WRONG", f"the sum over {x.batches} batches is divided by {length} ({what}); {own}"
    earlier = [Numbers(each.passes, story.labels) for each in loops[role]]
    if len(earlier) > 1:
        carried = 0.0
        for each in earlier:  # the mean of the epoch before is where the next sum starts
            carried = (carried + each.weighted) / images
        if said.means(carried):
            return "WRONG", f"the sum starts from the mean of the epoch before: set it to 0 in each epoch; {own}"
        whole, plain = sum(e.weighted for e in earlier), sum(e.plain for e in earlier)
        if said.means(whole / images) or said.means(plain / x.batches) or said.means(plain / images):
            return (
                "WRONG",
                f"the losses of all {len(earlier)} epochs are added up: set the sum to 0 in each epoch; {own}",
            )
    return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else text[:67] + "..."


def printed_counts(story: Story) -> Finding:
    """Accuracies and counts, per class and overall."""
    good = 0
    odd: list[tuple[str, Said]] = []
    for n, text, at in _words(story):
        loops = _loops(story, n)
        if not any(loops.values()):
            continue
        bad = _pair(n, text, at, loops, story)
        if bad is not None:
            if bad:
                return wrong(f"'{_short(text)}': {bad}", at)
            good += 1
        for said in _accuracies(n, PAIR.sub("", text), at):
            what, fits = _accuracy_is(said, loops, story)
            if fits:
                good += 1
            elif what.startswith("WRONG"):
                return wrong(f"'{_short(text)}': {what.removeprefix('WRONG ')}", at)
            elif what:
                odd.append((what, said))
    if odd:
        what, said = odd[0]
        return unusual(f"'{_short(said.text)}': {what}", said.at)
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
        x = _so_far(loop, n, story)
        counted.append(x.per_class[label] if label is not None else (x.correct, x.images))
    if pair in counted or (label is not None and pair in _so_far(loops["test"][-1], n, story).per_class):
        return ""
    test = _so_far(loops["test"][-1], n, story)
    if _role(low[: match.start()], low) not in ("", "test"):
        return None
    wanted = test.per_class[label] if label is not None else (test.correct, test.images)
    of = f"of {wanted[1]} test images{'' if label is None else ' of this class'} {wanted[0]} are right"
    if label is None and pair[1] in OFFICIAL.values():
        return "" if pair[0] == wanted[0] else None
    return f"{of}, but {pair[0]} of {pair[1]} are printed"


def _accuracies(n: int, text: str, at: list[Place]) -> Iterator[Said]:
    low = text.lower()
    named = list(_said(n, text, at, "acc"))
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
                    _role(low[: match.start()], low),
                    at,
                    written,
                )


def _accuracy_is(said: Said, loops: dict[str, list[Loop]], story: Story) -> tuple[str, bool]:
    """What an accuracy is, if it is not as counted; and whether it is."""
    label = _class_in(said.text)
    roles = [said.role] if said.role and loops[said.role] else list(loops)
    every = [loop for loops_of in loops.values() for loop in loops_of]
    for loop in every:
        x = _so_far(loop, said.line, story)
        shares = [x.per_class[label]] if label is not None else [(x.correct, x.images), *x.counted[-1:]]
        right_ones, of = 0, 0
        for k, (batch, right_in) in enumerate(reversed(x.counted), 1):  # while a loop goes on, of the last batches
            right_ones, of = right_ones + right_in, of + batch
            if k > 1 and label is None and not _ended(loop, said.line):
                shares.append((right_ones, of))
        for k, (c, t) in enumerate(shares):
            alone = k == 1 and _ended(loop, said.line) and x.batches > 1
            if t and _is_share(said, c / t) and not alone:
                return "", True
            if t and label is None and k == 0 and _is_share(said, c / OFFICIAL["test" if loop.tests else "train"]):
                return "", True  # divided by a number written down for the whole set
    for role in roles:
        for loop in loops[role][-1:]:
            x = _so_far(loop, said.line, story)
            if label is None and _ended(loop, said.line) and (found := _wrong_share(said, x, story)):
                return found, False
    final = bool(story.final_tests) and said.line > story.final_tests[0].last
    percent = said.text[said.text.find(said.written) + len(said.written) :].lstrip().startswith("%")
    if final and percent and said.role in ("", "test") and "top" not in said.text.lower():
        x = _so_far(story.final_tests[0], said.line, story)
        c, t = x.per_class[label] if label is not None else (x.correct, x.images)
        if t and x.passes[-1].call.predicted:
            of = "test images" if label is None else "test images of this class"
            return f"WRONG {c} of {t} {of} are right, which is {100 * c / t:.4g} %", False
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

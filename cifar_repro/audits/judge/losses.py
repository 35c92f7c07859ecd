"""The rule on printed losses: of what are they means?"""

import re

from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.numbers import Numbers
from cifar_repro.audits.judge.words import Said, ended, loops_before, numbers_after, short, so_far, words
from cifar_repro.audits.small_data import OFFICIAL
from cifar_repro.audits.story import Loop, Story

WRITTEN = re.compile(r"(?<![\w.%])\d{2,6}(?![\w.])")  # a whole number in a line of source


def printed_losses(story: Story) -> Finding:
    judged: list[tuple[str, str, Said]] = []  # outcome, what it is
    for n, text, at in words(story):
        for said in numbers_after(n, text, at, "loss"):
            if said.decimals >= 2 and (verdict := _loss_is(said, story)):
                judged.append((*verdict, said))
    if not judged:
        return not_seen("no loss was printed that could be compared")
    for outcome, make in (("WRONG", wrong), ("unusual", unusual)):
        found = [(what, said) for kind, what, said in judged if kind == outcome]
        if found:
            what, said = found[0]
            more = f" (so {len(found)} of {len(judged)} printed losses)" if len(judged) > 1 else ""
            return make(f"'{short(said.text)}': {what}{more}", said.at)
    kinds = sorted({what for _, what, _ in judged})
    return right(f"{count(len(judged), 'printed loss')}: {'; '.join(kinds)}", judged[0][2].at)


def _loss_is(said: Said, story: Story) -> tuple[str, str] | None:
    loops = loops_before(story, said.line)
    roles = [said.role] if said.role and loops[said.role] else [r for r in loops if loops[r]]
    latest = [(role, loops[role][-1], so_far(loops[role][-1], said.line, story)) for role in roles]
    for _, _, x in latest:
        if said.means(x.loss):
            return "right", "means over images"
        if said.means(min((m for _, _, y in latest for m in [y.loss] if m is not None), default=None)):
            return "right", "means over images"
    for earlier in (loop for role in roles for loop in loops[role]):  # the best so far, say
        if said.means(so_far(earlier, said.line, story).loss):
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
        if (loop.complete is False or not done or story.events) and not ended(loop, said.line):
            window = _window(said, x)
            if window:
                return "right", window
        if found := _by_a_written_number(said, x, story):
            return found
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
            if said.decimals >= 4 and said.means(so_far(latest_loop, said.line, story).loss):
                return "WRONG", f"this is the mean loss of {other}"
    return None


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
            y = so_far(others[-1], said.line, story)
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


def _by_a_written_number(said: Said, x: Numbers, story: Story) -> tuple[str, str] | None:
    """The sum so far over a number that stands in the line that prints it."""
    name, line = said.at[0]
    source = story.sources.get(name, "").splitlines()
    written = (
        {int(n) for n in re.findall(r"(?<![\w.%])\d{2,6}(?![\w.])", source[line - 1])} if line <= len(source) else set()
    )
    for k in written:
        if k in OFFICIAL.values() and said.means(x.weighted / k):
            return "right", f"sums divided by the {k:,} of the whole set"
        if k != x.batches and said.means(x.plain / k):
            return (
                "WRONG",
                f"the sum of {x.batches} batches is divided by {k:,}; their mean is {x.plain / x.batches:.6g}",
            )
    return None

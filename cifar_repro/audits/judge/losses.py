"""The rule on printed losses: of what are they means?"""

import re

from cifar_repro.audits.judge.finding import Finding, Outcome, count, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.numbers import Numbers, loops_before, numbers
from cifar_repro.audits.judge.words import Said, lines, numbers_of
from cifar_repro.audits.small_data import OFFICIAL
from cifar_repro.audits.story import Loop, Story

WRITTEN = re.compile(r"(?<![\w.%])\d{2,6}(?![\w.])")  # a whole number in a line of source
Verdict = tuple[Outcome, str]  # and what the number is


def printed_losses(story: Story) -> Finding:
    judged: list[tuple[Outcome, str, Said]] = []
    for said in (said for line in lines(story) for said in numbers_of(line, "loss")):
        if said.decimals >= 2 and (verdict := _loss_is(said, story)):
            judged.append((*verdict, said))
    if not judged:
        return not_seen("no loss was printed that could be compared")
    for outcome, make in (("WRONG", wrong), ("unusual", unusual)):
        found = [(what, said) for kind, what, said in judged if kind == outcome]
        if found:
            what, said = found[0]
            more = f" (so {len(found)} of {len(judged)} printed losses)" if len(judged) > 1 else ""
            return make(f"'{said.line.short}': {what}{more}", said.line.at)
    kinds = sorted({what for _, what, _ in judged})
    return right(f"{count(len(judged), 'printed loss')}: {'; '.join(kinds)}", judged[0][2].line.at)


def _loss_is(said: Said, story: Story) -> Verdict | None:
    loops = loops_before(story, said.line.event)
    roles = [said.role] if said.role and loops[said.role] else [role for role in loops if loops[role]]
    if any(said.means(numbers(story, loop, said.line.event).loss) for role in roles for loop in loops[role]):
        return "right", "means over images"  # of the latest loop, or of an earlier one: the best so far, say
    for role in roles:
        loop = loops[role][-1]
        x = numbers(story, loop, said.line.event)
        if x.means and (verdict := _of_batches(said, role, loop, x, loops, story)):
            return verdict
    if said.role and said.decimals >= 4:
        for other, others in loops.items():
            if other and others and other != said.role and said.means(numbers(story, others[-1], said.line.event).loss):
                return "WRONG", f"this is the mean loss of {other}"
    return None


def _of_batches(
    said: Said, role: str, loop: Loop, x: Numbers, loops: dict[str, list[Loop]], story: Story
) -> Verdict | None:
    """What a number is that was made of these batches, and is no mean over their images."""
    if said.means(x.plain / x.batches):
        if len(set(x.sizes)) == 1:
            return "right", "means of batches"
        return "unusual", (
            f"the mean of {x.batches} batches, in which the images of the last one ({x.sizes[-1]} in place of "
            f"{x.sizes[0]}) count more; the mean over images is {x.loss:.6g}"
        )
    running = _running(said, x)
    if running and not said.line.after(loop):
        return "right", running
    if found := _by_a_written_number(said, x, story):
        return found
    if said.means(x.means[-1]):
        return "unusual", f"the loss of the last batch alone; the mean over the epoch is {x.loss:.6g}"
    if said.line.event <= loop.last:
        return None
    if found := _wrong_mean(said, role, x, loops, story):
        return found
    return ("right", running) if running and said.decimals > 2 else None


def _running(said: Said, x: Numbers) -> str:
    """What is printed while an epoch goes on: a mean of the last batches, or the last loss."""
    if any(said.means(sum(x.means[-k:]) / k) for k in range(2, len(x.means) + 1)):
        return "running means of batches"
    return "losses of single batches" if said.means(x.means[-1]) else ""


def _wrong_mean(said: Said, role: str, x: Numbers, loops: dict[str, list[Loop]], story: Story) -> Verdict | None:
    images = sum(x.sizes)
    lengths = {story.train: "all training images", story.test: "the test images", x.full: "the batch size"}
    for name, others in loops.items():
        if others:
            y = numbers(story, others[-1], said.line.event)
            lengths.setdefault(y.images, f"the {name or 'other'} images")
            lengths.setdefault(y.batches, f"the {name or 'other'} batches")
    values: list[tuple[float, Outcome, str]] = [
        (
            x.plain / images,
            "WRONG",
            f"the batches' mean losses are added and divided by {images} images: multiply each by its size",
        ),
        (x.plain, "unusual", "a sum over the epoch, not a mean"),
        (x.weighted, "unusual", "a sum over the epoch, not a mean"),
        (
            x.plain * x.full / images,
            "WRONG",
            f"the last, smaller batch ({x.sizes[-1]} images) counts as a full one ({x.full})",
        ),
        (x.weighted / x.batches, "WRONG", f"the sum over images is divided by {x.batches} batches"),
    ]
    for length, what in lengths.items():
        if length and length != images:
            divided = f"is divided by {length} ({what})"
            values.append((x.weighted / length, "WRONG", f"the sum over {images} images {divided}"))
            values.append((x.plain / length, "WRONG", f"the sum over {x.batches} batches {divided}"))
    epochs = [numbers(story, each) for each in loops[role]]
    if len(epochs) > 1:
        carried = 0.0
        for each in epochs:  # the mean of the epoch before is where the next sum starts
            carried = (carried + each.weighted) / images
        start = "the sum starts from the mean of the epoch before: set it to 0 in each epoch"
        values.append((carried, "WRONG", start))
        added = f"the losses of all {len(epochs)} epochs are added up: set the sum to 0 in each epoch"
        whole, plain = sum(each.weighted for each in epochs), sum(each.plain for each in epochs)
        values += [(value, "WRONG", added) for value in (whole / images, plain / x.batches, plain / images)]
    own = f"the mean over images is {x.loss:.6g}"
    return next(((outcome, f"{what}; {own}") for value, outcome, what in values if said.means(value)), None)


def _by_a_written_number(said: Said, x: Numbers, story: Story) -> Verdict | None:
    """The sum so far over a number that stands in the line of the program that prints it."""
    name, line = said.line.at[0]
    source = story.sources.get(name, "").splitlines()[line - 1 : line]
    for k in {int(n) for text in source for n in WRITTEN.findall(text)}:
        if k in OFFICIAL.values() and said.means(x.weighted / k):
            return "right", f"sums divided by the {k:,} of the whole set"
        if k != x.batches and said.means(x.plain / k):
            mean = x.plain / x.batches
            return "WRONG", f"the sum of {x.batches} batches is divided by {k:,}; their mean is {mean:.6g}"
    return None

"""Rules on images: which are used for what, in what order, with which labels and numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.weights import chosen_by_test
from cifar_repro.audits.story import Loop, Pass, Story

UNKNOWN = not_seen("which images were trained on could not be seen")


def split_is_disjoint(story: Story) -> Finding:
    if story.mistaken and not all(loop.tests for loop in story.mistaken):
        loop = story.mistaken[0]
        return wrong(
            f"steps are taken in evaluation mode, on {count(len(set(loop.images)), 'image')} that are there to "
            "validate: the network learns what it is judged by",
            next(p.steps[0].at if p.steps else p.call.at for p in loop.passes if p.order),
        )
    if not story.trained:
        return UNKNOWN
    if not story.validations:
        return not_seen("no validation images were used")
    trained, held_out = set(story.trained), {i for loop in story.validations for i in loop.images if i >= 0}
    both = trained & held_out
    at = story.validations[0].at
    if both:
        return wrong(
            f"{len(both)} of {count(len(held_out), 'validation image')} are trained on as well: they cannot show "
            "whether the network learns or only remembers",
            at,
        )
    unused = story.train - len({i for i in trained if i >= 0} | held_out)
    if unused > 0 and all(loop.complete for loop in story.training) and not _drops(story.training):
        return unusual(f"{unused} of {story.train} images are used neither for training nor for validation", at)
    return right(f"{len(trained)} images to train on and {len(held_out)} others to validate")


def test_images_are_held_back(story: Story) -> Finding:
    if not story.training:
        return UNKNOWN
    tested = {i for i in story.trained if i < 0} | {i for loop in story.mistaken for i in loop.images if i < 0}
    if tested:
        loop = next(loop for loop in [*story.training, *story.mistaken] if tested & set(loop.images))
        return wrong(f"{len(tested)} of {count(story.test, 'test image')} are trained on", loop.at)
    if chosen := chosen_by_test(story):
        return wrong(
            f"the test images choose {chosen[0]}: the accuracy on them is then better than on new images. Choose by "
            "validation images, held out of the training images",
            chosen[1],
        )
    last = story.training[-1].last
    during = [loop for loop in story.tests if loop.number < last]
    if not during and story.tests and not story.finished:
        return not_seen("the program was stopped after a test: whether training goes on after it was not seen")
    if not during:
        return right("no test image is seen before training has ended")
    return unusual(
        f"the test images are looked at {count(len(during), 'time')} before training has ended: as long as nothing is "
        "chosen by that, it does no harm",
        during[0].at,
    )


def each_image_once(story: Story) -> Finding:
    loops = [loop for loop in story.training if loop.known and not loop.cut]
    if not loops:
        return UNKNOWN
    whole = [loop for loop in loops if loop.complete or loop.iteration is None]
    if story.timed_out or story.failed:
        loops = whole or loops
    if not whole:
        n = len(loops[0].passes)
        if story.timed_out or story.failed:
            return not_seen(f"the program was stopped in its first epoch, after {count(n, 'batch')}")
        return wrong(
            f"no epoch comes to its end: the first stops after {count(n, 'batch')} ({len(loops[0].images)} images)",
            loops[0].at,
        )
    for loop in loops:
        again = {i: n for i, n in Counter(loop.images).items() if n > 1}
        if again:
            never = len(set(story.trained)) - len(set(loop.images))
            more = f", and {never} not at all" if never else ""
            return wrong(f"{count(len(again), 'image')} come more than once in an epoch{more}", loop.at)
        if not loop.complete and loop.iteration is not None and len(whole) < len(loops):
            return wrong(f"an epoch ends early, after {count(len(loop.passes), 'batch')}", loop.at)
    if _drops(loops):
        n = len(set(story.trained)) - len(set(loops[0].images)) or _drops(loops)
        return unusual(
            f"the last, smaller batch is left out (drop_last): {count(n, 'image')} an epoch are not trained on",
            loops[0].at,
        )
    if {len(loop.images) for loop in loops} != {len(set(story.trained))}:
        return unusual("not every epoch trains on the same images", loops[0].at)
    return right(f"each of {count(len(loops[0].images), 'image')} once in each of {count(len(loops), 'epoch')}")


def _drops(loops: Sequence[Loop]) -> int:
    """How many images a dropped last batch held, by the sizes of the batches."""
    sizes = {p.size for loop in loops for p in loop.passes}
    full = {p.batch.full for loop in loops for p in loop.passes if p.batch}
    if len(sizes) == 1 and sizes == full and len(loops) > 1 and loops[0].complete:
        everything = {i for loop in loops for i in loop.images}
        return len(everything) % next(iter(sizes))
    return 0


def reshuffled(story: Story) -> Finding:
    loops = [loop for loop in story.training if loop.known and len(loop.images) > 1]
    if not loops:
        return UNKNOWN
    first = loops[0].images
    if len(loops) == 1:
        if first == sorted(first):
            return wrong("the images come in the data set's own order: shuffle them (shuffle=True)", loops[0].at)
        return right("the images come in a random order; there was one epoch")
    later = [loop.images[: len(first)] for loop in loops[1:]]
    if all(images == first[: len(images)] for images in later):
        how = "the data set's own order" if first == sorted(first) else "the same order"
        return wrong(f"the images come in {how} in all of {count(len(loops), 'epoch')}: shuffle them anew", loops[0].at)
    return right(f"the images come in a new order in each of {count(len(loops), 'epoch')}")


def labels_are_kept(story: Story) -> Finding:
    losses = [(loss, p) for loop in story.loops for p in loop.passes for loss in p.losses if None not in p.call.images]
    if not losses:
        return not_seen("no loss of known images was computed")
    others = [(loss, p) for loss, p in losses if loss.given]
    if not others:
        return right(f"in all of {count(len(losses), 'batch')} the labels are those of the images")
    pairs = {
        (story.labels[i], g)
        for loss, p in others
        for i, g in zip(p.call.images, loss.given, strict=True)
        if i is not None
    }
    loss, p = others[0]
    if len(others) == len(losses) and len(pairs) == len({true for true, _ in pairs}):
        return unusual("the classes are numbered anew, the same way everywhere", loss.at)
    off = sum(story.labels[i] != g for i, g in zip(p.call.images, loss.given, strict=True) if i is not None)
    return wrong(
        f"{off} of {len(loss.given)} labels of a batch are not those of its images"
        f" (so in {len(others)} of {count(len(losses), 'batch')})",
        loss.at,
    )


def _ranges(passes: Iterable[Pass]) -> tuple[list[float], list[float]] | None:
    """What black and white become, channel by channel: the median over the batches."""
    batches = [p.batch for p in passes if p.batch and p.batch.low and None not in [*p.batch.low, *p.batch.high]]
    if not batches or len({len(b.low) for b in batches}) > 1:
        return None
    return np.median([b.low for b in batches], 0).tolist(), np.median([b.high for b in batches], 0).tolist()


def _range_text(found: tuple[list[float], list[float]]) -> str:
    low, high = (sorted({round(x, 2) + 0.0 for x in side}) for side in found)
    return f"{_span(low)} to {_span(high)}"


def _span(values: list[float]) -> str:
    return f"{values[0]:g}" if len(values) == 1 else f"{values[0]:g}...{values[-1]:g}"


def same_numbers(story: Story) -> Finding:
    found = {
        name: (ranges, loops[0]) for name, loops in story.roles.items() if loops
        and (ranges := _ranges(p for loop in loops for p in loop.passes)) is not None
    }  # fmt: skip
    if len(found) < 2:
        return not_seen("the numbers of training and evaluation could not be compared")
    first, (wanted, _) = next(iter(found.items()))
    spread = max(abs(h - low) for low, h in zip(*wanted, strict=True)) or 1
    for name, (ranges, loop) in list(found.items())[1:]:
        sides = [(a, b) for x, y in zip(wanted, ranges, strict=True) for a, b in zip(x, y, strict=False)]
        if len(ranges[0]) != len(wanted[0]) or max(abs(a - b) for a, b in sides) > 0.02 * spread:
            return wrong(
                f"black to white is {_range_text(wanted)} for {first} images, but {_range_text(ranges)} for {name} "
                "images: the network sees other numbers than it learned from",
                loop.at,
            )
    *names, last = found
    return right(f"black to white is {_range_text(wanted)} for {', '.join(names)} and {last} images alike")


def augmentation(story: Story) -> Finding:
    def share(loops: Sequence[Loop]) -> float | None:
        looks = [p.batch.looks for loop in loops for p in loop.passes if p.batch and sum(p.batch.looks)]
        return sum(m + o for _, m, o in looks) / sum(map(sum, looks)) if looks else None

    training, validation, test = shares = [share(loops) for loops in story.roles.values()]
    if training is None:
        return UNKNOWN
    if min(s for s in shares if s is not None) > 0.97:  # resized, say: nothing can be compared
        return not_seen("the images are resized or cut, so that they could not be compared with the original ones")
    if test:
        loop = next(loop for loop in story.tests if share([loop]))
        return wrong(
            f"{test:.0%} of the test images are flipped or changed: test images must stay as they are", loop.at
        )
    if validation:
        loop = next(loop for loop in story.validations if share([loop]))
        return unusual(
            f"{validation:.0%} of the validation images are flipped or changed, as in the lesson's own augmented "
            "solution: the validation loss is then a little too high, and noisy",
            loop.at,
        )
    if training:
        return right(f"{training:.0%} of the training images are flipped or changed, and no other ones")
    return right("no images are changed")


def each_test_image_once(story: Story) -> Finding:
    loops = story.final_tests or story.tests
    if not loops:
        return not_seen("no test was seen")
    best = max(loops, key=lambda loop: len(set(loop.images)))
    if not best.known:
        return not_seen("which test images were tested could not be seen")
    images = [i for i in best.images if i < 0]
    missing, again = story.test - len(set(images)), len(images) - len(set(images))
    if again:
        return wrong(f"{count(again, 'test image')} are counted more than once", best.at)
    if missing and (best.cut or story.timed_out or story.failed) and not best.complete:
        return not_seen(f"the program was stopped in its test, after {count(len(images), 'image')}")
    if missing:
        full = best.passes[0].batch.full if best.passes[0].batch else None
        dropped = f", fewer than a batch of {full}: drop_last leaves them out"
        last = dropped if full and missing < full and best.complete else ""
        return wrong(f"{missing} of {count(story.test, 'test image')} are never tested{last}", best.at)
    return right(f"each of {count(len(images), 'test image')} once, the last batch of {best.passes[-1].size} with them")

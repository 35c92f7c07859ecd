"""Rules on weights: when they are saved, which are tested."""

import ast
from collections.abc import Sequence

from cifar_repro.audits.events import Place, Save
from cifar_repro.audits.judge.finding import Finding, count, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.numbers import of_loop
from cifar_repro.audits.story import Loop, Story

Epochs = set[int]
MORE_OR_LESS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def _condition(story: Story, places: Sequence[Place]) -> str:
    """What an `if` asks under which one of these places stands, if it asks for more or less; else nothing."""
    asked = (_asks(story.sources[name], line) for name, line in places if name in story.sources)
    return next(filter(None, asked), "")


def _asks(source: str, line: int) -> str:
    lines = [("pass" if each.lstrip()[:1] in ("%", "!", "?") else each) for each in source.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0):
            compared = [op for each in ast.walk(node.test) if isinstance(each, ast.Compare) for op in each.ops]
            if isinstance(node.test, ast.Name | ast.Attribute) or any(isinstance(op, MORE_OR_LESS) for op in compared):
                return ast.unparse(node.test)
    return ""


def _epochs(story: Story) -> list[tuple[int, int]]:
    """The events of each epoch, from the start of its training to that of the next."""
    starts = [loop.number for loop in story.training if not loop.cut]
    end = len(story.events) if story.hurried is None else story.hurried
    return list(zip(starts, [*starts[1:], end], strict=True))


def _in_epochs(story: Story, numbers: Sequence[int]) -> Epochs:
    return {k for k, (start, end) in enumerate(_epochs(story), 1) if any(start <= n < end for n in numbers)}


def _choosing(story: Story) -> list[tuple[int, Save]]:
    """The saves on a condition, from the one place where that was done first."""
    if not story.training:
        return []
    found = [(n, save) for n, save in story.saves if _condition(story, save.at)]
    return [(n, save) for n, save in found if save.at[0] == found[0][1].at[0]]


def _improved(story: Story, loops: Sequence[Loop]) -> list[tuple[str, Epochs]]:
    """The epochs in which a number of these loops was as good as the best before, or better; by name of the number."""
    epochs = _epochs(story)
    per_epoch = [[loop for loop in loops if start <= loop.number < end] for start, end in epochs]
    if not all(per_epoch):
        return []
    first = [of_loop(each[0], story) for each in per_epoch]  # after the last epoch the test may follow
    series = {
        "loss": [n.loss for n in first],
        "loss (mean of the batches)": [n.plain / n.batches if n.means else None for n in first],
        "accuracy": [-n.accuracy if n.accuracy is not None else None for n in first],
    }
    asked = " ".join({_condition(story, save.at) for _, save in _choosing(story)}).lower()
    if "loss" in asked or "acc" in asked:
        series = {
            name: values for name, values in series.items() if name.split()[0][: 4 if "loss" in name else 3] in asked
        }
    if _prints(story, [n.loss for n in first]):
        series.pop("loss (mean of the batches)", None)
    found = []
    for name, values in series.items():
        known = [v for v in values if v is not None]
        if len(known) == len(values):
            for strict in (False, True):
                found.append((name, {
                    k for k, v in enumerate(known, 1)
                    if k == 1 or (v < min(known[: k - 1]) - 1e-9 if strict else v <= min(known[: k - 1]) + 1e-9)
                }))  # fmt: skip
    return found


def _prints(story: Story, values: Sequence[float | None]) -> bool:
    """Whether all of these are printed, with some decimals."""
    text = " ".join(event.text for _, event in story.prints)
    return all(v is not None and f"{v:.4f}"[:-1] in text for v in values)


def _by(saved: Epochs, improved: list[tuple[str, Epochs]]) -> str:
    """By which number these epochs would be chosen; a first epoch that was not saved, or was, says nothing."""
    return next((name for name, epochs in improved if saved - {1} == epochs - {1}), "")


def _kept_in_memory(story: Story, loops: Sequence[Loop]) -> tuple[int, list[Place]] | None:
    """Of which epoch, but the last, the weights are that are loaded after training, as these loops saw; and where."""
    for n, restore in story.restores:
        if story.training and n > story.training[-1].last:
            for k, (start, end) in enumerate(_epochs(story)[:-1], 1):
                if any(loop.passes[0].call.weights == restore.weights for loop in loops if start <= loop.number < end):
                    return k, restore.at
    return None


def chooses(story: Story, tests: Sequence[Loop]) -> list[Place]:
    """Where weights are saved by what the test images say; empty where they are not."""
    saves = _choosing(story)
    if not saves:
        kept = _kept_in_memory(story, tests)
        best = {max(epochs) for _, epochs in _improved(story, tests)}
        return kept[1] if kept and kept[0] in best and not story.validations else []
    saved = _in_epochs(story, [n for n, _ in saves])
    validated = _by(saved, _improved(story, story.validations))
    if not validated and _by(saved, _improved(story, tests)):
        return saves[0][1].at
    return []


def saved_on_improvement(story: Story) -> Finding:
    if not story.training:
        return not_seen("no training was seen")
    epochs = len(_epochs(story))
    saves = _choosing(story)
    in_loop = _in_epochs(story, [n for n, _ in story.saves if n < story.training[-1].number])
    if not saves:
        if in_loop and len(in_loop) >= epochs - 1 > 0:
            return unusual("the weights are saved in each epoch, better or not", story.saves[0][1].at)
        if story.saves:
            return right("the weights are saved without a choice, at the end or now and then", story.saves[0][1].at)
        kept = _kept_in_memory(story, story.validations)
        best = {name: max(found) for name, found in _improved(story, story.validations)}
        if not kept or not best:
            return not_seen("no weights were saved")
        if name := next((name for name, epoch in best.items() if epoch == kept[0]), ""):
            return right(f"the weights kept are those of epoch {kept[0]}, when the validation {name} was best", kept[1])
        when = ", ".join(f"{name}: epoch {epoch}" for name, epoch in best.items())
        return wrong(f"the weights kept are those of epoch {kept[0]}, which is not the best ({when})", kept[1])
    saved, at = _in_epochs(story, [n for n, _ in saves]), saves[0][1].at
    validation, tests = _improved(story, story.validations), _improved(story, story.tests)
    training = _improved(story, story.training)
    if validation:
        name = _by(saved, validation)
        if name and len(saved) == epochs > 1:
            return not_seen(
                f"the validation {name} improved in each of {epochs} epochs, and each was saved: whether a worse epoch "
                "would be left out could not be seen"
            )
        if name:
            return right(f"saved in {_list(saved)} of {epochs}, when the validation {name} was at its best", at)
        chosen = next((kind for kind, found in (("test", tests), ("training", training)) if _by(saved, found)), "")
        why = f": that is when the {chosen} numbers did" if chosen else ""
        return wrong(
            f"saved in {_list(saved)} of {epochs}, but the validation loss improved in {_list(validation[0][1])}, and "
            f"the accuracy in {_list(validation[-1][1])}{why}",
            at,
        )
    if tests and _by(saved, tests):
        return right(f"saved in {_list(saved)} of {epochs}, when the numbers of the test images were at their best", at)
    if _by(saved, training):
        return unusual(
            f"saved in {_list(saved)} of {epochs}, by the training loss: nothing else was there to choose by", at
        )
    return not_seen(f"saved in {_list(saved)} of {epochs}; by what, could not be seen")


def _list(epochs: Epochs) -> str:
    if not epochs:
        return "no epoch"
    shown = ", ".join(map(str, sorted(epochs)[:6])) + (", ..." if len(epochs) > 6 else "")
    return f"epoch{'s' * (len(epochs) > 1)} {shown}"


def tested_are_saved(story: Story) -> Finding:
    live = [r for n, r in story.restores if r.live and story.training and n > story.training[-1].last]
    if live:
        return wrong(
            "the weights that are loaded are the network's own, as they are at the end: state_dict() gives no copy, "
            "so keep copy.deepcopy(network.state_dict()), or save it",
            live[0].at,
        )
    if not story.final_tests or story.final_tests[0].passes[0].call.weights is None:
        return not_seen("no test after training was seen")
    test = story.final_tests[0]
    last_training = story.training[-1]
    if any(loop.at == test.at for loop in story.tests if loop.number < last_training.number):
        return not_seen("the epochs are tested, and there is no test of its own after training")
    tested = test.passes[0].call.weights
    restored = [(n, r) for n, r in story.restores if last_training.last < n < test.number]
    at_end = next((loop.passes[0].call.weights for loop in story.evaluations if loop.number > last_training.last), None)
    kept = [save for n, save in _choosing(story) if n < test.number]
    if kept and kept[-1].weights is not None:
        if tested != kept[-1].weights:
            what = "those of the last epoch" if not restored else "others"
            return wrong(f"the weights tested are {what}, not those that were saved as the best", test.at)
        if not restored and tested == at_end:
            return unusual("the saved weights are never loaded: the last epoch happened to be the best one", test.at)
        return right("the weights tested are those saved last", restored[-1][1].at if restored else test.at)
    if restored:
        known = {save.weights for _, save in story.saves} | {
            loop.passes[0].call.weights for loop in story.evaluations if loop.number < test.number
        }
        if tested in known:
            return right("the weights tested are those loaded", restored[-1][1].at)
        return not_seen("weights were loaded, of which it was not seen where they come from")
    return right("the weights tested are those at the end of training; none were chosen")


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
        last = (
            f", fewer than a batch of {full}: drop_last leaves them out"
            if full and missing < full and best.complete
            else ""
        )
        return wrong(f"{missing} of {count(story.test, 'test image')} are never tested{last}", best.at)
    return right(f"each of {count(len(images), 'test image')} once, the last batch of {best.passes[-1].size} with them")

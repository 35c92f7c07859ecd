"""Rules on weights: when they are saved, by what they are chosen, which are tested."""

import ast
import re
from collections.abc import Sequence

from cifar_repro.audits.cells import python_of
from cifar_repro.audits.events import Place, Save
from cifar_repro.audits.judge.finding import Finding, not_seen, right, unusual, wrong
from cifar_repro.audits.judge.numbers import numbers
from cifar_repro.audits.judge.words import lines, numbers_of
from cifar_repro.audits.story import Loop, Story

Epochs = set[int]
MORE_OR_LESS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def _condition(story: Story, places: Sequence[Place]) -> str:
    """What an `if` asks under which one of these places stands, if it asks for more or less; else nothing."""
    asked = (_asks(story.sources[name], line) for name, line in places if name in story.sources)
    return next(filter(None, asked), "")


def _asks(source: str, line: int) -> str:
    try:
        tree = ast.parse(python_of(source))
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


def _in_epochs(story: Story, events: Sequence[int]) -> Epochs:
    return {k for k, (start, end) in enumerate(_epochs(story), 1) if any(start <= n < end for n in events)}


def _choosing(story: Story) -> list[tuple[int, Save]]:
    """The saves on a condition, from the one place where that was done first."""
    found = [(n, save) for n, save in story.saves if story.training and _condition(story, save.at)]
    return [(n, save) for n, save in found if save.at[0] == found[0][1].at[0]]


def _first_of_epochs(story: Story, loops: Sequence[Loop]) -> list[Loop]:
    """The first of these loops in each epoch: after the last one the test may follow. Empty if an epoch has none."""
    found = [[loop for loop in loops if start <= loop.number < end][:1] for start, end in _epochs(story)]
    return [loop for several in found for loop in several] if all(found) else []


def _improved(story: Story, loops: Sequence[Loop]) -> list[tuple[str, Epochs]]:
    """The epochs in which a number of these loops was as good as the best before, or better; by name of the number."""
    epochs = [numbers(story, loop) for loop in _first_of_epochs(story, loops)]
    text = " ".join(event.text for _, event in story.prints)
    printed = all(x.loss is not None and f"{x.loss:.4f}"[:-1] in text for x in epochs)
    series = {
        "loss": [x.loss for x in epochs],
        "loss (mean of the batches)": [] if printed else [x.plain / x.batches if x.means else None for x in epochs],
        "accuracy": [-x.accuracy if x.accuracy is not None else None for x in epochs],
    }
    asked = " ".join({_condition(story, save.at) for _, save in _choosing(story)}).lower()
    words = [word for word in ("loss", "acc") if word in asked] or ["loss", "acc"]
    found = []
    for name, values in series.items():
        known = [v for v in values if v is not None]
        if known and len(known) == len(values) and name.startswith(tuple(words)):
            for margin in (1e-9, -1e-9):  # equally good is better, or is not
                found.append((name, {k for k, v in enumerate(known) if not k or v <= min(known[:k]) + margin}))
    return [(name, {k + 1 for k in epochs}) for name, epochs in found]


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


def chosen_by_test(story: Story) -> tuple[str, list[Place]] | None:
    """What the numbers of the test images choose, and where; None where validation images do, or nothing is chosen."""
    tests = _improved(story, story.tests)
    saves = _choosing(story)
    saved = _in_epochs(story, [n for n, _ in saves])
    kept = _kept_in_memory(story, story.tests)
    if saves and len(_epochs(story)) > 1 and _by(saved, tests) and not _by(saved, _improved(story, story.validations)):
        return "which weights are kept", saves[0][1].at
    if story.validations:
        return None
    if kept and not saves and kept[0] in {max(epochs) for _, epochs in tests}:
        return "which weights are kept", kept[1]
    for n, told in story.plateaus:
        for loop in [loop for loop in story.tests if loop.number < n][-1:]:
            x = numbers(story, loop)
            if any(v and abs(told.value - v) < 1e-5 * v for v in (x.loss, x.plain / x.batches, *_shares(x.accuracy))):
                return "when the learning rate falls", told.at
    return _best_reported(story)


def _best_reported(story: Story) -> tuple[str, list[Place]] | None:
    """Where the best test accuracy of all epochs is printed as the result."""
    shown = [numbers(story, loop) for loop in _first_of_epochs(story, story.tests)]
    best = max(shown, key=lambda x: x.correct, default=None)
    if not best or len(shown) < 2:
        return None
    for line in lines(story):
        praised = line.event > story.training[-1].last and re.search("best|highest", line.text.lower())
        if praised and any(said.decimals and said.is_share(best.correct, best.images) for said in numbers_of(line)):
            return "which epoch is reported", line.at
    return None


def _shares(share: float | None) -> list[float]:
    return [] if share is None else [share, 100 * share]


def saved_on_improvement(story: Story) -> Finding:
    if not story.training:
        return not_seen("no training was seen")
    saves = _choosing(story)
    return _chosen(story, saves) if saves else _not_chosen(story)


def _not_chosen(story: Story) -> Finding:
    epochs = len(_epochs(story))
    in_loop = _in_epochs(story, [n for n, _ in story.saves if n < story.training[-1].number])
    if in_loop and len(in_loop) >= epochs - 1 > 0:
        return unusual("the weights are saved in each epoch, better or not", story.saves[0][1].at)
    if story.saves:
        return right("the weights are saved without a choice, at the end or now and then", story.saves[0][1].at)
    kept = _kept_in_memory(story, story.validations)
    best = {name: max(found) for name, found in _improved(story, story.validations)}
    if not kept or not best:
        return not_seen("no weights were saved")
    epoch, at = kept
    if name := next((name for name, found in best.items() if found == epoch), ""):
        return right(f"the weights kept are those of epoch {epoch}, when the validation {name} was best", at)
    when = ", ".join(f"{name}: epoch {found}" for name, found in best.items())
    return wrong(f"the weights kept are those of epoch {epoch}, which is not the best ({when})", at)


def _chosen(story: Story, saves: list[tuple[int, Save]]) -> Finding:
    epochs = len(_epochs(story))
    saved, at = _in_epochs(story, [n for n, _ in saves]), saves[0][1].at
    says = f"saved in {_list(saved)} of {epochs}"
    validation, tests, training = (
        _improved(story, loops) for loops in (story.validations, story.tests, story.training)
    )
    if not validation:
        if _by(saved, tests):
            return right(f"{says}, when the numbers of the test images were at their best", at)
        if _by(saved, training):
            return unusual(f"{says}, by the training loss: nothing else was there to choose by", at)
        return not_seen(f"{says}; by what, could not be seen")
    name = _by(saved, validation)
    if name and len(saved) == epochs > 1:
        return not_seen(
            f"the validation {name} improved in each of {epochs} epochs, and each was saved: whether a worse epoch "
            "would be left out could not be seen"
        )
    if name:
        return right(f"{says}, when the validation {name} was at its best", at)
    chosen = next((kind for kind, found in (("test", tests), ("training", training)) if _by(saved, found)), "")
    why = f": that is when the {chosen} numbers did" if chosen else ""
    return wrong(
        f"{says}, but the validation loss improved in {_list(validation[0][1])}, and the accuracy in "
        f"{_list(validation[-1][1])}{why}",
        at,
    )


def _list(epochs: Epochs) -> str:
    if not epochs:
        return "no epoch"
    shown = ", ".join(map(str, sorted(epochs)[:6])) + (", ..." if len(epochs) > 6 else "")
    return f"epoch{'s' * (len(epochs) > 1)} {shown}"


def tested_are_saved(story: Story) -> Finding:
    trained = story.training[-1] if story.training else None
    after = [(n, restore) for n, restore in story.restores if trained and n > trained.last]
    live = next((restore for _, restore in after if restore.live), None)
    if live:
        return wrong(
            "the weights that are loaded are the network's own, as they are at the end: state_dict() gives no copy, "
            "so keep copy.deepcopy(network.state_dict()), or save it",
            live.at,
        )
    if not trained or not story.final_tests or story.final_tests[0].passes[0].call.weights is None:
        return not_seen("no test after training was seen")
    test = story.final_tests[0]
    tested = test.passes[0].call.weights
    if any(loop.at == test.at for loop in story.tests if loop.number < trained.number):
        return not_seen("the epochs are tested, and there is no test of its own after training")
    restored = [restore for n, restore in after if n < test.number]
    kept = [save for n, save in _choosing(story) if n < test.number]
    if kept and kept[-1].weights is not None:
        at_end = next((loop.passes[0].call.weights for loop in story.evaluations if loop.number > trained.last), None)
        if tested != kept[-1].weights:
            what = "others" if restored else "those of the last epoch"
            return wrong(f"the weights tested are {what}, not those that were saved as the best", test.at)
        if not restored and tested == at_end:
            return unusual("the saved weights are never loaded: the last epoch happened to be the best one", test.at)
        return right("the weights tested are those saved last", restored[-1].at if restored else test.at)
    if not restored:
        return right("the weights tested are those at the end of training; none were chosen")
    known = {loop.passes[0].call.weights for loop in story.evaluations if loop.number < test.number}
    if tested in known | {save.weights for _, save in story.saves}:
        return right("the weights tested are those loaded", restored[-1].at)
    return not_seen("weights were loaded, of which it was not seen where they come from")

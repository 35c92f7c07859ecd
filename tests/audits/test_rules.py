"""What the rules of an audit say of events that were typed in; whole programs: test_processes.py."""

from collections.abc import Sequence
from typing import Any

import pytest

from cifar_repro.audits import events
from cifar_repro.audits.events import Event
from cifar_repro.audits.judge import RULES
from cifar_repro.audits.judge.finding import Finding
from cifar_repro.audits.story import Story

LABELS = dict.fromkeys(range(-4, 20), 0)  # 20 training images and 4 test images, airplanes all of them
ASKED = "if loss < best:\n    torch.save(weights, path)\n"
SAVED = events.Save(weights=None, at=[("program.py", 2)])
END = events.Finished()


def batch(images: Sequence[int], iteration: int | None, loss: float | None = None, **changes: Any) -> list[Event]:
    """Images through the network, each found to be an airplane, and their mean loss."""
    call = {"network": 0, "training": False, "active": 0, "minding": 0, "grad": False, "weights": 0}
    call |= {"predicted": [0] * len(images), "images": list(images), "iteration": iteration}
    found = events.Loss(function="cross_entropy", size=len(images), mean=loss, found="logits", outputs=10, given=[])
    return [events.Forward(**{**call, **changes}), *([] if loss is None else [found])]


def step(images: Sequence[int], iteration: int | None, loss: float = 1.0, **changes: Any) -> list[Event]:
    """The same in training, with the gradients and the step."""
    learnt = [events.Backward(value=loss, stale=False), events.Step(optimizer=0, gradients=True)]
    return [*batch(images, iteration, loss, **{"training": True, "grad": True, **changes}), *learnt]


def end(iteration: int) -> Event:
    return events.End(iteration=iteration)


def printed(text: str) -> Event:
    return events.Print(text=text, at=[("program.py", 1)])


def found(rule: str, *told: Event | Sequence[Event], source: str = "") -> Finding:
    """What that rule says of a program in which this happened."""
    happened = [event for each in told for event in ([each] if isinstance(each, Event) else each)]
    return RULES[rule](Story(happened, LABELS, {"program.py": source}))


TRAINED = [*step([0, 1], 1, 1.25), *step([2, 3], 1, 0.75), end(1)]
TESTED = [*batch([-1, -2], 9, training=False), *batch([-3, -4], 9, predicted=[0, 1]), end(9)]


def epochs(losses: Sequence[float], saved: set[int]) -> list[Event]:
    """Trained and validated with these losses; after these epochs the weights are saved."""
    told: list[Event] = []
    for k, loss in enumerate(losses, 1):
        told += [*step([k, k + 1], 2 * k), end(2 * k), *batch([10, 11], 2 * k + 1, loss), end(2 * k + 1)]
        told += [SAVED] if k in saved else []
    return told


@pytest.mark.parametrize(
    ("saved", "outcome"),
    [
        ({1, 2, 3}, "right"),
        ({1, 3}, "right"),
        ({2, 3}, "right"),
        ({3}, "right"),
        ({1, 3, 4}, "WRONG"),
        ({1, 2}, "WRONG"),
    ],
)
def test_an_equally_good_epoch_and_the_first_one_may_be_saved_or_not(saved: set[int], outcome: str) -> None:
    """Of losses of 2, 2, 1 and 3; a better epoch must be, and a worse one may not be."""
    told = epochs([2.0, 2.0, 1.0, 3.0], saved)
    assert found("saved when it got better", told, source=ASKED).outcome == outcome


@pytest.mark.parametrize("line", ["!ls", "%time", "%%time", "?print"])
def test_a_shell_line_in_a_cell_does_not_hide_what_its_conditions_ask(line: str) -> None:
    """Wherever it is indented, as it may be all that a loop does."""
    for indent in ("    ", "\t"):
        source = f"{ASKED}for epoch in range(3):\n{indent}{line}\n"
        assert found("saved when it got better", epochs([2.0, 1.0, 3.0], {1, 3}), source=source).outcome == "WRONG"


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_a_learning_rate_that_falls_by_the_test_images_is_told(scale: float) -> None:
    """Whether it is told their accuracy, here 3 of 4, as a fraction or in per cent."""
    plateau = events.Plateau(value=0.75 * scale)
    finding = found("test images are held back", TRAINED, TESTED, plateau, step([0, 1], 2), step([2, 3], 2), end(2))
    assert finding.outcome == "WRONG"
    assert "when the learning rate falls" in finding.says


def test_a_test_in_the_midst_of_the_last_epoch_is_seen_before_training_has_ended() -> None:
    """As one after every hundred batches; one after all of them is not."""
    first, second = step([0, 1], 1), [*step([2, 3], 1), end(1)]
    assert found("test images are held back", first, TESTED, second, END).outcome == "unusual"
    assert found("test images are held back", first, second, TESTED, END).outcome == "right"


def test_without_a_test_none_is_seen_before_training_has_ended() -> None:
    """Of a program that was stopped, too."""
    stopped = events.TimedOut(seconds=1)
    assert found("test images are held back", TRAINED, step([0, 1], 2), stopped).outcome == "right"


def test_an_order_that_comes_twice_is_not_that_of_all_epochs() -> None:
    """Few images can come in the same order by chance."""
    orders = ([1, 0, 2], [1, 0, 2], [2, 1, 0])
    told = [event for k, order in enumerate(orders) for event in (*step(order, k), end(k))]
    assert found("training images are shuffled anew", told).outcome == "right"
    assert found("training images are shuffled anew", told[:8]).outcome == "WRONG"


def test_epochs_without_a_dataloader_part_where_an_image_comes_again() -> None:
    """Two epochs, and not one with each image twice."""
    told = [step(images, None) for images in ([0, 1], [2, 3], [1, 0], [3, 2])]
    finding = found("each training image once an epoch", *told, END)
    assert (finding.outcome, finding.says) == ("right", "each of 4 images once in each of 2 epochs")


def test_without_a_dataloader_a_validation_is_told_from_the_training_by_its_mode() -> None:
    """Where it keeps gradients, too, as the lesson's does."""
    told = [step([0, 1], None), step([2, 3], None), *(batch([k, k + 1], None, grad=True) for k in (10, 12))]
    assert (
        found("training and validation images are apart", *told).says == "4 images to train on and 4 others to validate"
    )


def test_a_look_at_one_batch_is_no_evaluation() -> None:
    """As one that a lesson prints the shape of; a whole test in one batch is, and so are more than a tenth of all."""
    rule = "evaluation without gradients"
    assert found(rule, TRAINED, batch([10], 5), END).outcome == "not seen"
    assert found(rule, TRAINED, batch([10, 11, 12], 5), END).outcome == "right"
    assert found(rule, TRAINED, batch([-1, -2, -3, -4], 5), END).outcome == "right"


def test_what_most_batches_give_the_loss_is_judged() -> None:
    """All outputs of one batch may happen to be above 0, or at 0."""
    told = [step([k, k + 1], 1) for k in (0, 2, 4)]
    told[0][1] = events.Loss(function="cross_entropy", size=2, mean=1.0, found="rectified", outputs=10, given=[])
    assert found("the loss fits the output", *told, end(1)).outcome == "right"


def test_a_step_after_the_loop_is_no_gathering_of_gradients() -> None:
    """One step an epoch; one for two batches within the loop gathers them."""

    def told(step_after: int) -> list[list[Event]]:
        passes = [step([k, k + 1], e) for e in (1, 2) for k in range(0, 8, 2)]
        return [each if k % step_after == step_after - 1 else each[:-1] for k, each in enumerate(passes)]

    assert found("one step a batch", *told(4)).outcome == "WRONG"
    assert found("one step a batch", *told(2)).outcome == "unusual"


@pytest.mark.parametrize("loss", ["1.00", "1.000000", "1.00e+00", "100.0e-2"])
def test_a_printed_loss_is_judged_by_the_digits_that_it_has(loss: str) -> None:
    """From two decimals on, an exponent counted; the mean of 1.25 and 0.75 is 1."""
    assert found("printed losses are means", TRAINED, printed(f"training loss: {loss}")).outcome == "right"


@pytest.mark.parametrize(("loss", "outcome"), [("0.120", "WRONG"), ("0.100", "not seen")])
def test_a_sum_is_divided_by_a_number_that_stands_in_the_line_that_prints_it(loss: str, outcome: str) -> None:
    """Three losses of 1 by 25, and not by the 30 of the next line."""
    told = [step([k, k + 1], 1) for k in (0, 2, 4)]
    source = "print(total / 25)\nprint(other / 30)\n"
    finding = found("printed losses are means", *told, end(1), printed(f"loss {loss}"), source=source)
    assert finding.outcome == outcome
    assert ("is divided by 25" in finding.says) == (outcome == "WRONG")


def test_the_best_loss_of_all_epochs_may_be_printed_again() -> None:
    """It is that of an earlier one."""
    told = [*epochs([2.0, 1.0, 3.0], set()), printed("best validation loss: 1.0000")]
    assert found("printed losses are means", told).outcome == "right"


def test_a_sum_divided_by_the_batches_of_another_part_is_wrong() -> None:
    """Here a sum of 5.5 over two batches to validate on by the 5 to train on."""
    told = [step([k, k + 1], 1) for k in range(0, 10, 2)]
    told += [[end(1)], batch([10, 11], 2, 2.0), batch([12], 2, 3.5), [end(2)]]
    finding = found("printed losses are means", *told, printed("validation loss: 1.1000"))
    assert finding.outcome == "WRONG"
    assert "the sum over 2 batches is divided by 5 (the training batches)" in finding.says


def test_batches_whose_loss_was_not_seen_do_not_count_as_0() -> None:
    """The mean is that over the images of the others."""
    told = [*batch([10, 11], 2, 1.25), *batch([12, 13], 2), end(2)]
    assert found("printed losses are means", TRAINED, told, printed("validation loss: 1.2500")).outcome == "right"


def test_while_an_epoch_goes_on_an_accuracy_may_be_that_of_its_last_batches() -> None:
    """Here of two of three: 1 of 4."""
    told = [
        step(images, 1, predicted=guess) for images, guess in (([0, 1], [0, 0]), ([2, 3], [0, 1]), ([4, 5], [1, 1]))
    ]
    assert found("printed counts are as counted", *told, printed("accuracy: 25.00%")).outcome == "right"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Airplanes: 75.0%", "right"),
        ("Airplanes: 75.0 %", "right"),
        ("Airplanes: 50.0%", "WRONG"),
        ("Airplanes: 50.0 %", "WRONG"),
        ("Airplanes are taken for ships: 50.0%", "not seen"),
    ],
)
def test_a_share_that_is_printed_is_of_the_class_that_its_line_names(text: str, outcome: str) -> None:
    """3 of 4 airplanes are found; of what a line that names two classes is, is not known."""
    assert found("printed counts are as counted", TRAINED, TESTED, printed(text)).outcome == outcome


@pytest.mark.parametrize("text", ["1.00", "100.00%"])
def test_an_accuracy_may_be_1(text: str) -> None:
    """As a fraction, of a test in which all are right: it is not one per cent."""
    told = [*batch([-1, -2], 9), *batch([-3, -4], 9), end(9)]
    assert found("printed counts are as counted", TRAINED, told, printed(f"Test accuracy: {text}")).outcome == "right"


def test_what_a_network_of_two_parts_predicts_is_what_the_second_one_does() -> None:
    """The output of the first is no prediction."""
    part = batch([-1, -2, -3, -4], 9, predicted=[9, 9, 9, 9])
    whole = batch([-1, -2, -3, -4], 9, predicted=[0, 0, 0, 1], network=1, onward=True)
    told = (TRAINED, part, whole, end(9), printed("Test accuracy: 75.0%"))
    assert found("printed counts are as counted", *told).outcome == "right"


def test_dropout_in_the_first_part_of_a_network_counts() -> None:
    """Where the second has none: it is on to train, and in the test as well, which is wrong."""
    off, on = (
        [*batch([-1, -2, -3, -4], 9, active=k, minding=1), *batch(range(-4, 0), 9, network=1, onward=True), end(9)]
        for k in (0, 1)
    )
    first, *rest = step([0, 1], 1, training=True, active=1, minding=1)
    second = batch([0, 1], 1, network=1, onward=True, training=True, grad=True)
    told = [first, *second, *rest, end(1)]
    assert found("training mode and evaluation mode", told, off).outcome == "right"
    assert found("training mode and evaluation mode", told, on).outcome == "WRONG"


def test_a_layer_that_is_held_in_evaluation_mode_does_not_put_the_network_there() -> None:
    """As a batch normalisation that is to stay as it was; the dropout beside it is on."""
    told = [*step([0, 1], 1, active=1, minding=2), end(1)]
    assert found("training mode and evaluation mode", told).outcome == "right"


def test_what_is_printed_after_training_is_not_judged_by_a_test_before_it() -> None:
    """The weights are others by then; of a test after it 3 of 4 images are right."""
    line = printed("Test accuracy 60.0%")
    assert found("printed counts are as counted", TESTED, TRAINED, line).outcome == "not seen"
    assert found("printed counts are as counted", TRAINED, TESTED, line).outcome == "WRONG"


def seen(images: Sequence[int], iteration: int, **changes: Any) -> list[Event]:
    """A batch of a DataLoader, its images as they are, in numbers from -1 to 1."""
    given = {"iteration": iteration, "size": len(images), "full": 2, "images": list(images)}
    given |= {"looks": (len(images), 0, 0), "low": [-1.0] * 3, "high": [1.0] * 3}
    return [events.Batch(**{**given, **changes})]


@pytest.mark.parametrize(
    ("changes", "outcome", "says"),
    [
        ({}, "right", "black to white is -1 to 1 for training and test images alike"),
        ({"low": [-1.03, -1.0, -1.0]}, "right", "black to white is -1 to 1 for training and test images alike"),
        ({"high": [1.0, 1.0, 1.1]}, "WRONG", "is -1 to 1 for training images, but -1 to 1...1.1 for test images"),
        ({"low": [0.0] * 3}, "WRONG", "is -1 to 1 for training images, but 0 to 1 for test images"),
        ({"low": [-1.0], "high": [1.0]}, "WRONG", "the network sees other numbers than it learned from"),
    ],
)
def test_black_and_white_are_the_same_numbers_in_each_channel(changes: dict[str, Any], outcome: str, says: str) -> None:
    """But for what an augmentation may take away: two hundredths of what lies between."""
    told = [*seen([0, 1], 1), *step([0, 1], 1), end(1), *seen([-1, -2], 2, **changes), *batch([-1, -2], 2), end(2)]
    finding = found("the same numbers for the same pixels", told)
    assert finding.outcome == outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("changed", "outcome", "says"),
    [
        ((0, 0, 0), "right", "no images are changed"),
        ((2, 0, 0), "right", "50% of the training images are flipped or changed, and no other ones"),
        ((4, 0, 0), "right", "100% of the training images are flipped or changed, and no other ones"),
        ((4, 1, 0), "unusual", "25% of the validation images are flipped or changed"),
        ((4, 1, 3), "WRONG", "75% of the test images are flipped or changed"),
        ((4, 4, 4), "not seen", "the images are resized or cut"),
    ],
)
def test_images_may_be_changed_to_train_on_alone(changed: tuple[int, int, int], outcome: str, says: str) -> None:
    """Of four to train on, to validate and to test; where all of them are other ones, nothing can be compared."""
    told: list[Event] = []
    for k, (first, pass_on, n) in enumerate(zip((0, 10, -4), (step, batch, batch), changed, strict=True)):
        images = range(first, first + 4)
        told += [*seen(images, k, looks=(4 - n, n // 2, n - n // 2)), *pass_on(images, k), end(k)]
    finding = found("augmentation on training images only", told)
    assert finding.outcome == outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("training", "evaluation", "outcome", "says"),
    [
        ((1, 1), {}, "right", "2 batches in training mode, 1 batch in evaluation mode"),
        ((0, 0), {}, "WRONG", "2 of 2 training batches run in evaluation mode: dropout"),
        ((1, 0), {}, "WRONG", "1 of 2 training batches run in evaluation mode, from epoch 2 on: dropout"),
        ((1, 1), {"active": 1, "training": True}, "WRONG", "in training mode: dropout and batch normalisation are on"),
        ((1, 1), {"active": 1}, "WRONG", "in 1 test batch dropout or batch normalisation is on although"),
    ],
)
def test_modes_are_told_by_epoch_and_by_part(
    training: tuple[int, int], evaluation: dict[str, Any], outcome: str, says: str
) -> None:
    """Of a network with dropout: whether it was on in each of two epochs, and in the test."""
    told = [event for k, on in enumerate(training) for event in (*step([0, 1], k, active=on, minding=1), end(k))]
    finding = found("training mode and evaluation mode", told, batch(range(-4, 0), 9, minding=1, **evaluation), end(9))
    assert finding.outcome == outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("tested", "complete", "outcome", "says"),
    [
        ([[-1, -2], [-3, -4]], True, "right", "each of 4 test images once, the last batch of 2 with them"),
        ([[-1, -2], [-3]], True, "WRONG", "1 of 4 test images are never tested, fewer than a batch of 2: drop_last"),
        ([[-1, -2]], True, "WRONG", "2 of 4 test images are never tested"),
        ([[-1, -2], [-3]], False, "WRONG", "1 of 4 test images are never tested"),
        ([[-1, -2], [-3, -4], [-1]], True, "WRONG", "counted more than once"),
    ],
)
def test_test_images_that_are_left_out_or_counted_again_are_told(
    tested: list[list[int]], complete: bool, outcome: str, says: str
) -> None:
    """How many they are, and where a smaller last batch was dropped."""
    told = [event for images in tested for event in (*seen(images, 9), *batch(images, 9))]
    finding = found("each test image is counted once", TRAINED, told, [end(9)] if complete else [], END)
    assert finding.outcome == outcome
    assert says in finding.says
    assert ("drop_last" in finding.says) == ("drop_last" in says)


@pytest.mark.parametrize(
    ("saved", "loaded", "tested", "outcome", "says"),
    [
        (None, None, 3, "right", "none were chosen"),
        (1, 1, 1, "right", "the weights tested are those saved last"),
        (1, None, 3, "WRONG", "the weights tested are those of the last epoch, not those that were saved as the best"),
        (1, 2, 2, "WRONG", "the weights tested are others, not those that were saved as the best"),
        (3, None, 3, "unusual", "the last epoch happened to be the best one"),
        (None, 5, 5, "not seen", "of which it was not seen where they come from"),
        (None, 0, 0, "right", "the weights tested are those loaded"),  # those that were validated
    ],
)
def test_the_weights_tested_are_told_from_those_saved_loaded_and_at_the_end(
    saved: int | None, loaded: int | None, tested: int, outcome: str, says: str
) -> None:
    """By their checksums; training ends with 3."""
    told = [*TRAINED, *batch([10, 11], 5), *batch([12, 13], 5), end(5)]
    told += [] if saved is None else [events.Save(weights=saved, at=SAVED.at)]
    told += step([1, 0], 2, weights=2) + step([3, 2], 2) + [end(2)]
    told += [] if loaded is None else [events.Restore(weights=loaded, live=False)]
    told += [*batch([-1, -2], 9, weights=tested), *batch([-3, -4], 9, weights=None), end(9)]
    later = events.Restore(weights=7, live=False)  # for something else than the test
    for after in ([], [later]):
        finding = found("the weights tested are those saved", told, after, source=ASKED)
        assert finding.outcome == outcome
        assert says in finding.says


def test_a_network_without_dropout_is_in_no_wrong_mode() -> None:
    """Trained beside one that has it."""
    told = [*step([0, 1], 1), end(1), *step([0, 1], 2, network=1, active=1, minding=1), end(2)]
    assert found("training mode and evaluation mode", told).outcome == "right"


@pytest.mark.parametrize(
    ("loss", "outcome", "says"),
    [
        (1.25, "right", "means over images"),
        (1.5, "unusual", "the mean of 2 batches, in which the images of the last one (1 in place of 3) count more"),
        (0.75, "WRONG", "the batches' mean losses are added and divided by 4 images"),
        (0.25, "WRONG", "the sum over 4 images is divided by 20 (all training images)"),
        (0.15, "WRONG", "the sum over 2 batches is divided by 20 (all training images)"),
        (2.5, "WRONG", "the sum over images is divided by 2 batches"),
        (2.25, "WRONG", "the last, smaller batch (1 images) counts as a full one (3)"),
        (5.0, "unusual", "a sum over the epoch, not a mean"),
        (2.0, "unusual", "the loss of the last batch alone; the mean over the epoch is 1.25"),
        (7.89, "not seen", "no loss was printed that could be compared"),
    ],
)
def test_of_what_a_printed_loss_is_the_mean(loss: float, outcome: str, says: str) -> None:
    """Of three images with a mean loss of 1 and one with a loss of 2: 5 in all, 1.25 each."""
    told = [*step([0, 1, 2], 1, 1.0), *step([3], 1, 2.0), end(1), printed(f"training loss {loss:.6f}")]
    finding = found("printed losses are means", told)
    assert finding.outcome == outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("text", "outcome", "says"),
    [
        ("Test accuracy 75.0% (3/4)", "right", "2 printed numbers as counted here"),
        ("training accuracy 0.00, test accuracy 0.75", "right", "2 printed numbers as counted here"),
        ("training accuracy 0.00, test accuracy 0.15", "WRONG", "divided by 20 (all training images)"),
        ("Airplanes: 3/10000", "WRONG", "of 4 test images of this class 3 are right, but 3 of 10000 are printed"),
        ("Correct: 3/10000", "right", "1 printed number as counted here"),
        ("Test accuracy 75% (3.0/4.0)", "right", "2 printed numbers as counted here"),
        ("accuracy: 0.75", "right", "1 printed number as counted here"),
        ("Correct: 2/4", "WRONG", "of 4 test images 3 are right, but 2 of 4 are printed"),
        ("Airplanes: 3/5", "WRONG", "of 4 test images of this class 3 are right, but 3 of 5 are printed"),
        ("Test accuracy 15.0%", "WRONG", "divided by 20 (all training images)"),
        ("Test accuracy 50.0%", "WRONG", "the accuracy of the last batch alone; 3 of 4 are right, which is 75 %"),
        ("Test accuracy 60.0%", "WRONG", "3 of 4 test images are right, which is 75 %"),
        ("Epoch 3/4", "not seen", "no accuracy was printed"),
        ("Top-5 test accuracy 60.0%", "not seen", "no accuracy was printed"),
    ],
)
def test_of_what_a_printed_accuracy_is_the_share(text: str, outcome: str, says: str) -> None:
    """3 of 4 airplanes of the test are found, both of the first batch."""
    finding = found("printed counts are as counted", step([0, 1], 1, predicted=[9, 9]), end(1), TESTED, printed(text))
    assert finding.outcome == outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("function", "given", "outputs", "outcome"),
    [
        ("cross_entropy", "logits", 10, "right"),
        ("cross_entropy", "logits", 11, "unusual"),
        ("cross_entropy", "probabilities", 10, "WRONG"),
        ("cross_entropy", "log-probabilities", 10, "unusual"),
        ("cross_entropy", "rectified", 10, "unusual"),
        ("nll_loss", "log-probabilities", 10, "right"),
        ("nll_loss", "probabilities", 10, "WRONG"),
        ("nll_loss", "logits", 10, "WRONG"),
        ("mse_loss", "logits", 10, "unusual"),
    ],
)
def test_what_suits_which_loss(function: str, given: str, outputs: int, outcome: str) -> None:
    """Raw outputs suit cross_entropy, log-probabilities nll_loss."""
    told = step([0, 1], 1)
    told[1] = events.Loss(function=function, size=2, mean=1.0, found=given, outputs=outputs, given=[])
    assert found("the loss fits the output", told).outcome == outcome


@pytest.mark.parametrize(
    ("held", "frozen", "outcome", "says"),
    [
        ([1, 2], [], "right", "all 2 parameter tensors of Net are in the optimizer"),
        ([1], [], "WRONG", "the optimizer lacks bias: they are never trained"),
        ([1], ["bias"], "right", "all 2 parameter tensors of Net are in the optimizer"),
        ([7, 8], [], "WRONG", "the optimizer holds none of the parameters of the network that is trained (Net)"),
        ([], [], "not seen", "the optimizer was not seen being made"),
    ],
)
def test_the_optimizer_holds_what_is_trained(held: list[int], frozen: list[str], outcome: str, says: str) -> None:
    """All parameters but those that are frozen; those of another network do not count."""
    network = events.Network(network=0, name="Net", parameters={"weight": 1, "bias": 2}, frozen=frozen)
    finding = found(
        "the optimizer holds the network",
        network,
        events.Optimizer(optimizer=0, name="SGD", parameters=held),
        events.Optimizer(optimizer=1, name="Adam", parameters=[1, 2]),  # which makes no step
        step([0, 1], 1),
    )
    assert finding.outcome == outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("unchanged", "unreached", "frozen", "outcome", "says"),
    [
        ([], [], [], "right", "all 3 parameter tensors change"),
        (["a"], ["a"], [], "WRONG", "a never change: is the layer used in forward()"),
        (["a"], [], [], "unusual", "a do not change: their gradient is 0"),
        (["a"], ["a"], ["a"], "unusual", "a are frozen (requires_grad=False)"),
        (["a", "b"], ["a", "b"], ["a"], "WRONG", "b never change"),
        (["a", "b", "c"], [], [], "WRONG", "no parameter changes in training"),
    ],
)
def test_parameters_that_do_not_change_are_told_by_why(
    unchanged: list[str], unreached: list[str], frozen: list[str], outcome: str, says: str
) -> None:
    """At the end; what had not changed before says nothing."""
    network = events.Network(network=0, name="Net", parameters={"a": 1, "b": 2, "c": 3}, frozen=frozen)
    before = events.Unchanged(network=0, names=["a", "b", "c"], unreached=["c"])
    last = events.Unchanged(network=0, names=unchanged, unreached=unreached)
    finding = found("all parameters learn", network, step([0, 1], 1), before, last)
    assert finding.outcome == outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("given", "outcome", "says"),
    [
        ([[], []], "right", "in all of 2 batches the labels are those of the images"),
        ([[1, 1], [1, 1]], "unusual", "the classes are numbered anew, the same way everywhere"),
        ([[1, 1], []], "WRONG", "2 of 2 labels of a batch are not those of its images (so in 1 of 2 batches)"),
        ([[0, 1], []], "WRONG", "1 of 2 labels of a batch are not those of its images (so in 1 of 2 batches)"),
    ],
)
def test_labels_may_be_numbered_anew_everywhere_and_not_now_and_then(
    given: list[list[int]], outcome: str, says: str
) -> None:
    """All images are airplanes, of class 0."""
    told = [step([k, k + 1], 1) for k in (0, 2)]
    for each, labels in zip(told, given, strict=True):
        each[1] = events.Loss(function="cross_entropy", size=2, mean=1.0, found="logits", outputs=10, given=labels)
    finding = found("labels stay with their images", *told)
    assert (finding.outcome, finding.says) == (outcome, says)


def test_images_used_for_nothing_are_told_where_whole_epochs_were_seen() -> None:
    """Of 20 images, 18 are trained on or validate; where an epoch was not seen to its end, nothing is said of it.

    Nor of a smaller last batch that is dropped: here one image of 19, another one each time.
    """
    told = [step(range(16), 1), end(1), batch([16, 17], 2), end(2)]
    finding = found("training and validation images are apart", *told)
    assert finding.outcome == "unusual"
    assert finding.says == "2 of 20 images are used neither for training nor for validation"
    assert found("training and validation images are apart", told[0], *told[2:]).outcome == "right"
    dropped = [(*seen(images, k), *step(images, k)) for k in (1, 2) for images in ([0, 1], [k + 1, k + 2])]
    told = [*dropped[:2], end(1), *dropped[2:], end(2), batch(range(5, 18), 3), end(3)]
    assert found("training and validation images are apart", *told).outcome == "right"


def test_the_epoch_in_which_a_program_failed_is_none_that_ends_early() -> None:
    """Nor that in which it was stopped; in a program that goes on it is."""
    told = [*step([0, 1], 1), *step([2, 3], 1), end(1), *step([1, 2], 2)]
    for ended in (events.Failed(error="OSError", message=""), events.TimedOut(seconds=1)):
        assert found("each training image once an epoch", told, ended).outcome == "right"
    assert found("each training image once an epoch", told, END).outcome == "WRONG"


def test_a_step_each_of_two_optimizers_is_one_step_a_batch() -> None:
    """Two steps of a single one are not."""
    made = [events.Optimizer(optimizer=k, name="SGD", parameters=[k]) for k in (0, 1)]
    told = [*step([0, 1], 1), events.Step(optimizer=1, gradients=True)]
    assert found("one step a batch", *made, told).outcome == "right"
    assert found("one step a batch", made[0], told).outcome == "WRONG"


@pytest.mark.parametrize("asked", ["better", "self.better", "tracker.state.better", "loss < best and not warming"])
def test_a_condition_may_be_a_name(asked: str) -> None:
    """Which tells that something was compared before; that of the epoch's number with another one chooses nothing."""
    saves = "    torch.save(weights, path)\n"
    told = epochs([2.0, 1.0, 3.0], {1, 3})
    assert found("saved when it got better", told, source=f"if {asked}:\n{saves}").outcome == "WRONG"
    assert found("saved when it got better", told, source=f"if epoch == last:\n{saves}").outcome == "right"


def test_epochs_made_short_are_no_epochs_where_images_are_not_known_either() -> None:
    """Nor are they a test for that: of three epochs the last was made short."""
    short = events.Bridge(what="to save time, from here on loops got only 2 batches of training images")
    told = [[*step([None, None], k), *([short] if k == 3 else []), end(k), SAVED] for k in (1, 2, 3)]
    finding = found("saved when it got better", *told, source=ASKED)
    assert finding.says.startswith("saved in epochs 1, 2 of 2,")


def test_of_one_epoch_it_is_right_to_save_it() -> None:
    """Of two that both got better it is not seen whether a worse one would be left out."""
    assert found("saved when it got better", epochs([2.0], {1}), source=ASKED).outcome == "right"
    assert found("saved when it got better", epochs([2.0, 1.0], {1, 2}), source=ASKED).outcome == "not seen"


@pytest.mark.parametrize(
    ("saved", "outcome"), [({1, 2, 3, 4}, "unusual"), ({1, 2, 3}, "unusual"), ({2}, "right"), ({4}, "right")]
)
def test_weights_may_be_saved_now_and_then_without_a_choice(saved: set[int], outcome: str) -> None:
    """In each epoch, it is unusual."""
    assert found("saved when it got better", epochs([2.0, 1.0, 3.0, 4.0], saved)).outcome == outcome


def test_a_loss_is_of_the_part_that_is_named_last_before_it() -> None:
    """And not of one that its line names before or after it."""
    told = [TRAINED, batch([10, 11], 2, 3.0), end(2)]
    finding = found("printed losses are means", *told, printed("training loss 1.0000, validation loss 1.0000"))
    assert finding.outcome == "WRONG"
    assert "this is the mean loss of training" in finding.says
    assert found("printed losses are means", *told, printed("train 1.00 validation loss 3.00")).outcome == "right"
    text = "Validated after training: validation loss 3.0000"
    assert found("printed losses are means", *told, printed(text)).outcome == "right"

"""What `cifar-repro audit` makes of what a program did, and of what cannot be run; programs: test_processes.py."""

from pathlib import Path

import pytest

from cifar_repro.audits import events
from cifar_repro.audits.judge.images import test_images_are_held_back as images_held_back
from cifar_repro.audits.judge.steps import one_step
from cifar_repro.audits.small_data import Images, sizes, small_set
from cifar_repro.audits.story import Story
from cifar_repro.cli import main
from cifar_repro.core.data import synthetic


def test_a_batch_that_was_not_done_when_the_program_was_stopped_is_not_judged() -> None:
    """Its step is not missing; in the batches before it would be."""
    told: list[events.Event] = []
    for k in range(4):
        call = {"network": 0, "training": True, "active": 0, "minding": 0, "grad": True, "predicted": [], "weights": 0}
        told.append(events.Forward(iteration=1, images=[k], **call))
        told += [events.Backward(value=1.0, stale=False), events.Step(optimizer=0, gradients=True)]
    labels = dict.fromkeys(range(4), 0)
    stopped = [*told[:-1], events.TimedOut(seconds=1)]
    assert one_step(Story(stopped, labels, {})).outcome == "right"
    assert one_step(Story([*told[:-1], events.Finished()], labels, {})).outcome == "WRONG"


def test_a_test_before_the_program_was_stopped_may_be_one_of_each_epoch() -> None:
    """Nobody knows whether training would have gone on after it."""
    call = {"network": 0, "training": True, "active": 0, "minding": 0, "grad": True, "predicted": [], "weights": 0}
    told: list[events.Event] = []
    for k, images in enumerate(([0, 1], [-1, -2])):
        told.append(events.Forward(iteration=k, images=images, **call))
        told += [] if k else [events.Backward(value=1.0, stale=False), events.Step(optimizer=0, gradients=True)]
        told.append(events.End(iteration=k))
    labels = dict.fromkeys(range(-2, 2), 0)
    ends: tuple[events.Event, ...] = (events.TimedOut(seconds=1), events.Finished())
    found = [images_held_back(Story([*told, end], labels, {})).outcome for end in ends]
    assert found == ["not seen", "right"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.py", None, "no such file"),
        ("notes.txt", "", "neither .py nor .ipynb"),
        ("broken.ipynb", "{}", "is no notebook"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    name: str, content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 2."""
    if content is not None:
        (tmp_path / name).write_text(content)
    assert main(["audit", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_every_image_is_known_by_its_numbers() -> None:
    """Whatever they were normalised to, and mirrored; an image that was changed otherwise is not."""
    small = small_set(synthetic(200, 80), 60, 20)
    known = Images(small)
    numbers = (small.test_images[:5].astype("float32") / 255 - 0.48) / 0.21
    assert known.of_numbers(numbers) == ([-1, -2, -3, -4, -5], [0] * 5)
    assert known.of_numbers(numbers[..., ::-1]) == ([-1, -2, -3, -4, -5], [1] * 5)
    assert known.of_numbers(numbers.swapaxes(2, 3)) == ([None] * 5, [2] * 5)


def test_sizes_leave_a_last_smaller_batch() -> None:
    """Of usual batch sizes, after the lesson's split and in the test; with a batch size, none is left."""
    train, test = sizes(600)
    valid = int(0.2 * train)
    assert all(n % batch > 1 for n in (train - valid, valid, test) for batch in (10, 16, 20, 32, 64, 128))
    train, test = sizes(600, 20)
    assert (train % 100, test % 20) == (0, 0)

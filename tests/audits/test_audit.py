"""`cifar-repro audit` runs a program as it is, and says what in it is wrong.

All programs and mistakes: `python tests/audit_programs.py`. Here are a few of them, and how it ends.
"""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cifar_repro.audits import events
from cifar_repro.audits.audit import Audit
from cifar_repro.audits.audit import audit as run_audit
from cifar_repro.audits.judge.images import test_images_are_held_back as images_held_back
from cifar_repro.audits.judge.steps import one_step
from cifar_repro.audits.small_data import Images, sizes, small_set
from cifar_repro.audits.story import Story
from cifar_repro.cli import main
from cifar_repro.core.data import Cifar10, synthetic
from tests.audits.forked import launch
from tests.audits.planted import MISTAKES, PROGRAMS
from tests.make_data import tiny_set, write_binary_folder

RIGHT = (PROGRAMS / "right.py").read_text(encoding="utf-8")
A_FEW = (
    "test images are flipped",
    "divided by the whole data set",
    "compared with the epoch before",
    "the last image of each batch is not counted",
)


@pytest.fixture(scope="module")
def data() -> Cifar10:
    return synthetic(200, 80)


def audited(text: str, data: Cifar10, folder: Path, repeat: bool = False) -> Audit:
    file = folder / "program.py"
    file.write_text(text, encoding="utf-8")
    return run_audit(file, data, images=80, timeout=60, repeat=repeat, launch=launch)


def test_a_right_program_has_nothing_wrong(data: Cifar10, tmp_path: Path) -> None:
    """Nor anything unusual; and all but what a few epochs cannot show is seen."""
    found = audited(RIGHT, data, tmp_path)
    assert found.ended == "finished"
    assert not found.with_outcome("WRONG")
    assert not found.with_outcome("unusual")
    assert len(found.with_outcome("right")) >= 18


@pytest.mark.parametrize("name", A_FEW)
def test_a_planted_mistake_is_named_by_its_rule(name: str, data: Cifar10, tmp_path: Path) -> None:
    """With the place in the program."""
    mistake = next(each for each in MISTAKES if each.name == name)
    found = audited(mistake.planted(RIGHT), data, tmp_path)
    (finding,) = (each for each in found.with_outcome("WRONG") if each.rule == mistake.rule)
    assert finding.at is not None
    assert finding.at[0] == "program.py"


def test_a_program_that_fails_is_judged_up_to_there(data: Cifar10, tmp_path: Path) -> None:
    """Its error is one line; what was seen before is judged."""
    found = audited(
        RIGHT.replace("model.load_state_dict", "raise KeyError('weights')\nmodel.load_state_dict"), data, tmp_path
    )
    assert found.ended == "failed"
    assert found.undecided
    assert "KeyError" in found.error
    assert next(f for f in found.findings if f.rule == "one step a batch").outcome == "right"
    assert next(f for f in found.findings if f.rule == "each test image is counted once").outcome == "not seen"


def test_a_failure_that_is_no_smaller_batchs_is_not_blamed_on_it(data: Cifar10, tmp_path: Path) -> None:
    """It fails right after a smaller batch, and does so on full ones, too."""
    text = RIGHT.replace('torch.save(model.state_dict(), "best.pt")', "raise RuntimeError('the disk is full')")
    found = audited(text, data, tmp_path)
    assert "the disk is full" in found.error
    assert not found.with_outcome("WRONG")


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


def test_weights_are_kept_where_their_folder_is_not_here(data: Cifar10, tmp_path: Path) -> None:
    """As those that a notebook saves on a drive of Colab; it is noted."""
    text = RIGHT.replace("best.pt", str(tmp_path / "drive" / "best.pt")).replace("epochs = 4", "epochs = 1")
    found = audited(text, data, tmp_path)
    assert (found.ended, found.with_outcome("WRONG")) == ("finished", [])
    assert any("a folder that is not here" in note for note in found.notes)
    assert not (tmp_path / "drive").exists()


def test_a_second_run_parts_where_nothing_is_seeded(data: Cifar10, tmp_path: Path) -> None:
    """And the line says what to seed."""
    text = RIGHT.replace("torch.manual_seed(3)", "").replace("epochs = 4", "epochs = 1")
    finding = audited(text, data, tmp_path, repeat=True).findings[-1]
    assert finding.outcome == "WRONG"
    assert "nothing calls torch.manual_seed" in finding.says


def test_the_command_in_a_process_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 for something wrong; JSON, the page and JUnit XML, which replaces an earlier one, say what."""
    file = tmp_path / "program.py"
    text = RIGHT.replace("epochs = 4", "epochs = 1").replace("model.eval()", "pass")
    file.write_text(text, encoding="utf-8")
    page, junit = tmp_path / "page.html", tmp_path / "junit.xml"
    junit.write_text("of an earlier run", encoding="utf-8")
    images = write_binary_folder(tmp_path / "set", tiny_set(per_batch=30, test=60))
    asked = ["audit", str(file), "--data", str(images), "--images", "60", "--json"]
    assert main([*asked, "--html", str(page), "--junit", str(junit)]) == 1
    found = json.loads(capsys.readouterr().out)
    (finding,) = (f for f in found["findings"] if f["outcome"] == "WRONG")
    assert finding["rule"] == "training mode and evaluation mode"
    assert finding["says"].split(":")[0] in page.read_text(encoding="utf-8")
    root = ElementTree.parse(junit).getroot()
    assert [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None] == [finding["rule"]]


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


def test_every_image_is_known_by_its_numbers(data: Cifar10) -> None:
    """Whatever they were normalised to, and mirrored; an image that was changed otherwise is not."""
    small = small_set(data, 60, 20)
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

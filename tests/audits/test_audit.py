"""What `cifar-repro audit` makes of what a program did, and of what cannot be run; programs: test_processes.py."""

import json
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import torch

from cifar_repro.audits import events, program
from cifar_repro.audits.audit import Audit, audit, tell
from cifar_repro.audits.judge.finding import Finding, right, unusual, wrong
from cifar_repro.audits.judge.images import test_images_are_held_back as images_held_back
from cifar_repro.audits.judge.steps import one_step
from cifar_repro.audits.program import run_program
from cifar_repro.audits.repeated import compare
from cifar_repro.audits.small_data import Images, sizes, small_set
from cifar_repro.audits.story import Story
from cifar_repro.audits.text import answer
from cifar_repro.audits.watch import Setting
from cifar_repro.audits.watch.log import Log
from cifar_repro.audits.watch.state import Known, State, checksum
from cifar_repro.cli import main
from cifar_repro.core.data import synthetic
from cifar_repro.core.errors import InputError


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


def test_as_many_images_as_there_are_can_be_asked_for() -> None:
    """And not one more, to train on or to test."""
    data = synthetic(60, 20)
    small = small_set(data, 60, 20)
    assert (len(small.train_labels), len(small.test_labels)) == (60, 20)
    for numbers, says in (((61, 20), "61 training images"), ((60, 21), "21 test images")):
        with pytest.raises(InputError, match=f"{says} are asked for"):
            small_set(data, *numbers)


def test_images_are_known_in_whatever_order_their_numbers_lie() -> None:
    """As rows, as rows of a table that was turned, or with the channels last."""
    small = small_set(synthetic(200, 80), 60, 20)
    images = torch.from_numpy(small.train_images[:4]).float() / 255
    rows = images.flatten(1)
    for numbers in (images, rows, rows.T.contiguous().T, images.permute(0, 2, 3, 1)):
        found = State(small).identify(numbers)
        assert (found.images, found.looks) == ([0, 1, 2, 3], (4, 0, 0))


def test_sizes_leave_a_last_smaller_batch() -> None:
    """Of usual batch sizes, after the lesson's split and in the test; with a batch size, none is left."""
    train, test = sizes(600)
    valid = int(0.2 * train)
    assert all(n % batch > 1 for n in (train - valid, valid, test) for batch in (10, 16, 20, 32, 64, 128))
    train, test = sizes(600, 20)
    assert (train % 100, test % 20) == (0, 0)
    assert sizes(600, 64) == (640, 192)  # the nearest there are


def epoch(number: int | None, images: Sequence[int]) -> list[events.Event]:
    """Each image a batch of its own."""
    call = {"network": 0, "training": True, "active": 0, "minding": 0, "grad": True, "predicted": [], "weights": 0}
    told: list[events.Event] = []
    for image in images:
        told.append(events.Forward(iteration=number, images=[image], **call))
        told += [events.Backward(value=1.0, stale=False), events.Step(optimizer=0, gradients=True)]
    return told if number is None else [*told, events.End(iteration=number)]


def audited(
    folder: Path,
    told: Sequence[events.Event],
    status: int | None = 0,
    words: str = "",
    again: Sequence[events.Event] | None = None,
) -> Audit:
    """The audit of a program that did this, and of which that is left; again: what it did in each later run."""
    runs = 0

    def launch(said: Setting, work: Path, output: Path, timeout: float) -> int | None:
        nonlocal runs
        runs += 1
        did = told if again is None or runs == 1 else again
        Path(said.log).write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in did))
        output.write_text(words)
        return status

    (folder / "program.py").touch()
    repeat = again is not None
    return audit(folder / "program.py", synthetic(200, 100), images=60, timeout=9, repeat=repeat, launch=launch)


@pytest.mark.parametrize("numbers", [(None, None), (1, 2)], ids=["by hand", "of a DataLoader"])
def test_epochs_are_counted_with_a_dataloader_or_without(numbers: Sequence[int | None], tmp_path: Path) -> None:
    """A program that has trained is decided; one in whose training no epoch came to its end is not."""
    told = [event for number in numbers for event in epoch(number, range(3))]
    found = audited(tmp_path, [*told, events.Finished()])
    assert (found.epochs, found.undecided) == (2, False)
    begun = audited(tmp_path, [*epoch(1, range(3))[:-1], events.Finished()])
    assert (begun.epochs, begun.undecided) == (0, True)


@pytest.mark.parametrize(
    ("status", "words", "ended", "error"),
    [
        (-9, "Epoch 1\nstd::bad_alloc\nKilled\n\n", "failed", "exit status -9: Killed"),
        (1, "", "failed", "exit status 1"),
        (None, "Epoch 1\n", "stopped", "stopped after 9 seconds"),
    ],
)
def test_how_a_program_ended_that_could_not_say_it_itself(
    status: int | None, words: str, ended: str, error: str, tmp_path: Path
) -> None:
    """Its last words are told; that it was stopped is no failure of it."""
    found = audited(tmp_path, epoch(1, range(3)), status, words)
    assert (found.ended, found.error) == (ended, error)
    failed = [check.message for check in answer(found).checks if check.outcome == "error"]
    assert failed == ([error] if ended == "failed" else [])


def test_an_error_is_told_where_it_arose(tmp_path: Path) -> None:
    """And not where that was called."""
    places = [("helper.py", 3), ("program.py", 9)]
    found = audited(tmp_path, [events.Failed(error="KeyError", message="'weights'", at=places)])
    assert found.error == "helper.py, line 3: KeyError: 'weights'"


@pytest.mark.parametrize("say", [right, unusual, wrong])
def test_what_is_found_is_told_where_it_was_done(say: Callable[[str, Sequence[tuple[str, int]]], Finding]) -> None:
    """And not where that was called."""
    assert say("it is so", [("helper.py", 3), ("program.py", 9)]).at == ("helper.py", 3)
    assert say("it is so", []).at is None


def test_a_program_that_wrote_no_event_has_failed(tmp_path: Path) -> None:
    """As one whose process could not even begin: there is no log."""

    def launch(said: Setting, work: Path, output: Path, timeout: float) -> int | None:
        output.write_text("python: not found")
        return 127

    told = run_program(tmp_path / "program.py", small_set(synthetic(100, 60), 60, 20), 9, launch)
    assert told == [events.Failed(error="exit status 127", message="python: not found")]


@pytest.mark.parametrize("minds", [True, False])
def test_a_program_that_does_not_mind_being_asked_to_stop_is_killed(
    minds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is what it started, where it does mind."""
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(program.os, "killpg", lambda group, sign: signals.append((group, sign)))

    def wait(seconds: float) -> int:
        if not minds and len(signals) < 2:
            raise subprocess.TimeoutExpired("program.py", seconds)
        return 0

    program._stop(SimpleNamespace(pid=7, wait=wait))
    assert signals == [(7, signal.SIGTERM), (7, signal.SIGKILL)]


def test_what_a_second_run_prints_is_compared_with_the_run_that_is_judged(tmp_path: Path) -> None:
    """Where a program failed at a smaller last batch, that is the one on other numbers of images."""
    batches = [
        events.Batch(iteration=k, size=3 - k, full=2, images=[None], looks=(0, 0, 1), low=[], high=[]) for k in (1, 2)
    ]
    failed = [*batches, events.Failed(error="IndexError", message="index 1 is out of bounds")]
    found = audited(tmp_path, failed, again=[events.Print(text="epoch 1"), events.Finished()])
    assert found.findings[-1].says == "two runs print the same 1 line"


def test_the_cells_of_a_notebook_are_numbered_as_it_is_run(tmp_path: Path) -> None:
    """Text between them has no number."""
    cells = [{"cell_type": kind, "source": [kind, "\n"]} for kind in ("markdown", "code", "raw")]
    cells.append({"cell_type": "code", "source": "the second"})
    (tmp_path / "own.ipynb").write_text(json.dumps({"cells": cells}))
    story = tell(tmp_path / "own.ipynb", [], small_set(synthetic(100, 60), 60, 20))
    assert story.sources == {"cell 1": "code\n", "cell 2": "the second"}


@pytest.mark.parametrize("shorter", [0, 1])
def test_a_run_that_prints_a_line_less_does_not_print_the_same(shorter: int) -> None:
    """Whichever of the two it is; where it trained the same, that is unusual and not WRONG."""
    runs = [[events.Print(text=text) for text in ("epoch 1", "epoch 2")] for _ in range(2)]
    assert compare(*runs).outcome == "right"
    for _ in range(2):  # down to nothing
        del runs[shorter][-1]
        assert compare(*runs).outcome == "unusual"


CALL = {"network": 0, "training": True, "active": 0, "minding": 0, "grad": True, "predicted": [], "iteration": 1}
GIVEN = {"iteration": 1, "size": 2, "full": 2, "low": [], "high": []}


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (
            [events.Batch(images=[k, 1 - k], looks=(2, 0, 0), **GIVEN) for k in (0, 1)],
            "the images come in another order",
        ),
        ([events.Batch(images=[0, 1], looks=(2 - k, k, 0), **GIVEN) for k in (0, 1)], "images are augmented otherwise"),
        ([events.Forward(images=[0, 1], weights=k, **CALL) for k in (0, 1)], "the initial weights are others"),
    ],
)
@pytest.mark.parametrize(
    ("seeded", "lacking"),
    [
        ([], "nothing calls torch.manual_seed(...) or np.random.seed(...)"),
        (["torch"], "nothing calls np.random.seed(...)"),
        (["numpy"], "nothing calls torch.manual_seed(...)"),
        (["torch", "numpy"], "nothing calls random.seed(...)"),
        (["torch", "numpy", "random"], "all generators are seeded"),
    ],
)
def test_why_two_runs_part_is_told_and_what_was_not_seeded(
    seen: list[events.Event], says: str, seeded: list[str], lacking: str
) -> None:
    """Whether what they print is the same or not."""
    seeds = [events.Seed(generator=name) for name in seeded]
    for texts in (("1", "2"), ("1", "1")):
        runs = [[*seeds, event, events.Print(text=text)] for event, text in zip(seen, texts, strict=True)]
        finding = compare(*runs)
        assert finding.outcome == "WRONG"
        assert finding.says.endswith(f"{says}, or are others: {lacking}" if "order" in says else f"{says}: {lacking}")


@pytest.mark.parametrize(("networks", "says"), [(1, "the initial weights are others"), (2, "the weights are others")])
def test_weights_are_initial_ones_where_no_other_network_was_there_before(networks: int, says: str) -> None:
    """Those of a network that comes later may be others by what was drawn for the first."""
    made = [events.Network(network=k, name="Net", parameters={}, frozen=[]) for k in range(networks)]
    runs = [[*made, events.Forward(images=[0], weights=k, **CALL), events.Print(text=str(k))] for k in (0, 1)]
    assert f": {says}: " in compare(*runs).says


def test_a_line_that_was_not_written_to_its_end_is_no_event(tmp_path: Path) -> None:
    """The program may have been killed while it wrote."""
    whole = msgspec.json.encode(events.Finished()) + b"\n"
    (tmp_path / "log").write_bytes(whole + whole[:-1])
    assert events.read_events(tmp_path / "log") == [events.Finished()]


def test_a_syntax_error_tells_its_place_once(tmp_path: Path) -> None:
    """Where it is said of any error, and not in its words as well."""
    program = tmp_path / "program.py"
    log = Log(tmp_path / "log", program)
    with closing(log._file):
        log.failed(SyntaxError("'(' was never closed", (str(program), 7, 6, "print(")))
    (failed,) = events.read_events(tmp_path / "log")
    assert failed == events.Failed(error="SyntaxError", message="'(' was never closed", at=[("program.py", 7)])


def test_of_an_error_of_many_lines_the_first_is_told(tmp_path: Path) -> None:
    """As of what load_state_dict raises: its first line says what it is."""
    log = Log(tmp_path / "log", tmp_path / "program.py")
    with closing(log._file):
        log.failed(RuntimeError("Error(s) in loading state_dict for Net:\n\tMissing key(s): fc.bias\n"))
    (failed,) = events.read_events(tmp_path / "log")
    assert failed == events.Failed(error="RuntimeError", message="Error(s) in loading state_dict for Net:")


def test_which_parameters_change_is_told_after_each_of_the_first_two_epochs(tmp_path: Path) -> None:
    """For the program may be stopped; an evaluation is no epoch."""
    state, network = State(small_set(synthetic(100, 60), 60, 20)), torch.nn.Linear(1, 1)
    state.networks[network] = Known(0, {"weight": checksum([network.weight])}, trained=True)
    log = Log(tmp_path / "log", tmp_path / "program.py")
    counts = []
    with closing(log._file):
        for loop, stepped in ((1, 1), (2, 1), (3, 3), (4, 4)):
            state.stepped = stepped
            state.ended(log, loop)
            counts.append(len(events.read_events(tmp_path / "log")))
    assert counts == [1, 1, 2, 2]
    told = events.of_kind(events.read_events(tmp_path / "log"), events.Unchanged)
    assert [event.names for event in told] == [["weight"]] * 2


@pytest.mark.parametrize("stage", ["error_before_exec", "error_in_exec"])
def test_a_cell_that_fails_ends_its_notebook(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs, or before, as one that is no Python does."""
    missing = "no nbformat: pip install 'cifar-repro[audit]'"
    notebook = pytest.importorskip("cifar_repro.audits.watch.notebook", reason=missing)
    ended: list[BaseException | None] = []
    monkeypatch.setattr(notebook, "setting", lambda: None)
    monkeypatch.setattr(notebook, "start", lambda said: (SimpleNamespace(cells={}), ended.append))
    monkeypatch.setattr(notebook, "finishing", [])
    hooks: dict[str, Callable[[SimpleNamespace], None]] = {}
    magics = {"register_magic_function": lambda *given, **more: None}
    notebook.in_kernel(SimpleNamespace(events=SimpleNamespace(register=hooks.__setitem__), **magics))
    errors = {"error_before_exec": None, "error_in_exec": None}
    hooks["post_run_cell"](SimpleNamespace(**errors))
    assert ended == []
    error = SyntaxError("unmatched ')'")
    hooks["post_run_cell"](SimpleNamespace(**{**errors, stage: error}))
    assert ended == [error]

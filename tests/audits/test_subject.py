"""`pytest --subject`: what the checks say of files as students hand them in. pytest itself: test_processes.py."""

import json
import sys
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_repro.audits.checks import CHECKS, Check
from cifar_repro.audits.subject import FOREIGN, OtherInterface, Subject, from_file
from tests.checks import CHECKS as OF_THE_CORE

STUDENTS = Path(__file__).parent / "students"
RIGHT = (STUDENTS / "right.py").read_text()

# What is wrong with each file: all checks that must fail, and no other may.
WRONG = {
    "right": set(),
    "wrong_training": {
        "forward_is_the_lessons",
        "dropout_is_the_lessons",
        "dropout_is_on_in_training_mode",
        "outputs_are_scores_for_ten_classes",
        "each_step_is_a_step_of_sgd_on_the_mean_loss",
        "one_batch_can_be_overfitted",
    },
    "wrong_evaluation": {
        "split_sizes_are_the_floor",
        "split_equals_the_lessons_lines",
        "split_depends_on_its_seed_alone",
        "evaluation_counts_every_image_once",
        "evaluation_loss_is_the_mean_over_images",
        "evaluation_turns_dropout_off",
    },
}


def test_the_checks_are_those_that_others_can_be_asked() -> None:
    """A check is in the package if all that it needs are names that somebody else's code can have, and only then."""
    assert {name for name, check in OF_THE_CORE.items() if set(check.needs) <= FOREIGN.keys()} == set(CHECKS)


@pytest.mark.parametrize("name", WRONG)
def test_the_checks_find_what_is_wrong_and_nothing_else(name: str) -> None:
    """Of the checks that apply to a student's file, those fail that are about its mistakes."""
    subject = from_file(str(STUDENTS / f"{name}.py"))
    failed = set()
    for check in CHECKS.values():
        if not check.missing(subject):
            try:
                check.run(subject)
            except AssertionError:
                failed.add(check.name)
    assert failed == WRONG[name]


def test_a_file_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    """A syntax error is raised as such, in a notebook, too, where it hides a function or a class.

    A file with none of the names says which there could be.
    """
    (tmp_path / "broken.py").write_text("def split_indices(:\n")
    for name, text in (("of_a_function", "def evaluate(:\n    pass\n"), ("of_a_class", "class Net(:\n    size = 3\n")):
        cells = [{"cell_type": "code", "source": [text]}, {"cell_type": "code", "source": RIGHT.splitlines(True)}]
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
    for name in ("broken.py", "of_a_function.ipynb", "of_a_class.ipynb"):
        with pytest.raises(SyntaxError):
            from_file(str(tmp_path / name))
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(LookupError, match="has none of Net, split_indices"):
        from_file(str(tmp_path / "empty.py"))


def said(where: Path, recipe: str = "udacity", only: Collection[str] = CHECKS) -> dict[str, str]:
    """What each of these checks says of a file: right, or the first line of why not."""
    subject = from_file(str(where), recipe)
    found = {}
    for name in only:
        check = CHECKS[name]
        if not check.missing(subject):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    check.run(subject)
                found[name] = "right"
            except AssertionError as error:
                word = "differs" if check.of_the_lesson else "WRONG"
                found[name] = f"{word}: {str(error).splitlines()[0]}"
    return found


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    """The right solution with pieces of its text replaced."""
    text = RIGHT
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    (folder / "student.py").write_text(text)
    return folder / "student.py"


OWN = "from torch import nn\n"
SIZE = f"{OWN}\ndef conv_output_size(size, kernel_size, stride, padding, dilation):\n    return "
PLANTED = (
    ("split_is_disjoint_and_complete", "indices[cut:], ", "indices[cut + 1:], "),
    ("split_is_disjoint_and_complete", "indices[cut:], ", "indices[n - int((1 - valid_fraction) * n):], "),
    ("normalisation_equals_torchvision", OWN, f"{OWN}\ndef normalize(images):\n    return images / 256 * 2 - 1\n"),
    ("normalisation_equals_torchvision", OWN, f"{OWN}\ndef normalize(images):\n    return images / 255\n"),
    ("parameters_are_the_lessons", "self.conv3", "self.conv4"),
    ("initial_weights_are_the_lessons", "super().__init__()\n", "super().__init__()\n        torch.rand(1)\n"),
    ("dropout_is_off_in_evaluation_mode", "0.25, self.training", "0.25, True"),
    ("initial_loss_is_near_ln_10", "return self.fc2(x)", "return 100 * self.fc2(x)"),
    ("logits_depend_on_their_own_image_alone", "return self.fc2(x)", "return self.fc2(x - x.mean(0))"),
    ("a_gradient_reaches_every_parameter", "self.fc1(x)", "self.fc1(x.detach())"),
    ("a_gradient_reaches_every_parameter", "self.fc1(x)", "self.fc1(0 * x)"),
    ("one_optimizer_step_a_batch", "optimizer.step()\n", "optimizer.step()\n        optimizer.step()\n"),
    ("training_loss_is_the_mean_over_images", "+= loss.item() * len(labels)", "+= loss.item() * 10"),
    ("training_turns_dropout_on", "    network.train()\n", ""),
    ("evaluation_learns_nothing", "network.eval()\n", "network.eval()\n    network[1].weight.data *= 2\n"),
    ("evaluation_learns_nothing", "network.eval()\n", "network.eval()\n    network(batches[0][0]).sum().backward()\n"),
    ("evaluation_learns_nothing", "network.eval()\n", "network.eval()\n    network[1].bias.sum().backward()\n"),
    ("output_sizes_are_torchs", OWN, f"{SIZE}(size + 2 * padding - kernel_size) // stride + 1\n"),
    ("output_sizes_are_torchs", OWN, f"{SIZE}(size + padding - dilation * (kernel_size - 1) - 1) // stride + 1\n"),
    ("output_sizes_are_torchs", OWN, f"{SIZE}size + 2 * padding - dilation * (kernel_size - 1)\n"),
    ("output_sizes_are_torchs", OWN, f"{SIZE}(size + 2 * padding - dilation * (kernel_size - 1)) // stride + 1\n"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), PLANTED)
def test_each_check_finds_what_it_is_there_for(name: str, old: str, new: str, tmp_path: Path) -> None:
    """Of mistakes that no student's file has, one or some for each check; what is not the lesson's differs."""
    (what,) = said(changed(tmp_path, (old, new)), only=[name]).values()
    assert what.partition(":")[0] == ("differs" if CHECKS[name].of_the_lesson else "WRONG")


def test_a_check_leaves_threads_and_generators_as_they_were() -> None:
    """Whatever the code that it calls does with them, and where it fails."""

    def careless(subject: Subject) -> None:
        torch.set_num_threads(3)
        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002 - the global one
        raise AssertionError

    def found() -> tuple[int, list[int], list[int]]:
        words = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002 - the global one
        return torch.get_num_threads(), torch.get_rng_state().tolist(), words.tolist()

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        before = found()
        with pytest.raises(AssertionError):
            Check("careless", "", (), careless, False).run(Subject())
        assert found() == before
    finally:
        torch.set_num_threads(threads)


def test_right_formulas_are_right(tmp_path: Path) -> None:
    """Of normalisation and of sizes, which the student's file has not."""
    size = f"{SIZE}(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1\n"
    own = f"{size}\ndef normalize(images):\n    return (images.float() / 255 - 0.5) / 0.5\n"
    names = ["normalisation_equals_torchvision", "output_sizes_are_torchs"]
    assert said(changed(tmp_path, (OWN, own)), only=names) == dict.fromkeys(names, "right")


def test_log_softmax_with_nll_loss_is_right(tmp_path: Path) -> None:
    """The same training, written otherwise: nothing is WRONG with it, and what is not the lesson's differs."""
    found = said(
        changed(tmp_path, ("return self.fc2(x)", "return torch.log_softmax(self.fc2(x), 1)"), ("CrossEntropy", "NLL"))
    )
    assert {name for name, what in found.items() if what != "right"} == {
        "forward_is_the_lessons",
        "dropout_is_the_lessons",
    }
    assert all(not what.startswith("WRONG") for what in found.values())


def test_nll_loss_on_raw_scores_is_wrong(tmp_path: Path) -> None:
    """NLLLoss wants log-probabilities: with raw scores both losses are none, whatever the network is."""
    losses = ("training_loss_is_the_mean_over_images", "evaluation_loss_is_the_mean_over_images")
    found = said(changed(tmp_path, ("CrossEntropy", "NLL")), only=losses)
    assert [what.partition(":")[0] for what in found.values()] == ["WRONG"] * 2


def test_softmax_without_dim_is_named_softmax(tmp_path: Path) -> None:
    """torch warns of it; the check says what is wrong all the same."""
    change = ("return self.fc2(x)", "return torch.nn.functional.softmax(self.fc2(x))")
    (found,) = said(changed(tmp_path, change), only=["outputs_are_scores_for_ten_classes"]).values()
    assert found.startswith("WRONG: the outputs of each image add up to 1")


def test_another_architecture_differs_and_is_not_wrong(tmp_path: Path) -> None:
    """Half as many features and no dropout: none of it is WRONG, and one line says that it is another architecture."""
    found = said(changed(tmp_path, ("500", "250"), ("torch.dropout(x, 0.25, self.training)", "x")))
    assert all(not what.startswith("WRONG") for what in found.values())
    assert found["forward_is_the_lessons"].endswith("another architecture")
    assert found["dropout_is_on_in_training_mode"].startswith("differs")


def test_who_counts_on_batch_size_is_told_so(tmp_path: Path) -> None:
    """`range(batch_size)` fails on a smaller last batch: the mistake is named, not the IndexError alone."""
    path = changed(
        tmp_path,
        (
            "for label, predicted in zip(labels.tolist(), output.argmax(1).tolist()):",
            "for label, predicted in ((int(labels[i]), int(output[i].argmax())) for i in range(10)):",
        ),
    )
    (what,) = said(path, only=["evaluation_counts_every_image_once"]).values()
    assert what.startswith("WRONG: it fails on batches of 10 images with a last, smaller one of 7")
    assert what.endswith("go through the images of each batch, len(labels), and not through batch_size")


def test_the_tutorials_network_is_compared_with_the_tutorials(tmp_path: Path) -> None:
    """With --subject-recipe pytorch-blitz its network is right; as the lesson's it is another architecture."""
    path = tmp_path / "blitz.py"
    path.write_text("from cifar_repro.core.model import BlitzNet as Net\n")
    assert set(said(path, "pytorch-blitz").values()) == {"right"}
    (found,) = said(path, only=["parameters_are_the_lessons"]).values()
    assert found.startswith("differs")


def test_what_an_evaluation_returns_may_be_another_interface(tmp_path: Path) -> None:
    """An accuracy in place of loss and counts: which of them is wrong is not to be told."""
    (tmp_path / "own.py").write_text("def evaluate(network, batches):\n    return 74.5\n")
    with pytest.raises(OtherInterface, match=r"its evaluate returns 74\.5, the checks read \(loss, right per class"):
        CHECKS["evaluation_counts_every_image_once"].run(from_file(str(tmp_path / "own.py")))


def test_a_subject_finds_what_a_program_of_its_own_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules beside it before others, no arguments, and a module to be in, for dataclasses; it is run once."""
    (tmp_path / "beside.py").write_text("SIZE = 3\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "beside.py").write_text("")
    (tmp_path / "own.py").write_text(
        "import sys\nfrom dataclasses import dataclass\nimport beside\nassert len(sys.argv) == 1\n"
        "open('runs', 'a').write('x')\n@dataclass\nclass Size:\n    n: int = beside.SIZE\n"
        "def normalize(images):\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pytest", "--subject"])
    monkeypatch.setattr(sys, "path", [str(tmp_path / "elsewhere"), *sys.path])
    from_file("own.py")
    assert (tmp_path / "runs").read_text() == "x"
    assert sys.argv == ["pytest", "--subject"]


def test_of_a_notebook_the_definitions_are_taken(tmp_path: Path) -> None:
    """Imports, functions, classes and constants; neither a magic, nor a shell's line, nor what a cell would run."""
    imports, _, rest = RIGHT.partition("class Net")
    shell = [
        "%matplotlib inline\n",
        "if 3 < 4:\n",
        "    !pip install torch\n",
        "odd = (3\n",
        "    % 2\n",
        "    != 0)\n",
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# My solution"]},
        {
            "cell_type": "code",
            "source": [*shell, *imports.splitlines(True)],
        },
        {"cell_type": "code", "source": ["sizes = [500]\n", "raise SystemExit('a cell was run')\n"]},
        {"cell_type": "code", "source": ("class Net" + rest).replace("500", "sizes[0]").splitlines(True)},
        {"cell_type": "code", "source": ["what is this?\n"]},
    ]
    (tmp_path / "own.ipynb").write_text(json.dumps({"cells": cells}))
    assert set(said(tmp_path / "own.ipynb").values()) == {"right"}

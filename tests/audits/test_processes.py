"""A few audited programs, and `pytest --subject` of a student's file, each in a process.

All programs and mistakes: `python tests/audit_programs.py`. They are in one file because one process does the tests of
a file, and the server of `forked` takes seconds to start.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import cifar_repro
from cifar_repro.audits import events
from cifar_repro.audits.audit import Audit
from cifar_repro.audits.audit import audit as run_audit
from cifar_repro.audits.events import Event, of_kind, read_events
from cifar_repro.audits.watch import Setting
from cifar_repro.cli import main
from cifar_repro.core.data import Cifar10, synthetic
from tests.audits.forked import launch, run_pytest
from tests.audits.planted import MISTAKES, PROGRAMS
from tests.make_data import tiny_set, write_binary_folder

ROOT = Path(__file__).parents[2]
STUDENTS = Path(__file__).parent / "students"
RIGHT = (PROGRAMS / "right.py").read_text(encoding="utf-8")
A_FEW = (
    "test images are flipped",
    "divided by the whole data set",
    "the last test images are left out",
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


def test_weights_are_kept_where_their_folder_is_not_here(data: Cifar10, tmp_path: Path) -> None:
    """As those that a notebook saves on a drive of Colab; it is noted."""
    save = 'torch.save(model.state_dict(), "best.pt")'
    text = RIGHT.replace(save, f'{save}\n        torch.save(optimizer.state_dict(), "last.pt")')
    for name in ("best.pt", "last.pt"):
        text = text.replace(name, str(tmp_path / "drive" / name))
    text = text.replace("epochs = 4", "epochs = 1")
    found = audited(text, data, tmp_path)
    assert (found.ended, found.with_outcome("WRONG")) == ("finished", [])
    assert any("a folder that is not here" in note for note in found.notes)
    assert not (tmp_path / "drive").exists()


FOR_A_GPU = """
import sys
import torch
import torch.nn.functional as F
from torchvision import datasets, transforms
workers = {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 4, "timeout": 5, "pin_memory": True}
data = datasets.CIFAR10("data", transform=transforms.ToTensor())
images, labels = next(iter(torch.utils.data.DataLoader(data, batch_size=10, **workers)))
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10)).to(device="cuda:0")
labels = labels.to("cuda:0") + torch.zeros(1, dtype=int, device="mps").to(torch.device("cuda", 1))
output = model(images.to("cuda", non_blocking=True))
for reduction in ("mean", "sum", "none"):
    F.cross_entropy(output, labels, reduction=reduction)
F.cross_entropy(output[0], labels[0])
torch.save({"epoch": 1, "parts": {"model": model.state_dict()}}, "saved.pt")
print("loss", 0.5, sep="=")
print("loss", 0.5, sep=None)
sys.exit(0)
"""


def watched(text: str, data: Cifar10, folder: Path) -> tuple[Audit, list[Event]]:
    """The audit of a program, and what happened in it."""
    told: list[Event] = []

    def keep(said: Setting, work: Path, words: Path, timeout: float) -> int | None:
        status = launch(said, work, words, timeout)
        told.extend(read_events(Path(said.log)))
        return status

    (folder / "program.py").write_text(text, encoding="utf-8")
    return run_audit(folder / "program.py", data, images=80, timeout=60, launch=keep), told


def test_a_program_for_a_gpu_and_workers_runs_and_is_watched_here(data: Cifar10, tmp_path: Path) -> None:
    """However devices are named; means of losses, weights in what is saved and printed words are seen as they are."""
    found, told = watched(FOR_A_GPU, data, tmp_path)
    assert (found.ended, found.error) == ("finished", "")
    assert len(found.notes) == 2
    *losses, of_one = of_kind(told, events.Loss)
    assert [loss.mean for loss in losses] == pytest.approx([losses[0].mean] * 3, rel=1e-6)
    assert [loss.size for loss in (*losses, of_one)] == [10, 10, 10, 1]
    (call,), (saved,) = of_kind(told, events.Forward), of_kind(told, events.Save)
    assert saved.weights == call.weights
    assert [each.text for each in of_kind(told, events.Print)] == ["loss=0.5", "loss 0.5"]


WRITTEN_OTHERWISE = """
import random
import torch
import torch.nn.functional as F
from torchvision import datasets, transforms
random.seed()
random.seed(1)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.whole, self.none, self.out = torch.nn.Dropout2d(0.5), torch.nn.Dropout(0.0), torch.nn.Linear(3072, 10)
        self.idle = torch.nn.Parameter(torch.ones(1))
    def forward(self, x):
        return self.out(torch.dropout(self.none(self.whole(x)).flatten(1), p=0.5, train=False))
data = datasets.CIFAR10("data", train=False, transform=transforms.ToTensor())
halves = torch.utils.data.random_split(data, [5000, 5000])
print(len(halves[0]) - len(halves[1]))
whole = datasets.CIFAR10("data")
print(len(torch.utils.data.Subset(whole, range(len(whole) + 1))))
images, labels = next(iter(torch.utils.data.DataLoader(data, batch_size=10)))
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for idle in (False, True):
    output = model(images)
    loss = F.cross_entropy(output, labels)
    (loss + 0 * model.idle.sum() if idle else loss).backward()
    optimizer.step()
F.cross_entropy(output, labels, size_average=False)
F.cross_entropy(output, labels, None, False)
one_hot = F.one_hot(labels, 10).float()
for reduction in ("none", "sum", "batchmean"):
    F.kl_div(output.log_softmax(1), one_hot, reduction=reduction)
for piece in (images.chunk(2)[0], images.chunk(2)[1], images[3:4], images[::2]):
    model(piece)
torch.save(model, "whole.pt")
torch.load("whole.pt", "cuda:0")
torch.load("whole.pt", lambda storage, place: storage)
try:
    torch.load("whole.pt", weights_only=True)
except Exception:
    print("refused")
"""


def test_what_can_be_written_otherwise_is_seen_as_it_is(data: Cifar10, tmp_path: Path) -> None:
    """As it was in 2018, too: which means a loss is of, which dropout is on, which gradients came later.

    A seed without a number is none, and a piece of a batch is of that batch's loop.
    """
    found, told = watched(WRITTEN_OTHERWISE, data, tmp_path)
    assert (found.ended, found.error) == ("finished", "")
    assert [seed.generator for seed in of_kind(told, events.Seed)] == ["random"]
    calls = of_kind(told, events.Forward)
    assert [(call.active, call.minding) for call in calls] == [(1, 2)] * 6
    assert [call.iteration for call in calls] == [1, 1, 1, 1, 1, None]
    images = calls[0].images
    assert [call.images for call in calls[2:]] == [images[:5], images[5:], images[3:4], images[::2]]
    (last,) = of_kind(told, events.Unchanged)
    assert (last.names, last.unreached) == (["idle"], [])
    _, *losses = of_kind(told, events.Loss)
    assert [loss.mean for loss in losses] == pytest.approx([losses[0].mean] * 6, rel=1e-5)
    difference, kept, refused = of_kind(told, events.Print)
    assert (abs(int(difference.text)), refused.text) == (found.test_images % 2, "refused")
    assert int(kept.text) == 1  # of the first hundred or so of 50,000 the first alone is there


def test_a_second_run_parts_where_nothing_is_seeded(data: Cifar10, tmp_path: Path) -> None:
    """And the line says what to seed."""
    text = RIGHT.replace("torch.manual_seed(3)", "").replace("epochs = 4", "epochs = 1")
    finding = audited(text, data, tmp_path, repeat=True).findings[-1]
    assert finding.outcome == "WRONG"
    assert "nothing calls torch.manual_seed" in finding.says


def test_the_command_in_a_process_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 1 for something wrong; JSON, the page and JUnit XML, which replaces an earlier one, say what.

    The program finds what is beside it, and what is on the path of who audits it.
    """
    file = tmp_path / "program.py"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "on_the_path.py").touch()
    (tmp_path / "beside.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "own"), prepend=os.pathsep)
    text = RIGHT.replace("epochs = 4", "epochs = 1\nimport beside, on_the_path").replace("model.eval()", "pass")
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


def test_the_report_says_right_wrong_and_why_or_not_there() -> None:
    """The closing report has a line for each check, and the exit status is that of a failed run."""
    plugins = ["-p", "cifar_repro.audits.pytest_plugin", "-p", "pytest_benchmark.plugin", "-p", "pytest_timeout"]
    arguments = ["-q", "-p", "no:cacheprovider", *plugins, "--subject", "tests/audits/students/wrong_evaluation.py"]
    result = run_pytest(arguments, ROOT, [ROOT])
    assert result.returncode == 1
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert ["differs", "split sizes are the floor: 0.2 of 50000 images gives 10001 to validate on, not 10000"] in lines
    assert ["right", "split is disjoint and complete"] in lines
    differs = [line[1].partition(":")[0] for line in lines if line[:1] == ["differs"]]
    assert differs == ["split sizes are the floor", "split equals the lessons lines"], "not in the order of the checks"
    assert "not judged        forward is the lessons: needs Net" in result.stdout
    assert "2 right, 4 WRONG, 2 differs, " in result.stdout


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that has the package as an installed one: nothing else of this project is to be had beside it."""
    folder = tmp_path / "site"
    shutil.copytree(Path(cifar_repro.__file__).parent, folder / "cifar_repro", ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("tests", "benchmarks"):
        (folder / f"{name}.py").write_text(f"raise ImportError('an installed package has no {name}')\n")
    return folder


def handed_in(site: Path) -> Path:
    """A folder with students' files and nothing else."""
    folder = site.parent / "handed in"
    shutil.copytree(STUDENTS, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (folder / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    return folder


def pytest_with(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest with no plugin but this package's, in the folder of what was handed in."""
    return run_pytest(["-p", "cifar_repro.audits.pytest_plugin", *arguments], handed_in(site), [site])


def pytest_anew(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in a new process, in which nothing is loaded yet: it takes seconds to start."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "pytest", "-p", "cifar_repro.audits.pytest_plugin", *arguments]
    return subprocess.run(command, cwd=handed_in(site), env=environment, text=True, capture_output=True, check=False)


def test_an_installed_package_finds_what_is_wrong(site: Path) -> None:
    """The same report as in this project's folder, each test named after the file that it is about."""
    result = pytest_with(site, "-p", "no:cacheprovider", "--subject", "wrong_training.py")
    assert result.returncode == 1, result.stdout
    assert (
        "WRONG             outputs are scores for ten classes: the outputs of each image add up to 1" in result.stdout
    )
    assert "differs           dropout is on in training mode: in training mode two passes agree" in result.stdout
    assert "9 right, 3 WRONG, 3 differs, 10 not judged" in result.stdout
    assert "FAILED wrong_training.py::test_check[outputs_are_scores_for_ten_classes]" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["right.py", "wrong_training.py"], "on one file or module: leave out wrong_training.py"),
        (["gone.py"], "--subject gone.py: FileNotFoundError: "),
        (["leaves.py"], "--subject leaves.py: SystemExit: 3"),
    ],
)
def test_what_cannot_be_checked_is_a_usage_error(site: Path, arguments: list[str], why: str) -> None:
    """Several files at once, or one that cannot be run, end in a line that says so and in pytest's status for it."""
    result = pytest_with(site, "--subject", *arguments)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert why in result.stderr


def test_who_does_not_ask_pays_nothing(site: Path) -> None:
    """Without --subject the plugin, which every run of pytest in its environment loads, imports nothing heavy."""
    (site.parent / "handed in").mkdir()
    (site.parent / "handed in" / "test_own.py").write_text(
        "import sys\n\ndef test_own():\n    assert not {'torch', 'numpy', 'cifar_repro.core'} & set(sys.modules)\n"
    )
    result = pytest_anew(site)
    assert "1 passed" in result.stdout, result.stdout


def test_another_interface_is_not_wrong(site: Path) -> None:
    """A function that takes or gives something else cannot be judged: the report says so, and what it has."""
    folder = site.parent / "handed in"
    folder.mkdir()
    (site.parent / "pytest.ini").write_text("[pytest]\n")  # of a project in whose folder it lies
    (folder / "own.py").write_text(
        "def evaluate(network, loader, device, criterion):\n    return 1.0\n"
        "def train_epoch(network, batches, optimizer):\n    pass\n"
    )
    lines = pytest_with(site, "--subject=own.py").stdout.splitlines()
    why = "it has evaluate(network, loader, device, criterion), the checks call evaluate(network, batches)"
    assert f"another interface evaluation counts every image once: {why}" in lines
    why = "its train_epoch returns None, the checks read a mean loss"
    assert f"another interface training loss is the mean over images: {why}" in lines


def test_what_lies_beside_a_subject_and_what_it_warns_of_are_none_of_its_faults(site: Path) -> None:
    """What is right is found right, whatever its folder configures, it warns of when run and called, or leaves open.

    `--subject=FILE` leaves pytest's root where it is; `--subject FILE` moves it, and ends in a line that says so.
    """
    elsewhere = site.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pytest.ini").write_text("[pytest]\naddopts = -k nothing_of_it\n")
    right = (STUDENTS / "right.py").read_text()
    (elsewhere / "own.py").write_text(
        "import warnings\nopen(__file__)\nwarnings.warn('run')\n"
        + right.replace("    network.eval()\n", "    network.eval()\n    open(__file__)\n    warnings.warn('called')\n")
    )
    result = pytest_with(site, "--import-mode=importlib", "-W", "error", f"--subject={elsewhere / 'own.py'}")
    assert result.returncode == 0, result.stdout
    assert "23 right, 0 WRONG, 2 not judged" in result.stdout
    assert f"rootdir: {site.parent / 'handed in'}" in result.stdout
    result = pytest_with(site, "--subject", str(elsewhere / "own.py"))
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"write --subject={elsewhere / 'own.py'}" in result.stderr

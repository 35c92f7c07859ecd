"""A whole run is not resumed on other data, with another setting, elsewhere, or after it diverged."""

import json
import shutil
from pathlib import Path

import pytest

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import Finished, as_id, changed, edit, needs_no_gpu


def test_finished_run_resumes_as_it_is(shell: Shell, run: Path) -> None:
    """The run that the following tests spoil can be resumed before they do."""
    weights_before = (run / "model_cifar.pt").read_bytes()
    status, out, _ = shell.run("run", "--resume", run)
    assert status == 0
    assert "after epoch 2" in out
    assert (run / "model_cifar.pt").read_bytes() == weights_before


@pytest.mark.parametrize("part", ["train", "test"])
def test_other_data_is_not_resumed_on(shell: Shell, finished: Finished, run: Path, part: str) -> None:
    """Data with another fingerprint, be it for one pixel of one part, is refused."""
    other = Path(shutil.copytree(finished.data, shell.folder / "other"))
    path = other / "cifar-10-batches-bin" / ("data_batch_2.bin" if part == "train" else "test_batch.bin")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    line = shell.refuses("run", "--resume", run, "--data", other, naming=(run, "fingerprint"))
    recorded = json.loads((run / "record.json").read_text())["data"]["fingerprints"]
    assert recorded[part][:12] in line, f"the fingerprint of the part that differs is not named: {line}"


def test_run_whose_data_is_gone_is_not_resumed(shell: Shell, run: Path) -> None:
    """A run whose data folder is no longer there names that folder."""
    edit(run, changed(("data", "path"), str(shell.folder / "gone")))
    shell.refuses("run", "--resume", run, naming=("data", shell.folder / "gone"))


@pytest.mark.parametrize("entries", [{"path": "auto"}, {"path": None, "kind": "auto"}], ids=["path", "kind"])
@pytest.mark.parametrize("command", [["run", "--resume"], ["verify"]], ids=["resume", "verify"])
def test_a_record_makes_nothing_be_downloaded(
    shell: Shell, run: Path, command: list[str], entries: dict[str, object]
) -> None:
    """Only who types --data auto asks for it: in a record it is a folder, which is not there."""
    edit(run, lambda record: record["data"].update(entries))
    shell.refuses(*command, run, naming=("data", "auto" if entries["path"] else "does not say"))


def test_all_that_differs_in_the_environment_is_named(shell: Shell, run: Path) -> None:
    """Not the first of it alone, so that nobody mends one thing after the other."""
    edit(run, lambda record: record["environment"].update(torch="1.0", cpu_capability="another"))
    line = shell.refuses("run", "--resume", run, naming=(run, "torch: 1.0 -> ", "; cpu_capability: another -> "))
    assert line.endswith("): start a new run\n")


@pytest.mark.parametrize(("name", "value"), [("threads", 2_000), ("device", "tpu")])
@pytest.mark.parametrize("command", [["run", "--resume"], ["verify"]], ids=["resume", "verify"])
def test_a_setting_that_cannot_be_is_named_with_the_record(
    shell: Shell, run: Path, command: list[str], name: str, value: object
) -> None:
    """It was not given on the command line."""
    edit(run, changed(("environment", name), value))
    shell.refuses(*command, run, naming=(run / "record.json", name, value))


@pytest.mark.parametrize(
    ("flag", "value", "was"),
    [
        ("--seed", 4, 3),
        ("--order-seed", 4, 3),
        ("--epochs", 3, 2),
        ("--threads", 2, 1),
        ("--batch-size", 10, 20),
        ("--learning-rate", 0.1, 0.01),
        ("--recipe", "udacity-augmented", "udacity"),
        ("--memory-format", "channels_last", "contiguous"),
        ("--out", "elsewhere", "run"),
    ],
    ids=as_id,
)
def test_resuming_with_another_setting_is_refused(
    shell: Shell, run: Path, flag: str, value: object, was: object
) -> None:
    """A setting given with --resume that is not the run's own is named, with both values."""
    line = shell.refuses("run", "--resume", run, flag, value, naming=(value, was, run))
    assert flag[2:] in line


@pytest.mark.parametrize(("flag", "value"), [("--seed", 3), ("--epochs", 2), ("--threads", 1), ("--device", "cpu")])
def test_resuming_with_the_same_setting_is_not_refused_for_it(
    shell: Shell, run: Path, flag: str, value: object
) -> None:
    """A setting given with --resume that is the run's own is none to complain about."""
    (run / "last.pt").unlink()
    shell.refuses("run", "--resume", run, flag, value, naming=("last.pt",))


def test_a_seed_that_is_not_the_runs_is_named_as_it_was_given(shell: Shell, run: Path) -> None:
    """By --seed, which stands for those of the four that are not given by themselves."""
    shell.refuses("run", "--resume", run, "--seed", 1, naming=("--seed: 1", "is not the 3"))
    shell.refuses("run", "--resume", run, "--seed", 3, "--order-seed", 5, naming=("--order-seed: 5",))
    (run / "last.pt").unlink()
    for name in ("split", "dropout"):
        edit(run, lambda record, name=name: record.update(seeds=dict.fromkeys(record["seeds"], 3) | {name: 7}))
        shell.refuses("run", "--resume", run, "--seed", 3, naming=("--seed: 3", "is not the 7"))
        shell.refuses("run", "--resume", run, "--seed", 3, f"--{name}-seed", 7, naming=("last.pt",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("torch", "1.0.0"), ("cpu_capability", "MMX"), ("deterministic", False), ("gpu", "a GPU")],
)
def test_run_from_another_environment_is_not_resumed(shell: Shell, run: Path, name: str, value: object) -> None:
    """A run from an environment that need not give the same bits names what differs."""
    here = json.loads((run / "record.json").read_text())["environment"][name]
    edit(run, changed(("environment", name), value))
    shell.refuses("run", "--resume", run, naming=(run, name, value, here))


@pytest.mark.parametrize("device", ["cuda:99", pytest.param("cuda:0", marks=needs_no_gpu)])
def test_run_on_a_missing_gpu_is_not_resumed(shell: Shell, run: Path, device: str) -> None:
    """A run on a GPU that is not there names it."""
    edit(run, changed(("environment", "device"), device))
    shell.refuses("run", "--resume", run, naming=(device,))


def test_diverged_run_is_not_resumed(shell: Shell, run: Path) -> None:
    """A run that stopped at a loss that is no number is named, with the loss: it would stop there again."""
    stopped = {"epoch": 3, "phase": "training", "step": 7, "loss": "nan"}
    edit(run, lambda record: record.update(status="diverged", stopped=stopped))
    shell.refuses("run", "--resume", run, naming=(run, "nan"))

"""`cifar-repro upgrade`: the steps that it takes, what it keeps, and its exit status."""

import json
import shutil
from pathlib import Path

import pytest

from cifar_repro.cli import main
from cifar_repro.formats import decode, encode
from cifar_repro.gate.gate import read_gate
from cifar_repro.upgrades import environments
from cifar_repro.upgrades.answer import Upgrade
from cifar_repro.upgrades.environments import Interpreter, running
from tests.upgrades.conftest import HERE, Machine
from tests.upgrades.crafted import a_gate

SAME = [("before", "trace"), ("after", "trace"), ("before", "study 1"), ("after", "study 1"), ("both", "gate")]
PARTED = [*SAME, ("before", "study 3"), ("after", "study 3")]


def command(images: Path, out: Path, *more: str) -> list[str]:
    given = ["upgrade", "--from", "torch==2.9.1", "--to", "2.14.1", "--cache", str(out / "none")]
    return [*given, "--data", str(images), "--out", str(out), *more]


def test_the_same_bits(
    machine: Machine,
    few_images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 0, no more seeds than one; the answer as JSON, as a table and as a page; a second call does nothing.

    The commands of the sides are real ones here, each in the folder of its side: the data is found from there, too.
    """
    machine.real = True
    monkeypatch.chdir(few_images.parent)
    few_images = Path(few_images.name)
    out = tmp_path / "out"
    assert main(command(few_images, out)) == 0
    assert machine.done == SAME
    printed = capsys.readouterr().out
    assert f"  torch==2.9.1, the torchvision for it, and what they need, in {out / 'none'}" in printed
    assert f"torch {HERE} → {HERE}: Same bits; no difference in speed that can be told" in printed
    found = decode((out / "upgrade.json").read_bytes(), Upgrade, "upgrade")
    assert (found.result, found.fine, found.bits.steps) == ("same bits", True, 2)
    assert f"### torch {HERE} → {HERE}: Same bits" in (out / "upgrade.md").read_text(encoding="utf-8")
    assert "Same bits" in (out / "upgrade.html").read_text(encoding="utf-8")
    assert main(command(few_images, out, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["bits"]["first"] is None
    assert machine.done == SAME


def test_where_they_part_more_seeds_are_run(
    machine: Machine, few_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The place is named, three seeds are compared, status 3 says that they cannot tell, and more seeds add to them."""
    machine.apart, machine.accuracies = True, [49.0, 52.5, 51.0, 52.0]
    out = tmp_path / "out"
    assert main(command(few_images, out)) == 3
    assert machine.done == PARTED
    printed = capsys.readouterr().out
    assert "Bits: first differ at step 1, mask/dropout#1" in printed
    assert "Other bits, and 3 seeds cannot tell whether the statistics are the same" in printed
    found = decode((out / "upgrade.json").read_bytes(), Upgrade, "upgrade")
    assert [len(side) for side in found.statistics.accuracies] == [3, 3]
    assert main(command(few_images, out, "--seeds", "4")) == 3
    assert machine.done[len(PARTED) :] == [("before", "study 4"), ("after", "study 4")]


def test_where_an_epoch_alone_parts_more_seeds_are_run(
    machine: Machine, few_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Equal steps do not make equal bits: as where the steps part, it is the seeds that can tell."""
    machine.accuracies = [49.0, 52.5, 51.0, 52.0]
    assert main(command(few_images, tmp_path / "out")) == 3
    assert machine.done == PARTED
    assert "Bits: first differ in epoch 1, train_loss" in capsys.readouterr().out


def test_other_statistics(machine: Machine, few_images: Path, tmp_path: Path) -> None:
    """Status 1 where accuracies are far apart."""
    machine.apart, machine.accuracies = True, [70.0, 71.0, 72.0]
    assert main(command(few_images, tmp_path / "out")) == 1
    assert "Other statistics" in (tmp_path / "out" / "upgrade.md").read_text(encoding="utf-8")


def test_slower_is_no_success(machine: Machine, few_images: Path, tmp_path: Path) -> None:
    """Status 1 though the bits are the same; and the gate's result is kept as the gate prints it."""
    machine.ratio = 1.1
    assert main(command(few_images, tmp_path / "out")) == 1
    kept = read_gate(tmp_path / "out" / "gate.json")
    assert kept is not None
    assert kept.slower


def test_an_interrupted_upgrade_goes_on(
    machine: Machine, few_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopped before each of its steps in turn, it does every step once, and ends as if it had never been stopped."""
    machine.apart, machine.accuracies = True, [49.0, 52.5, 51.0, 52.0]
    out, whole = tmp_path / "out", tmp_path / "whole"
    for stop in range(len(PARTED)):
        machine.stop = stop
        assert main(command(few_images, out)) == 130
        assert "interrupted: all finished steps are kept" in capsys.readouterr().err
        assert machine.done == PARTED[:stop]
    machine.stop = None
    assert main(command(few_images, out)) == main(command(few_images, whole)) == 3
    assert machine.done == [*PARTED, *PARTED]
    for name in ("before/trace.jsonl", "after/trace.jsonl", "upgrade.md"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_what_is_damaged_is_done_again(machine: Machine, few_images: Path, tmp_path: Path) -> None:
    """A trace and a copy of the code cut short, a gate's result and a study that are no such files; the rest is not."""
    out = tmp_path / "out"
    assert main(command(few_images, out)) == 0
    trace = out / "before" / "trace.jsonl"
    before = trace.read_bytes()
    trace.write_bytes(before[: len(before) // 2])
    (out / "gate.json").write_text("{}")
    (out / "after" / "study" / "study.json").unlink()
    (out / "code").rename(out / "code.tmp")
    (out / "code.tmp" / "cifar_repro" / "stale.py").touch()
    assert main(command(few_images, out)) == 0
    assert not (out / "code" / "cifar_repro" / "stale.py").exists()
    assert machine.done[len(SAME) :] == [("before", "trace"), ("after", "study 1"), ("both", "gate")]
    assert trace.read_bytes() == before


@pytest.mark.parametrize(
    ("found", "torch"), [("installed", "9.9.9"), ("timed", ("9.9.9", HERE)), ("timed", (HERE, "9.9.9"))]
)
def test_another_torch_than_that_of_the_side_is_no_answer(
    found: str, torch: object, machine: Machine, few_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where $PYTHONPATH leads to one: neither its trace nor its times are taken."""
    setattr(machine, found, torch)
    assert main(command(few_images, tmp_path / "out")) == 2
    assert capsys.readouterr().err.endswith("unset PYTHONPATH\n")
    assert machine.done == (SAME[:1] if found == "installed" else SAME)
    assert not (tmp_path / "out" / "upgrade.json").exists()
    assert not (tmp_path / "out" / "gate.json").exists()


def test_results_of_another_build_are_not_taken(machine: Machine, few_images: Path, tmp_path: Path) -> None:
    """As where an environment was made anew, of a torch for another CUDA: the trace and the times are made again."""
    out = tmp_path / "out"
    assert main(command(few_images, out)) == 0
    for sides in ((HERE, "2.14.1+cpu"), ("2.14.1+cpu", HERE)):
        machine.done = []
        (out / "gate.json").write_bytes(encode(a_gate(1.0, *sides)))
        assert main(command(few_images, out)) == 0
        assert machine.done == [("both", "gate")]
    machine.installed = "2.14.1+cpu"
    assert main(command(few_images, out)) == 2
    assert machine.done == [("both", "gate"), ("before", "trace")]


def test_a_folder_belongs_to_one_question(
    machine: Machine, few_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other versions, a device or training images are refused where an upgrade is, all where other things are."""
    out = tmp_path / "out"
    assert main(command(few_images, out)) == 0
    capsys.readouterr()
    assert main([*command(few_images, out), "--to", "torch==2.13.0"]) == 2
    assert "an upgrade whose after is 2.14.1, not 2.13.0: give a new folder" in capsys.readouterr().err
    assert main(command(few_images, out, "--device", "cpu")) == 2
    assert "an upgrade whose device is auto, not cpu: give a new folder" in capsys.readouterr().err
    other = Path(shutil.copytree(few_images, tmp_path / "other"))
    batch = other / "cifar-10-batches-bin" / "data_batch_1.bin"
    content = bytearray(batch.read_bytes())
    content[-1] ^= 1
    batch.write_bytes(content)
    assert main(command(other, out)) == 2
    assert "an upgrade whose train is " in capsys.readouterr().err
    (out / "question.json").write_text("{}")
    assert main(command(few_images, out)) == 2
    assert "question.json: is damaged (question is {}" in capsys.readouterr().err
    (out / "question.json").unlink()
    assert main(command(few_images, out)) == 2
    assert "holds other things: give a new folder" in capsys.readouterr().err
    assert machine.done == SAME


@pytest.mark.parametrize("given", ["numpy==1.0", "torch>=2.9", "torch", "", "2", "torch==2.9.1 numpy", "-r file"])
def test_what_is_no_version_of_torch_is_refused(
    given: str, few_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that shows it and what to give, and no folder."""
    for option in ("--to", "--from"):
        assert main(command(few_images, tmp_path / "out", f"{option}={given}")) == 2
        error = capsys.readouterr().err
        assert error.startswith(
            f"cifar-repro: {option[2:]}: {given!r} is no version of torch: give one as torch==2.9.1"
        )
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seeds", ["1", "0", "-3", "1001"])
def test_a_number_of_seeds_that_makes_no_sense_is_refused(
    seeds: str, few_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One seed has no spread to judge by."""
    assert main(command(few_images, tmp_path / "out", "--seeds", seeds)) == 2
    assert f"seeds: {seeds} is out of range" in capsys.readouterr().err


def test_the_running_interpreter_is_the_default(
    machine: Machine, few_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --from, nothing is made for that side, and the folder is named by both versions."""
    monkeypatch.chdir(tmp_path)
    made: list[str] = []

    def make(version: str, cache: Path) -> Interpreter:
        made.append(version)
        return running()

    monkeypatch.setattr(environments, "make", make)
    assert main(["upgrade", "--to", "2.14.0", "--data", str(few_images), "--cache", str(tmp_path / "cache")]) == 0
    assert made == ["2.14.0"]
    assert (tmp_path / "upgrades" / f"{HERE}-to-2.14.0" / "upgrade.html").is_file()

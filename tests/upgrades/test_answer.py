"""What is said of two sides, from traces, studies and gates that were typed in."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cifar_repro.formats import decode, encode
from cifar_repro.report.upgrade_page import render
from cifar_repro.traces.diff import Parting, diff
from cifar_repro.upgrades import text
from cifar_repro.upgrades.answer import Upgrade, judge_bits, judge_statistics, sum_up
from tests.make_studies import as_study, make_study
from tests.report.pages import Page
from tests.upgrades.crafted import a_gate, a_trace

ALIKE = [50.0, 50.3, 49.8]


def answered(
    mask: float = 1.0, accuracies: Sequence[float] = ALIKE, ratio: float = 1.0, changes: dict[str, Any] | None = None
) -> Upgrade:
    """Of torch 2.6.0 and 2.14.1. mask: what the second side's dropout keeps; 1.0: the same.

    accuracies: of its runs. changes: to the first epoch of its first run.
    """
    one, other = make_study(ALIKE), make_study(accuracies)
    other["runs"][0]["epochs"][0] |= changes or {}
    if changes is None and list(accuracies) != ALIKE:
        for run in other["runs"]:
            run["epochs"][0]["train_loss"] += 0.5
    first, second = as_study(one), as_study(other)
    traces = (a_trace("2.6.0"), a_trace("2.14.1", mask))
    bits = judge_bits(20, diff(*traces), first, second)
    return sum_up(traces, bits, judge_statistics(first, second), a_gate(ratio, "2.6.0", "2.14.1"))


def test_same_bits() -> None:
    """Where the traces and an epoch are equal; nothing speaks against it unless it is slower."""
    found = answered()
    assert (found.result, found.fine) == ("same bits", True)
    assert text.headline(found) == "Same bits; no difference in speed that can be told"
    assert [row[1] for row in text.rows(found)] == ["same", "same, for the bits are", "cannot be told below 3.0 %"]
    assert (answered(ratio=1.1).result, answered(ratio=1.1).fine) == ("same bits", False)
    assert text.headline(answered(ratio=1.1)) == "Same bits; slower"
    assert text.speed(answered(ratio=1.1).speed) == "slower: 10.0 % more time a step"
    assert (answered(ratio=0.9).fine, text.headline(answered(ratio=0.9))) == (True, "Same bits; faster")
    assert text.speed(answered(ratio=0.9).speed) == "faster: 10.0 % less time a step"


def test_bits_that_part_after_the_traced_steps() -> None:
    """Equal traces do not make equal bits where the epoch differs; its entry is named."""
    found = answered(changes={"weights_sha256": "f" * 64})
    assert not found.bits.same
    assert text.bits(found.bits) == "first differ in epoch 1, weights_sha256"
    assert found.bits.sentence.endswith("equal, but then the runs of seed 0 part in epoch 1, first in weights_sha256.")


def test_the_same_statistics() -> None:
    """Other masks, and losses and accuracies that are as close as rounding lets them: shown, and status 0."""
    found = answered(mask=0.0, changes={"weights_sha256": "f" * 64})
    assert (found.result, found.fine) == ("same statistics", True)
    assert text.bits(found.bits) == "first differ at step 1, mask/dropout#1"
    assert text.statistics(found.statistics, False) == "same: numerically close"
    assert answered(mask=0.0, ratio=1.1, changes={"weights_sha256": "f" * 64}).fine is False


def test_different() -> None:
    """Accuracies ten points apart."""
    found = answered(mask=0.0, accuracies=[60.0, 60.3, 59.8])
    assert (found.result, found.fine) == ("different", False)
    assert text.headline(found) == "Other statistics; no difference in speed that can be told"


def test_what_cannot_be_told() -> None:
    """Neither equality nor a difference is shown by three seeds: neither good nor bad, and how many would tell."""
    found = answered(mask=0.0, accuracies=[49.0, 51.5, 50.3])
    assert (found.result, found.fine) == ("cannot be told", None)
    assert found.statistics.runs_needed is not None
    needed = f"; the same command with --seeds {found.statistics.runs_needed} goes on"
    assert text.statistics_reason(found.statistics, False).endswith(needed)
    assert "neither a difference nor equality within 1 is shown" in text.statistics_reason(found.statistics, False)
    assert answered(mask=0.0, accuracies=[49.0, 51.5, 50.3], ratio=1.1).fine is False


@pytest.mark.parametrize(("capability", "notes"), [("AVX512", 0), ("AVX2", 1)])
def test_what_differs_besides_torch_is_noted(capability: str, notes: int) -> None:
    """Another version of torch alone is the question, and no note."""
    one, other = make_study(ALIKE), make_study(ALIKE)
    for run in other["runs"]:
        run["environment"] |= {"torch": "2.15.0", "cpu_capability": capability}
    found = judge_statistics(as_study(one), as_study(other))
    assert len(found.notes) == notes
    assert all("cpu_capability: AVX512 -> AVX2" in note for note in found.notes)


def test_traces_of_which_one_lacks_a_tensor_part_there() -> None:
    """As where a version of torch has another module."""
    nothing = Parting(None, None, None, "All tensors that both traces have are equal.", [], [], ["step 1/x"], [], [])
    one = as_study(make_study(ALIKE))
    assert judge_bits(20, nothing, one, one).first == "step 1/x"


def test_the_table() -> None:
    """A heading with both versions and the answer, three rows of three cells, and what was compared on what."""
    lines = text.markdown(answered(mask=0.0, accuracies=[60.0, 60.3, 59.8])).splitlines()
    assert lines[0] == "### torch 2.6.0 → 2.14.1: Other statistics; no difference in speed that can be told"
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 5
    assert {row.count("|") for row in rows} == {4}
    assert rows[2].startswith("| Bits | **first differ at step 1, mask/dropout#1** | In step 1 dropout keeps other")
    assert "20 steps and 3 seeds of 1 epoch on synthetic data, not CIFAR-10" in lines[-1]


def test_what_was_compared_and_measured_is_told_of_both_sides() -> None:
    """Versions of both; of the machine, and the GPU if there is one, what the runs after were on."""
    found = answered(mask=0.0, ratio=1.1)
    after = replace(found.after, torchvision="0.30.0", python="3.12.0", gpu="a GPU", cpu_capability="AVX2")
    said = text.compared(replace(found, after=after))
    assert said == (
        "udacity, 20 steps and 3 seeds of 1 epoch on synthetic data, not CIFAR-10; torchvision 0.29.1 → 0.30.0; "
        "Python 3.12.0, a GPU (AVX2), 1 thread a run"
    )
    assert text.compared(found).endswith("; torchvision 0.29.1 → 0.29.1; Python 3.11.7, a CPU (AVX512), 1 thread a run")
    assert text.speed_reason(found.speed) == (
        "4.00 against 4.40 ms a training step, ratio 1.100 (95 % interval 1.089 to 1.111), 1 thread, CPU; "
        "3.0 % or more can be told here"
    )


def test_what_is_written_is_read_again() -> None:
    """To the last bit."""
    found = answered(mask=0.0)
    assert decode(encode(found), Upgrade, "upgrade") == found


@pytest.mark.parametrize("mask", [0.0, 1.0])
def test_the_page_is_complete_in_itself(mask: float) -> None:
    """It says the answer first, holds the growth only where they part, and asks for nothing from elsewhere."""
    page = render(answered(mask=mask))
    heading = "<h2>Bits</h2>" if mask else "<h2>Where they part</h2>"
    assert page.index("<h1>") < page.index("Compared: ") < page.index(heading)
    assert ("How far apart they are after each traced step" in page) == (mask == 0.0)
    assert ('<ul class="checks">' in page) == (mask == 0.0)
    assert "http" not in page
    assert "<script" not in page


def test_an_accuracy_stands_beside_that_of_its_own_seed() -> None:
    """Where a run of one side diverged, or one has more of them, nothing moves up into its place."""
    one, other = make_study([50.0, 50.3, 49.8, 50.1]), make_study([60.0, 60.5, 59.5])
    lost = other["runs"].pop(1)
    stopped = {"epoch": 1, "phase": "training", "step": 1, "loss": "nan"}
    other["diverged"] = [{"folder": "seed-1", "seeds": lost["seeds"], "stopped": stopped}]
    found = judge_statistics(as_study(one), as_study(other))
    shown = Page(render(replace(answered(mask=0.0), statistics=found))).text
    rows = "0 50.00 60.00 1 50.30 – 2 49.80 59.50 3 50.10 –"  # noqa: RUF001 - as it is set
    assert f"seed torch 2.6.0 torch 2.14.1 {rows} Speed" in shown
    assert "Left out, for they diverged: seed-1" in shown
    back = judge_statistics(as_study(other), as_study(one))
    shown = Page(render(replace(answered(mask=0.0), statistics=back))).text
    assert "0 60.00 50.00 1 – 50.30 2 59.50 49.80 3 – 50.10 Speed" in shown  # noqa: RUF001 - as it is set
    assert "20 steps and 2 seeds of 1 epoch" in shown
    undecided = replace(found, answer="cannot be told")
    headline = text.headline(replace(answered(mask=0.0), statistics=undecided))
    assert headline.startswith("Other bits, and 2 seeds cannot tell")  # of four on one side


@pytest.mark.parametrize(
    ("mask", "accuracies", "ratio", "sign", "levels"),
    [
        (1.0, ALIKE, 1.0, "✓", ["good", "good", "good", "good"]),
        (1.0, ALIKE, 0.9, "✓", ["good", "good", "good", "good"]),
        (1.0, ALIKE, 1.1, "✗", ["bad", "good", "good", "bad"]),
        (0.0, [60.0, 60.3, 59.8], 1.0, "✗", ["bad", "warn", "bad", "good"]),
        (0.0, [49.0, 51.5, 50.3], 1.0, "?", ["warn", "warn", "warn", "good"]),
    ],
)
def test_the_page_marks_each_answer_as_good_or_bad(
    mask: float, accuracies: list[float], ratio: float, sign: str, levels: list[str]
) -> None:
    """The whole, then bits, statistics and speed: nothing that speaks against the upgrade is good."""
    found = answered(mask=mask, accuracies=accuracies, ratio=ratio)
    page = render(found)
    assert re.findall(r'class="(?:verdict answer|value) (\w+)"', page) == levels
    if found.bits.same:  # what seeds of an earlier question say is no matter then
        undecided = replace(found, statistics=replace(found.statistics, answer="cannot be told"))
        assert render(undecided) == page
    signs = {True: "✓", False: "✗", None: "–"}  # noqa: RUF001 - as it is set
    checks = [] if found.bits.same else [signs[holds] for _, holds, _ in found.statistics.checks]
    assert re.findall(r'<li><span class="sign" aria-hidden="true">(.)</span>', page) == checks
    assert f'<p class="word"><span aria-hidden="true">{sign}</span>' in page


def test_the_page_shows_how_the_difference_grows_at_steps_that_were_chosen() -> None:
    """The first two, and then fewer and fewer, up to the last one traced."""
    found = answered(mask=0.0)
    growth = [(step, step / 4, None if step == 2 else (step - 1) / 8) for step in range(1, 21)]
    text = Page(render(replace(found, bits=replace(found.bits, growth=growth)))).text
    rows = "1 0.25 0 2 0.5 not in samples 5 1.25 0.5 10 2.5 1.12 20 5 2.38"
    assert f"step losses differ by weights, relatively {rows} Runs of equal seeds" in text


def test_the_page_has_the_numbers_of_either_side() -> None:
    """Accuracies by seed, times of a step, and each entry of the environments that one of them has."""
    found = answered(mask=0.0, accuracies=[0.0, 60.5, 59.5], ratio=1.1)
    before = replace(found.before, deterministic=False)
    after = replace(found.after, deterministic=False, gpu="a GPU", threads=2)
    page = Page(render(replace(found, before=before, after=after)))
    assert "seed torch 2.6.0 torch 2.14.1 0 50.00 0.00 1 50.30 60.50 2 49.80 59.50 Speed" in page.text
    times = "a step with torch 2.6.0 4.00 ms a step with torch 2.14.1 4.40 ms ratio 1.1000"
    assert f"{times} its 95 % interval 1.0890 to 1.1110 smallest slowdown that can be told here 3.0 %" in page.text
    assert "what before after torch 2.6.0 2.14.1 torchvision" in page.text
    assert "device cpu cpu GPU none a GPU threads 1 2 memory format contiguous contiguous" in page.text
    assert "deterministic algorithms no no Data: " in page.text
    assert page.values("class").count("differs") == 3
    assert "GPU" not in Page(render(found)).text

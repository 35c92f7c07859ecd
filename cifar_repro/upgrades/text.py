"""What `cifar-repro upgrade` says for people to read: lines while it works, the answer, and its Markdown table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cifar_repro.gate.gate import GateResult
from cifar_repro.runs.record import data_label
from cifar_repro.upgrades.answer import Bits, Speed, Statistics, Upgrade, judge_speed


def installation(missing: Mapping[str, Path], others: Sequence[str]) -> str:
    """What pip is about to get, and where it goes. missing: the folders of environments, by version of torch."""
    lines = [
        "Not here yet, so pip will download and install:",
        *(
            f"  torch=={version}, the torchvision for it, and what they need, in {at}"
            for version, at in missing.items()
        ),
        f"  in each, of the versions that are here: {', '.join(others)}",
        "With CUDA, as from PyPI on Linux, each is 2 to 4 GB to download and 5 to 8 GB on the disk.",
        "Ctrl-C stops it; the same command goes on.",
    ]
    return "\n".join(lines)


def title(upgrade: Upgrade) -> str:
    return f"torch {upgrade.before.torch} → {upgrade.after.torch}"


def headline(upgrade: Upgrade) -> str:
    """Both halves of the answer: what becomes of the numbers, and of the speed."""
    runs = upgrade.statistics.runs
    result = {
        "same bits": "Same bits",
        "same statistics": "Other bits, same statistics",
        "different": "Other statistics",
        "cannot be told": f"Other bits, and {runs} seeds cannot tell whether the statistics are the same",
    }[upgrade.result]
    pace = {"faster": "faster", "slower": "slower", "cannot be told": "no difference in speed that can be told"}
    return f"{result}; {pace[upgrade.speed.answer]}"


def bits(found: Bits) -> str:
    if found.first is None:
        return "same"
    if found.where == "epoch":
        return f"first differ in epoch 1, {found.first}"
    return "first differ at " + found.first.replace("/", ", ", 1)


def statistics(found: Statistics, same_bits: bool) -> str:
    if same_bits:
        return "same, for the bits are"
    return f"same: {found.outcome}" if found.answer == "same" else found.answer


def speed(found: Speed) -> str:
    change, least = 100 * (found.ratio - 1), 100 * (found.detectable - 1)
    if found.answer == "cannot be told":
        return f"cannot be told below {least:.1f} %"
    return f"{found.answer}: {abs(change):.1f} % {'more' if change > 0 else 'less'} time a step"


def gated(gate: GateResult) -> str:
    """One line for the gate, once it is done."""
    return f"Speed: {speed(judge_speed(gate))}"


def speed_reason(found: Speed) -> str:
    before, after = found.milliseconds
    low, high = found.interval
    return (
        f"{before:.2f} against {after:.2f} ms a training step, ratio {found.ratio:.3f} (95 % interval {low:.3f} to "
        f"{high:.3f}), {found.threads} thread, CPU; {100 * (found.detectable - 1):.1f} % or more can be told here"
    )


def statistics_reason(found: Statistics, same_bits: bool) -> str:
    """The sentence of the check that decided it."""
    if same_bits:
        return "equal bits give equal statistics: no further seeds were run"
    named = [sentence for name, _, sentence in found.checks if name == found.outcome]
    return (named or [found.checks[-1][2]])[0] + more_seeds(found)


def more_seeds(found: Statistics) -> str:
    return f"; the same command with --seeds {found.runs_needed} goes on" if found.runs_needed else ""


def rows(upgrade: Upgrade) -> list[tuple[str, str, str]]:
    """Question, answer, and how that is known."""
    same = upgrade.bits.same
    return [
        ("Bits", bits(upgrade.bits), upgrade.bits.sentence.rstrip(".")),
        ("Statistics", statistics(upgrade.statistics, same), statistics_reason(upgrade.statistics, same)),
        ("Speed", speed(upgrade.speed), speed_reason(upgrade.speed)),
    ]


def compared(upgrade: Upgrade) -> str:
    """What was compared, on what, where."""
    before, after = upgrade.before, upgrade.after
    runs = upgrade.statistics.runs
    return (
        f"udacity, {upgrade.bits.steps} steps and {runs} seed{'s' if runs > 1 else ''} of 1 epoch on "
        f"{data_label(upgrade.data)}; torchvision {before.torchvision} → {after.torchvision}; Python {after.python}, "
        f"{after.gpu or after.cpu} ({after.cpu_capability}), {after.threads} thread a run"
    )


def answer(upgrade: Upgrade) -> str:
    """The end of what is printed."""
    lines = ["", f"{title(upgrade)}: {headline(upgrade)}"]
    for name, found, reason in rows(upgrade):
        lines += [f"{name:12}{found}", f"{'':12}{reason}"]
    for note in upgrade.statistics.notes:
        lines.append(f"{'':12}{note}")
    return "\n".join([*lines, f"{'Compared':12}{compared(upgrade)}"])


def markdown(upgrade: Upgrade) -> str:
    """The answer as a table, for the summary of a pull request."""
    lines = [f"### {title(upgrade)}: {headline(upgrade)}", "", "| | answer | how it is known |", "| --- | --- | --- |"]
    lines += [f"| {name} | **{_cell(found)}** | {_cell(reason)} |" for name, found, reason in rows(upgrade)]
    return "\n".join([*lines, "", f"{compared(upgrade)}.", ""])


def _cell(words: str) -> str:
    return words.replace("|", r"\|").replace("\n", " ")

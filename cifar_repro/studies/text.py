"""What `cifar-repro study` prints for people to read."""

from collections.abc import Mapping, Sequence
from typing import Any

from cifar_repro.runs.code import code_labels
from cifar_repro.runs.record import Record, data_label, recipe_label
from cifar_repro.studies.study import Plan
from cifar_repro.studies.study_file import ClassSpread, Spread, Study
from cifar_repro.studies.summary import FEWEST_FOR_INTERVAL, between, sd_interval


def setup(plan: Plan, where: str) -> str:
    """What is about to run; where: by what."""
    jobs = plan.jobs()
    threads = f"{plan.threads} thread{'s' if plan.threads > 1 else ''} a run"
    seeds = f"{jobs[0].folder.name} to {jobs[-1].folder.name}"
    return (
        f"{recipe_label(plan.recipe)} · {seeds}, {_varying(plan.vary)} varying\n"
        f"torch {plan.torch} on {plan.device}, {threads}, {plan.memory_format}; {where}"
    )


def _varying(vary: str | None) -> str:
    return f"{vary} alone" if vary else "all four sources of randomness"


def run(name: str, record: Record) -> str:
    """One line for a run that is done."""
    if record.stopped:
        return f"{name:11} diverged in epoch {record.stopped.epoch}: left out of all statistics"
    assert record.test is not None
    return f"{name:11} test accuracy {100 * record.test.accuracy:.2f} %, test loss {record.test.loss:.6f}"


def result(study: Study) -> str:
    """What the runs say together."""
    n, lost = len(study.runs), len(study.diverged)
    if not n:
        return f"All {lost} runs diverged: there is nothing to say"
    assert study.test is not None
    test, last, tests = study.test, study.epochs[-1], [run.test for run in study.runs if run.test]
    few = n < FEWEST_FOR_INTERVAL
    ends = "lowest to highest, for so few have no interval" if few else "95 % interval of the mean (t)"
    what = f"{n} runs: mean, standard deviation between runs (sd), {ends}" if n > 1 else "1 run"
    lines = ["", data_label(study.data), what + (f"; {lost} that diverged left out" if lost else "")]

    def row(name: str, spread: Spread | ClassSpread, values: Sequence[float], *form: Any) -> None:
        lines.append(f"{name:24}{_row(spread, between(spread, values), *form)}")

    row("test accuracy", test.accuracy, [t.accuracy for t in tests], 100, 2, " %")
    row("test loss", test.loss, [t.loss for t in tests], 1, 6, "")
    for of, c in zip(zip(*(t.per_class for t in tests), strict=True), test.per_class, strict=True):
        row(f"  of {c.name}", c, [k.correct / k.total for k in of if k.total], 100, 2, " %")
    row("last training loss", last.train_loss, [run.epochs[-1].train_loss for run in study.runs], 1, 6, "")
    if last.valid_loss:
        losses = [run.epochs[-1].valid_loss for run in study.runs]
        row("last validation loss", last.valid_loss, [loss for loss in losses if loss is not None], 1, 6, "")
    if len(code := code_labels(run.code for run in study.runs)) > 1:
        lines.append(f"WARNING: the runs are not known to be of the same code: {'; '.join(code)}")
    return "\n".join([*lines, *_variance(study)])


def _variance(study: Study) -> list[str]:
    """What the spread between the runs is made of; nothing for a run alone."""
    parts, test = study.variance, study.test
    if parts is None or test is None or test.accuracy.sd is None:
        return []
    low, high = (100 * x for x in sd_interval(test.accuracy.sd, parts.seeds))
    lines = [
        "",
        f"Standard deviation from {_varying(study.vary)}: test accuracy {100 * test.accuracy.sd:.3f} points "
        f"({low:.3f} to {high:.3f}), test loss {test.loss.sd:.6f}",
    ]
    if (share := parts.shares) is not None:
        of_all, least, most = (100 * part for part in share)
        lines += [
            f"Of the variance of the accuracy, {of_all:.0f} % ({least:.0f} to {most:.0f} %) is there because there are "
            f"only {parts.images:,} test images;",
            f"the networks truly differ by a standard deviation of {100 * parts.networks**0.5:.3f} points.",
        ]
    return lines


def shares(studies: Mapping[str, Study]) -> str:
    """How much each source of randomness contributes; by source, the study in which it alone varies.

    A source of which fewer than two runs are left has no deviation, and without it none has a share.
    """
    tests = {name: study.test for name, study in studies.items() if study.test is not None}
    sds = {name: [test.accuracy.sd, test.loss.sd] for name, test in tests.items()}
    totals = [
        None if None in column else sum(sd**2 for sd in column if sd is not None)
        for column in zip(*sds.values(), strict=True)
    ]
    lines = ["", f"{'varied alone':14}{'sd of accuracy':>18}{'share':>8}{'sd of test loss':>18}{'share':>8}"]
    for name, both in sds.items():
        part = [_share(sd, total) for sd, total in zip(both, totals, strict=True)]
        accuracy, loss = both
        points = "N/A" if accuracy is None else f"{100 * accuracy:.3f} points"
        lines.append(f"{name:14}{points:>18}{part[0]:>8}{'N/A' if loss is None else f'{loss:.6f}':>18}{part[1]:>8}")
    lines.append("Share: of the sum of the four variances; the sources may also act together.")
    return "\n".join(lines)


def _share(sd: float | None, total: float | None) -> str:
    return f"{100 * sd**2 / total:.0f} %" if sd is not None and total else "N/A"


def speed(epochs: int, epochs_a_run: int, seconds: float) -> str:
    """How fast the study went. epochs: how many were trained in these seconds, over all runs."""
    runs = epochs / epochs_a_run
    trained = f"{epochs} epoch{'s' * (epochs != 1)}"
    return f"{trained} trained in {seconds / 60:.1f} min: {3600 * runs / seconds:,.1f} seeds an hour"


def _row(s: Spread | ClassSpread, ends: tuple[float | None, float | None], scale: float, digits: int, unit: str) -> str:
    mean, sd, low, high = (None if x is None else scale * x for x in (s.mean, s.sd, *ends))
    if mean is None:
        return "N/A"
    if sd is None:
        return f"{mean:.{digits}f}{unit}"
    return f"{mean:.{digits}f}{unit}   sd {sd:.{digits}f}   {low:.{digits}f} to {high:.{digits}f}{unit}"

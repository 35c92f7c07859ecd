"""What `cifar-repro diff` prints for people to read."""

from cifar_repro.answers import Answer, Check
from cifar_repro.traces.diff import Parting
from cifar_repro.traces.gap import Gap

HINT = "To compare all values, make both traces with --tensors all."


def parting(found: Parting) -> str:
    """Identical, or where two traces first differ, by how much, and how that grows."""
    lines = [*_lacking("Only in the first: ", found.missing), *_lacking("Only in the second:", found.extra)]
    if found.first is None:
        lines.append("Identical." if found.identical else found.sentence)
        return "\n".join([*lines, *_experiment(found), *_environment(found)])
    lines += [f"The runs first differ at {found.first} ({found.kind}).", found.sentence]
    lines += [*_apart(found), *_experiment(found), *_environment(found)]
    return "\n".join([*lines, *_growth(found)])


def answer(found: Parting) -> Answer:
    """Two checks: of the names that the traces have, and of the tensors that both have."""
    lacking = [*_lacking("only in the first:", found.missing), *_lacking("only in the second:", found.extra)]
    names = Check(
        "tensors of the same names", "failed" if lacking else "passed", "; ".join(lacking) or "in both traces"
    )
    if found.first is None:
        headline = "The traces are identical" if found.identical else "The traces do not have the same tensors"
        equal = Check("equal tensors", "passed", "All tensors that both traces have are equal, to the last bit")
    else:
        headline = f"The runs first differ at {found.first} ({found.kind})"
        equal = Check("equal tensors", "failed", " ".join([found.sentence, *_apart(found)]))
    notes = [f"The experiments differ in {line}" for line in found.experiment]
    if found.first is not None:
        notes += [f"The environments differ in {line}" for line in found.environment]
    return Answer(headline, [names, equal], notes)


def _apart(found: Parting) -> list[str]:
    """By how much the first tensor that differs does so."""
    if found.gap is not None:
        return gap(found.gap)
    return [] if found.forms is None else ["It is {} in the first trace and {} in the second.".format(*found.forms)]


def gap(found: Gap) -> list[str]:
    """By how much two tensors differ, and whether that is of all of their values."""
    what = "values" if found.absolute is not None else "entries"
    if found.all_values and not found.differing:
        return [f"All {found.values:,} {what} are equal as numbers: only the signs of zeros differ."]
    if not found.differing:
        return [
            f"A trace keeps {found.compared} of its {found.values:,} {what}, and these are equal: the difference is in "
            f"others, for the digests, which are of all, differ. {HINT}"
        ]
    if found.values == 1:
        lines = ["Its value differs"]
    elif found.all_values:
        lines = [f"{found.differing:,} of its {found.values:,} {what} {_verb(found.differing, 'differ')}"]
    else:
        lines = [
            f"A trace keeps {found.compared} of its {found.values:,} {what}, and only these were compared: "
            f"{found.differing} {_verb(found.differing, 'differ')}"
        ]
    if found.absolute is None:
        lines[0] += "."
    else:
        ulps = "" if found.ulps is None else f", and by up to {found.ulps:,} ulp{'s' * (found.ulps != 1)}"
        lines[0] += f", by up to {found.absolute:.3g}, relatively by up to {found.relative:.3g}{ulps}."
        if found.ulps is not None:
            lines.append("(An ulp is the step from a float32 number to the next; near zero, steps are tiny.)")
        of = "the tensor" if found.all_values else "these values"
        lines.append(f"The norm of the difference is {found.norm:.3g} of the norm of {of}.")
    return lines if found.all_values else [*lines, HINT]


def _verb(n: int, verb: str) -> str:
    return f"{verb}s" if n == 1 else verb


def _growth(found: Parting) -> list[str]:
    """A table of how the difference grows, in a few of the steps."""
    if not found.growth:
        return []
    last = found.growth[-1][0]
    shown = [row for row in found.growth if row[0] in (1, 2, 5, 10, last) or row[0] % 20 == 0]
    which = "all weights" if found.all_values else "the sampled weights"
    lines = [
        f"Step by step: by how much the losses differ, and {which} (norm of the difference over norm of the weights):",
        f"{'step':>6}{'loss':>14}{'weights':>18}",
    ]
    for step, loss, weights in shown:
        lines.append(f"{step:6}{loss:14.3g}{'not in samples' if weights is None else format(weights, '.3g'):>18}")
    if any(weights is None for *_, weights in shown):
        lines.append(f"Not in samples: no sampled weight differs, but the digests of the weights do. {HINT}")
    return lines


def _lacking(where: str, names: list[str]) -> list[str]:
    """A few of the names that only one trace has, and how many more there are."""
    few = names[:3]
    more = [f"{where} {len(names) - len(few)} more"] if len(names) > len(few) else []
    return [*(f"{where} {name}" for name in few), *more]


def _experiment(found: Parting) -> list[str]:
    return ["The experiments differ in:", *(f"  {line}" for line in found.experiment)] if found.experiment else []


def _environment(found: Parting) -> list[str]:
    return ["The environments differ in:", *(f"  {line}" for line in found.environment)] if found.environment else []

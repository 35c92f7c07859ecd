"""What `cifar-repro diff` prints for people to read."""

from cifar_repro.traces.diff import Parting


def parting(found: Parting) -> str:
    """Identical, or where two traces part, by how much, and how that grows."""
    lines = [*_lacking("Only in the first: ", found.missing), *_lacking("Only in the second:", found.extra)]
    if found.first is None:
        lines.append("Identical." if found.identical else found.sentence)
        return "\n".join([*lines, *_experiment(found), *_environment(found)])
    lines += [f"They part at {found.first} ({found.kind}).", found.sentence]
    if found.gap is None:
        lines.append("Its shape or type is another one.")
    elif not found.gap.sampled:
        lines.append("The sampled values of it are equal: the difference is between them.")
    else:
        which = "All its values, compared one by one," if found.gap.all_values else "The sampled values"
        ulps = "" if found.gap.ulps is None else f", {found.gap.ulps:,} ulps"
        lines.append(f"{which} differ by up to {found.gap.absolute:.3g}, relatively {found.gap.relative:.3g}{ulps}.")
    lines += [*_experiment(found), *_environment(found)]
    if found.growth:
        lines.append(f"{'step':>6}{'loss differs by':>18}{'weights, relatively':>22}")
        shown = [row for row in found.growth if row[0] in (1, 2, 5, 10, found.growth[-1][0]) or row[0] % 20 == 0]
        lines += [f"{step:6}{loss:18.3g}{weights:22.3g}" for step, loss, weights in shown]
    return "\n".join(lines)


def _lacking(where: str, names: list[str]) -> list[str]:
    """A few of the names that only one trace has, and how many more there are."""
    few = names[:3]
    more = [f"{where} {len(names) - len(few)} more"] if len(names) > len(few) else []
    return [*(f"{where} {name}" for name in few), *more]


def _experiment(found: Parting) -> list[str]:
    return ["The experiments differ in:", *(f"  {line}" for line in found.experiment)] if found.experiment else []


def _environment(found: Parting) -> list[str]:
    return ["The environments differ in:", *(f"  {line}" for line in found.environment)] if found.environment else []

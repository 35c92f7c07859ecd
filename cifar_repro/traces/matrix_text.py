"""The table of `cifar-repro matrix`, as text, as Markdown and as JSON."""

from collections.abc import Sequence
from typing import Any

from cifar_repro.formats import plain
from cifar_repro.runs.code import code_label
from cifar_repro.runs.record import caption, plain_with_changes
from cifar_repro.traces.diff import Parting
from cifar_repro.traces.matrix import Matrix, Row

KEY = "Traces with the same letter are equal to the last bit. Losses are compared with the first one, relatively."
# By the title of its column, an entry of the environments: with torch, whatever is decisive for their bits, and the
# CPU's model, by which MKL and oneDNN choose their kernels.
SETTING = {
    "python": "python",
    "CPU model": "cpu",
    "CPU": "cpu_capability",
    "device": "device",
    "GPU": "gpu",
    "threads": "threads",
    "memory format": "memory_format",
    "deterministic": "deterministic",
}
CODE = "code"  # the title of its column
TIMES = "Times are multiples of the first one's (with 95 % intervals), measured in turn by 'cifar-repro gate'"


def as_text(matrix: Matrix) -> str:
    """For a terminal: what is the same in all environments stands above the table, what is not known in any nowhere."""
    known = {title: cells for title, cells in _columns(matrix).items() if set(cells) != {"-"}}
    alike = {title: cells[0] for title, cells in known.items() if title in (*SETTING, CODE) and len(set(cells)) == 1}
    shown = {title: cells for title, cells in known.items() if title not in alike}
    widths = {title: max(map(len, (title, *cells))) for title, cells in shown.items()}
    rows = [list(shown), *zip(*shown.values(), strict=True)]
    table = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths.values(), strict=True)).rstrip() for row in rows]
    above = [f"All: {', '.join(f'{title} {cell}' for title, cell in alike.items())}"] if alike else []
    return "\n".join([_caption(matrix), *above, "", *table, "", *_key(matrix), *_groups(matrix)])


def as_markdown(matrix: Matrix) -> str:
    """For a page: every column."""
    columns = _columns(matrix)
    rows = [list(columns), ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    table = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(
        [f"{_caption(matrix)}.", "", *table, "", *_key(matrix), "", *(f"- {line}" for line in _groups(matrix))]
    )


def as_json(matrix: Matrix) -> dict[str, Any]:
    header = plain_with_changes(matrix.header)
    traced = {name: header[name] for name in ("recipe", "seeds", "data", "steps")}
    groups = {
        letter: {
            "members": matrix.members(letter),
            "parts": plain(matrix.partings[letter]) if letter in matrix.partings else None,
        }
        for letter in _letters(matrix)
    }
    return {"traced": traced, "environments": [plain(row) for row in matrix.rows], "groups": groups}


def _caption(matrix: Matrix) -> str:
    return f"{matrix.header.steps} steps of {caption(matrix.header.recipe, matrix.header.seeds, matrix.header.data)}"


def _letters(matrix: Matrix) -> list[str]:
    return list(dict.fromkeys(row.group for row in matrix.rows))


def _columns(matrix: Matrix) -> dict[str, Sequence[str]]:
    """The cells of each column by its title, a cell for each environment."""
    rows = matrix.rows
    return {
        "environment": [row.name for row in rows],
        "torch": [row.environment.torch for row in rows],
        **{title: [_known(getattr(row.environment, name)) for row in rows] for title, name in SETTING.items()},
        CODE: [code_label([row.code]) if row.code else "-" for row in rows],
        "passed": [_tests(row, "passed") for row in rows],
        "failed": [_tests(row, "failed", "errors") for row in rows],
        "skipped": [_tests(row, "skipped") for row in rows],
        "trace": [row.group for row in rows],
        f"loss of step {matrix.header.steps}": [_loss(row) for row in rows],
        "time a step": [_ratio(row) for row in rows],
    }


def _known(value: str | int | None) -> str:
    return "-" if value is None else str(value)


def _tests(row: Row, *outcomes: str) -> str:
    return "-" if row.tests is None else str(sum(getattr(row.tests, outcome) for outcome in outcomes))


def _loss(row: Row) -> str:
    if row.loss_difference is None:
        return "-"
    return f"off by {row.loss_difference:.1e}" if row.loss_difference else "equal"


def _ratio(row: Row) -> str:
    ratio = row.ratio
    if ratio is None:
        return "-"
    return f"x {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}){'' if ratio.differs else ', not told from 1'}"


def _key(matrix: Matrix) -> list[str]:
    workloads = {row.ratio.workload for row in matrix.rows if row.ratio}
    return [KEY, *(f"{TIMES} (workload {workload})." for workload in workloads)]


def _groups(matrix: Matrix) -> list[str]:
    """A line for each letter: who has it, and where it first differs from the first trace."""
    first = matrix.rows[0].name
    lines = []
    for letter in _letters(matrix):
        members = matrix.members(letter)
        line = f"{letter}: {', '.join(members)}"
        if letter in matrix.partings:
            line += f". {_parting(matrix.partings[letter], first, members[0])}"
        lines.append(line)
    return lines


def _parting(parting: Parting, first: str, other: str) -> str:
    found = [f"{name} is only in {first}" for name in parting.missing[:1]]
    found += [f"{name} is only in {other}" for name in parting.extra[:1]]
    if parting.first is None:
        return f"Differs from {first}: {'; '.join(found)}"
    return f"First differs from {first} at {parting.first}: {'; '.join([*found, parting.sentence])}"

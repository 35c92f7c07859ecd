"""`python tests/audit_programs.py [PART OF A NAME]`: audits every program with a planted mistake, and every right one.

Prints a table; the exit status is 1 if a mistake is not named by its own rule, or a right program is called WRONG.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cifar_repro.audits.audit import Audit, audit
from cifar_repro.audits.program import Launch
from cifar_repro.core.data import Cifar10, synthetic
from tests.audits.forked import launch
from tests.audits.planted import IN_THE_NOTEBOOK, MISTAKES, PROGRAMS, Mistake


def audit_text(text: str, data: Cifar10, suffix: str = ".py", launch: Launch | None = launch) -> Audit:
    """The audit of a program of this text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"program{suffix}"
        file.write_text(text, encoding="utf-8")
        return audit(file, data, images=100, timeout=600, launch=launch if suffix == ".py" else None)


def missed(mistake: Mistake, found: Audit) -> str:
    """Why the audit has not found it; empty where it has."""
    finding = next(f for f in found.findings if f.rule == mistake.rule)
    if finding.outcome == mistake.outcome:
        return ""
    return f"{finding.outcome}: {finding.says} {found.error}"


def main(part: str = "") -> int:
    data = synthetic(1_000, 400)
    failures = 0
    for name, text, mistake in programs():
        if part not in name:
            continue
        started = time.monotonic()
        found = audit_text(text, data, ".ipynb" if "notebook" in name else ".py")
        others = [f.rule for f in found.with_outcome("WRONG") if mistake is None or f.rule != mistake.rule]
        if mistake is None:
            bad = "; ".join(f"{f.rule}: {f.says}" for f in found.with_outcome("WRONG")) + found.error
        else:
            bad = missed(mistake, found)
        failures += bool(bad)
        rule = "right" if mistake is None else mistake.rule
        also = "" if mistake is None or not others else f"   (also: {'; '.join(others)})"
        print(f"{'MISSED' if bad else 'ok':7}{time.monotonic() - started:4.1f} s  {rule:42} {name}{also}", flush=True)
        if bad:
            print(f"       {bad}")
    print(f"{failures} missed")
    return int(bool(failures))


def programs() -> list[tuple[str, str, Mistake | None]]:
    """Name, text, and the mistake, if there is one."""
    right = (PROGRAMS / "right.py").read_text(encoding="utf-8")
    variants = [(file.stem, file.read_text(encoding="utf-8"), None) for file in sorted(PROGRAMS.glob("*.py"))]
    notebook = (PROGRAMS / "right.ipynb").read_text(encoding="utf-8")
    return [
        *variants,
        ("right notebook", notebook, None),
        *((m.name, m.planted(right), m) for m in MISTAKES),
        *((m.name, m.planted(notebook), m) for m in IN_THE_NOTEBOOK),
    ]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

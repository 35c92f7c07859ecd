"""Prints the kill matrix as Markdown: `python -m tests.kill_matrix > docs/kill-matrix.md`."""

from cifar_repro.core.seeding import make_deterministic
from tests.checks import CHECKS
from tests.faults import FAULTS, HARMLESS, Change
from tests.subject import variant


def message(fault: Change) -> str | None:
    """What the check named for the fault says of it, or None if it says nothing."""
    with variant(fault.changes) as subject:
        try:
            CHECKS[fault.killed_by].run(subject)
        except AssertionError as error:
            return str(error).splitlines()[0]
    return None


def complaints(change: Change) -> list[str]:
    """The names of the checks that fail on a change."""
    failed = []
    with variant(change.changes) as subject:
        for check in CHECKS.values():
            try:
                check.run(subject)
            except AssertionError:
                failed.append(check.name)
    return failed


HEAD = """# The kill matrix

Made by `python -m tests.kill_matrix`. Each fault is a small change of the core's own text (`tests/faults.py`); a check
is named for each, and must fail on it: one that anybody's functions can be asked (`cifar_repro/audits/checks/`) or one
of the core alone (`tests/checks/`). Sources: the mutation operators of DeepCrime (ISSTA 2021) by their abbreviations,
Karpathy's recipe (2019), the lesson's own traps, and what the other recipes add.

**{found} of {faults} faults are found; {passed} of {harmless} harmless changes pass all {checks} checks.**

| fault | source | found by | which says |
|---|---|---|---|"""


def main() -> None:
    make_deterministic(threads=1)
    said = {fault: message(fault) for fault in FAULTS}
    failed = {change: complaints(change) for change in HARMLESS}
    found, passed = sum(map(bool, said.values())), sum(not names for names in failed.values())
    print(HEAD.format(found=found, faults=len(said), passed=passed, harmless=len(failed), checks=len(CHECKS)))
    for fault, words in said.items():
        print(f"| {fault.name} | {fault.source} | `{fault.killed_by}` | {cell(words or '**nothing: not found**')} |")
    print("\n| harmless change | checks that fail |\n|---|---|")
    for change, names in failed.items():
        print(f"| {change.name} | {', '.join(names) or 'none'} |")


def cell(text: str, longest: int = 160) -> str:
    """Text for a cell of a Markdown table."""
    text = text.replace("|", "\\|")
    return text if len(text) <= longest else text[: longest - 1] + "…"


if __name__ == "__main__":
    main()

"""How many small changes to the code do the tests find? A sample of mutmut's mutants, each tried: docs/mutation.md.

    python -m tests.mutants [--sample 120] [--seed 0] [WING ...]

mutmut makes the mutants, in mutants/, and notes which tests reach which function; that is kept until the folder is
deleted. A mutant is tried in a fork of a process that has collected the tests (mutmut itself collects them for each
mutant, which takes most of its time): the tests that reach its function, fastest first, until one fails. Prints what
survives as it is found, then the score of each wing; what was tried is not tried again (mutants/tried.txt).
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

WINGS = ("core", "runs", "traces", "studies", "verdicts", "gate")  # with verdicts goes cifar_repro/statistics.py
MUTANTS, TRIED, CHOSEN = Path("mutants"), "tried.txt", "chosen.txt"


def make() -> dict[str, list[str]]:
    """The names of all mutants, by wing."""
    stats = MUTANTS / "mutmut-stats.json"
    if not stats.exists():
        quiet = None if sys.stdout.isatty() else subprocess.DEVNULL  # it shows a turning bar
        # Its status is 1 in any case, for no mutant has this name.
        subprocess.run(["mutmut", "run", "--max-children", "1", "none of them"], stdout=quiet, check=False)
        if not stats.exists():
            raise SystemExit("mutmut made no notes of which tests reach what: 'mutmut run' says why")
    names: dict[str, list[str]] = {wing: [] for wing in WINGS}
    for file in MUTANTS.glob("cifar_repro/**/*.meta"):
        wing = file.relative_to(MUTANTS / "cifar_repro").parts[0]
        names[wing if wing in WINGS else "verdicts"] += json.loads(file.read_text())["exit_code_by_key"]
    return names


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Tries the chosen mutants; this module is a plugin of the pytest that `main` starts."""
    stats = json.loads(Path("mutmut-stats.json").read_text())
    reached_by, seconds = stats["tests_by_mangled_function_name"], stats["duration_by_test"]
    items = {item.nodeid: item for item in session.items}
    for name in Path(CHOSEN).read_text().split():
        tests = [test for test in reached_by.get(re.sub(r"__mutmut_\d+$", "", name), ()) if test in items]
        tests.sort(key=seconds.__getitem__)
        outcome = tried(name, [items[test] for test in tests], 20 + 10 * sum(map(seconds.get, tests)))
        with Path(TRIED).open("a") as file:
            file.write(f"{name} {outcome}\n")
    return True


def tried(name: str, items: list[pytest.Item], most_seconds: float) -> str:
    """What becomes of the mutant: killed by one of the tests, timed out, survived, or unreached by any."""
    process = os.fork()
    if process == 0:
        os.environ["MUTANT_UNDER_TEST"] = name
        os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1), os.dup2(nowhere, 2)
        found = True
        try:
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.session.testsfailed = 0
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if item.session.testsfailed:
                    break
            else:
                found = False
        finally:
            os._exit(found)
    end = time.monotonic() + most_seconds
    while not (ended := os.waitpid(process, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return "timed-out"
        time.sleep(0.02)
    return "killed" if ended[1] else "survived" if items else "unreached"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=120, metavar="N", help="mutants of each wing, all if fewer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("wings", nargs="*", default=WINGS, metavar="WING", help=f"of {', '.join(WINGS)}; default: all")
    options = parser.parse_args()
    names = make()
    from mutmut.configuration import config

    known = MUTANTS / TRIED
    for wing in options.wings:
        chosen = random.Random(options.seed).sample(sorted(names[wing]), min(options.sample, len(names[wing])))
        done = dict(line.split() for line in known.read_text().splitlines()) if known.exists() else {}
        (MUTANTS / CHOSEN).write_text("\n".join(name for name in chosen if name not in done))
        pytest_options = ["-p", "tests.mutants", "-q", *config().pytest_add_cli_args]
        command = [sys.executable, "-m", "pytest", *pytest_options, *config().pytest_add_cli_args_test_selection]
        subprocess.run(
            command, cwd=MUTANTS, env={**os.environ, "MUTANT_UNDER_TEST": ""}, stdout=subprocess.DEVNULL, check=True
        )
        done = dict(line.split() for line in known.read_text().splitlines())
        for name in chosen:
            if done[name] != "killed":
                print(f"{name}: {done[name]}", flush=True)
        counts = Counter(done[name] for name in chosen)
        killed = counts["killed"] + counts["timed-out"]  # that it never ends is seen, too
        share = f"{100 * killed / len(chosen):.1f} %, {counts['timed-out']} by the time that they took"
        print(f"{wing}: {killed} of {len(chosen)} killed ({share}), of {len(names[wing])}", flush=True)


if __name__ == "__main__":
    main()

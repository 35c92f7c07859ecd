"""The whole question in one: two environments, traces, an epoch, the gate, more seeds where they part, the answer.

The folder of an upgrade keeps the result of every step: `before/` and `after/` have those of the sides, `code/` the
cifar_repro that both of them run, `question.json` what was asked. A step whose result is there is not done again.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

import cifar_repro
from cifar_repro.core import files
from cifar_repro.core.checkpoint import replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.formats import Form, decode, encode, plain
from cifar_repro.gate import gate as gates
from cifar_repro.gate import side as gate_sides
from cifar_repro.printable import printable
from cifar_repro.runs.environment import environment
from cifar_repro.runs.folders import alone
from cifar_repro.runs.record import describe_data
from cifar_repro.studies.study import interrupted_by_sigterm
from cifar_repro.traces.diff import diff
from cifar_repro.upgrades import environments, text
from cifar_repro.upgrades.answer import Upgrade, judge_bits, judge_statistics, sum_up
from cifar_repro.upgrades.environments import Interpreter
from cifar_repro.upgrades.sides import STEPS, Side

QUESTION, ANSWER, TABLE, GATE = "question.json", "upgrade.json", "upgrade.md", "gate.json"
SEEDS = 3
LEAST_SEEDS, MOST_SEEDS = 2, 1_000

Say = Callable[[str], None]


class Question(Form, frozen=True, kw_only=True):
    """What was asked, and on what machine: the results in a folder belong to one such question.

    before, after: versions of torch, as asked for. train: the fingerprint of the training images.
    """

    before: str
    after: str
    train: str
    device: str
    python: str
    cpu: str


@dataclass(frozen=True)
class Plan:
    """What is to be done. before, after: as `environments.wanted` gives them; None: the running interpreter."""

    out: Path
    cache: Path
    before: str | None
    after: str | None
    device: str = "auto"
    seeds: int = SEEDS
    rounds: int = gates.ROUNDS

    def __post_init__(self) -> None:
        if not LEAST_SEEDS <= self.seeds <= MOST_SEEDS:
            raise InputError(
                f"seeds: {self.seeds} is out of range: give a whole number from {LEAST_SEEDS} to {MOST_SEEDS:,}"
            )


def default_out(before: str | None, after: str | None) -> Path:
    here = str(torch.__version__)
    return Path("upgrades") / f"{before or here}-to-{after or here}"


def upgrade(plan: Plan, data: Cifar10, say: Say = lambda line: None, progress: Progress = no_progress) -> Upgrade:
    """Does what is left to do, and writes the answer, as JSON and as a Markdown table, into `plan.out`.

    Raises InputError where the folder holds something else or another process works in it, where an environment cannot
    be made, and where a side cannot do its work; KeyboardInterrupt on Ctrl-C or SIGTERM: finished steps stay.
    """
    question = _question(plan, data)
    _check_folder(plan.out, question)
    plan.out.mkdir(parents=True, exist_ok=True)
    with alone(plan.out, "upgrade"), interrupted_by_sigterm():
        _write(plan.out / QUESTION, encode(question))
        interpreters = _interpreters(plan, say)
        package = _package(plan.out)
        where = data.kind if data.path is None else str(Path(data.path).absolute())
        before, after = (
            Side(interpreter, plan.out.absolute() / name, package, where, plan.device)
            for interpreter, name in zip(interpreters, ("before", "after"), strict=True)
        )
        answer = _answer(plan, before, after, say, progress)
        _write(plan.out / ANSWER, encode(answer))
        _write(plan.out / TABLE, printable(text.markdown(answer)).encode())
        return answer


def _answer(plan: Plan, before: Side, after: Side, say: Say, progress: Progress) -> Upgrade:
    """The steps, in order."""
    for side in (before, after):
        side.folder.mkdir(exist_ok=True)
        if not side.traced():
            say(f"{side.name}: tracing {STEPS} steps")
        side.trace()
    traces = (before.trace(), after.trace())
    parting = diff(*traces)

    for side in (before, after):
        if not side.trained(1):
            say(f"{side.name}: training 1 epoch")
        side.train(1)
    bits = judge_bits(traces[0].header.steps, parting, before.first_run(), after.first_run())
    say(f"Bits: {text.bits(bits)}")

    result = _gate(plan, before, after, say, progress)

    seeds = 1 if bits.same else plan.seeds
    for side in (before, after):
        if not side.trained(seeds):
            say(f"{side.name}: training 1 epoch with {seeds} seeds, for their statistics")
        side.train(seeds)
    statistics = judge_statistics(before.train(seeds), after.train(seeds))
    return sum_up(traces, bits, statistics, result)


def _question(plan: Plan, data: Cifar10) -> Question:
    here = environment(torch.device("cpu"), "contiguous")
    return Question(
        before=plan.before or here.torch,
        after=plan.after or here.torch,
        train=describe_data(data).fingerprints.train,
        device=plan.device,
        python=here.python,
        cpu=here.cpu,
    )


def _check_folder(out: Path, question: Question) -> None:
    """Raises InputError where the folder is of another question, or of none."""
    if out.exists() and not out.is_dir():
        raise InputError(f"out: {str(out)!r} is no folder: give a new one")
    file = out / QUESTION
    if not file.exists():
        if out.is_dir() and any(path.name != ".lock" and path.suffix != ".tmp" for path in out.iterdir()):
            raise InputError(f"out: {str(out)!r} holds other things: give a new folder")
        return
    content = files.read(file, files.TEXT, "give a new folder")
    try:
        asked = decode(content, Question, "question")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: is damaged ({error}): give a new folder") from error
    for name, was in plain(asked).items():
        if (now := getattr(question, name)) != was:
            raise InputError(f"out: {str(out)!r} holds an upgrade whose {name} is {was}, not {now}: give a new folder")


def _interpreters(plan: Plan, say: Say) -> list[Interpreter]:
    """Both sides' interpreters. What is to be downloaded is said before any of it is."""
    wanted = [plan.before, plan.after]
    folders = {version: environments.folder_of(version, plan.cache) for version in wanted if version is not None}
    missing = {version: folder for version, folder in folders.items() if environments.ready(folder) is None}
    if missing:
        say(text.installation(missing, environments.others()))
    made = [environments.running() if version is None else environments.make(version, plan.cache) for version in wanted]
    for interpreter in made:
        found = interpreter.installed
        say(f"torch {found.torch}, torchvision {found.torchvision}, Python {found.python}: {interpreter.path}")
    return made


def _package(out: Path) -> Path:
    """The folder with a copy of this cifar_repro, made once: both sides run it, whatever is installed or edited later.

    A copy and not the installed one: beside that may lie another torch.
    """
    code = out.absolute() / "code"
    if not code.exists():
        new = code.with_name("code.tmp")
        if new.exists():
            shutil.rmtree(new)
        shutil.copytree(
            Path(cifar_repro.__file__).parent, new / "cifar_repro", ignore=shutil.ignore_patterns("__pycache__")
        )
        new.rename(code)
    return code


def _gate(plan: Plan, before: Side, after: Side, say: Say, progress: Progress) -> gates.GateResult:
    """The gate's result, from its file or measured now."""
    file = plan.out / GATE
    versions = [side.interpreter.installed.torch for side in (before, after)]
    try:
        result = gates.read_gate(file)
    except InputError:
        result = None
    if result is None or [result.a.environment["torch"], result.b.environment["torch"]] != versions:
        say(f"Speed: {plan.rounds} rounds of each side, in turn")
        sides = [
            gate_sides.Side(side.name, side.interpreter.path, side.package, "contiguous", 1) for side in (before, after)
        ]
        result = gates.gate(sides[0], sides[1], "step", plan.rounds, progress=progress)
        for measured, version in zip((result.a, result.b), versions, strict=True):
            if measured.environment["torch"] != version:
                raise InputError(
                    f"gate: {measured.environment['torch']} was found in place of torch {version}: unset PYTHONPATH"
                )
        _write(file, encode(result))
    say(text.gated(result))
    return result


def _write(file: Path, content: bytes) -> None:
    with replacing(file) as opened:
        opened.write(content)

"""How to repeat a run or study: the commands, as exactly as its record says."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from cifar_repro.core.recipe import Seeds
from cifar_repro.runs.code import Code
from cifar_repro.runs.folders import Source
from cifar_repro.studies.study_file import Study


def steps(study: Study) -> list[dict[str, Any]]:
    """What to do, in order: each a text and the commands that follow it."""
    environment, drawn = study.runs[0].environment, study.data.kind == "synthetic"
    given = (("torch", environment.torch), ("torchvision", environment.torchvision), ("numpy", environment.numpy))
    versions = [f"{name}=={version.partition('+')[0]}" for name, version in given]
    where = "" if drawn else ", with DATA a folder whose images have the fingerprints below ('cifar-repro data DATA')"
    recorded = "RUN" if len(study.runs) == 1 else f"STUDY/{study.runs[0].folder}"
    verify = ["cifar-repro", "verify", recorded, *([] if drawn else ["--data", "DATA"])]
    code = next((code for run in study.runs for code in run.code if code), None)
    checkout = [shlex.join(["git", "checkout", code.commit])] if code and code.commit else []
    return [
        {
            "text": f"In a checkout of cifar-repro{_which(code)}, with Python {environment.python}:",
            "commands": [*checkout, shlex.join(["python", "-m", "pip", "install", "-e", ".", *versions])],
        },
        {"text": f"Run it again{where}, into the new folder DIR:", "commands": commands(study)},
        {
            "text": f"Or train again and compare, bit by bit and epoch by epoch, with the record in {recorded}, which "
            "stays as it is; equal bits need the torch, CPU capability, threads and device of below:",
            "commands": [shlex.join(verify)],
        },
    ]


def _which(code: Code | None) -> str:
    """Of what version the checkout is to be, as far as that was recorded."""
    if code is None:
        return ""
    if code.commit is None:
        return f" {code.version}"
    changed = f", with changes that it does not hold: sources {code.source_sha256}" if code.changed else ""
    return f" {code.version} (the commit of the run{changed})"


def commands(study: Study) -> list[str]:
    """The command lines that give these runs again: a single one of `study` where it can say it, else one a run."""
    options = _options(study)
    runs = [*((run.folder, run.seeds) for run in study.runs), *((run.folder, run.seeds) for run in study.diverged)]
    seeds = [each for _, each in runs]
    if len(study.runs) > 1 and (which := _study_seeds(seeds, study.vary)):
        return [shlex.join(["cifar-repro", "study", *options, *which, "--out", "DIR"])]
    out = {folder: f"DIR/{folder}" if len(runs) > 1 else "DIR" for folder, _ in runs}
    return [shlex.join(["cifar-repro", "run", *options, *_run_seeds(s), "--out", out[folder]]) for folder, s in runs]


def _options(study: Study) -> list[str]:
    recipe, environment = study.recipe, study.runs[0].environment
    options = ["--recipe", recipe.name]
    for name in recipe.changes():
        options += ["--" + name.replace("_", "-"), str(getattr(recipe, name))]
    options += ["--device", environment.device, "--threads", str(environment.threads)]
    if environment.memory_format != "contiguous":
        options += ["--memory-format", environment.memory_format]
    return [*options, "--data", "synthetic" if study.data.kind == "synthetic" else "DATA"]


def _run_seeds(seeds: Seeds) -> list[str]:
    if seeds == Seeds.all(seeds.split):
        return ["--seed", str(seeds.split)]
    return [word for name, seed in asdict(seeds).items() for word in (f"--{name}-seed", str(seed))]


def _study_seeds(seeds: Sequence[Seeds], vary: Source | None) -> list[str] | None:
    """The options of `study` that give these seeds; None where they do not follow one another."""
    numbers = sorted(getattr(s, vary or "split") for s in seeds)
    expected = [Seeds.all(n) if vary is None else replace(seeds[0], **{vary: n}) for n in numbers]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))) or any(s not in expected for s in seeds):
        return None
    options = ["--first-seed", str(numbers[0]), "--seeds", str(len(numbers))]
    if vary is None:
        return options
    fixed = {name: seed for name, seed in asdict(seeds[0]).items() if name != vary}
    return ["--vary", vary, *options, *(word for name, seed in fixed.items() for word in (f"--{name}-seed", str(seed)))]

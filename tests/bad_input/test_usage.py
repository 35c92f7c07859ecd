"""Commands, flags, names and numbers that make no sense are refused."""

import re
from pathlib import Path

import pytest
import torch

from tests.bad_input.shell import Shell
from tests.bad_input.spoiled import HUGE, as_id, needs_no_gpu, weights


@pytest.mark.parametrize(
    ("arguments", "naming"),
    [
        pytest.param(["fly"], ["fly"], id="unknown command"),
        pytest.param(["run", "--wings", "2"], ["--wings"], id="unknown flag"),
        pytest.param(["run", "--wings", "two\nthree"], ["--wings"], id="unknown flag, value of two lines"),
        pytest.param(["run", "--epochs"], ["--epochs"], id="flag without a value"),
        pytest.param(["run", "stray"], ["stray"], id="stray argument"),
        pytest.param(["evaluate"], ["CHECKPOINT"], id="no checkpoint"),
    ],
)
def test_wrong_usage_is_refused(shell: Shell, arguments: list[str], naming: list[str]) -> None:
    """An unknown command, and a missing or unknown flag or argument, is named."""
    shell.refuses(*arguments, naming=tuple(naming))


@pytest.mark.parametrize("command", ["run", "evaluate"])
@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--recipe", "mnist"),
        ("--recipe", ""),
        ("--device", "tpu"),
        ("--device", ""),
        ("--device", "cuda:x"),
        ("--device", "cuda:99"),
        ("--device", "cpu:1"),
        ("--memory-format", "diagonal"),
        ("--memory-format", ""),
        pytest.param("--device", "cuda", marks=needs_no_gpu),
        pytest.param("--device", "cuda:0", marks=needs_no_gpu),
    ],
    ids=as_id,
)
def test_unknown_name_is_refused(
    shell: Shell, checkpoint: Path, data: Path, command: str, flag: str, value: str
) -> None:
    """A recipe, device or memory format that is not known, or a GPU that is not there, is named."""
    torch.save(weights(), checkpoint)
    arguments = [command, checkpoint] if command == "evaluate" else [command, "--epochs", 1]
    shell.refuses(*arguments, "--data", data, flag, value, naming=(flag[2:].split("-")[0], repr(value)))


@pytest.mark.parametrize("name", ["augmentation", "network", "optimizer", "pixels", "validation"])
@pytest.mark.parametrize("value", ["mixup", "", "None"], ids=as_id)
def test_unknown_choice_is_refused(shell: Shell, data: Path, name: str, value: str) -> None:
    """An augmentation, network, optimizer, range of pixels or validation that is not known is named."""
    shell.refuses("run", "--data", data, f"--{name}", value, naming=(name, repr(value)))


def test_number_that_would_not_be_used_is_refused(shell: Shell, data: Path) -> None:
    """A fraction with a validation that holds nothing out, and a dropout rate of a network without, are named."""
    shell.refuses("run", "--data", data, "--validation", "none", naming=("valid_fraction", 0.2, "'none'"))
    shell.refuses("run", "--data", data, "--recipe", "pytorch-blitz", "--dropout", 0.5, naming=("dropout", 0.5))


NO_COUNT = ["0", "-1", "1.5", "nan", "inf", "two", ""]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        *[("--epochs", value) for value in NO_COUNT],
        *[("--batch-size", value) for value in [*NO_COUNT, HUGE]],
        *[("--threads", value) for value in [*NO_COUNT, HUGE, "1025"]],
        *[("--seed", value) for value in ["-1", str(2**32), HUGE, "1.5", "nan", "inf", "two", ""]],
        *[(f"--{name}-seed", value) for name in ("split", "init", "order", "dropout") for value in ("-1", str(2**32))],
        *[("--learning-rate", value) for value in ["0", "-1", "nan", "inf", "-inf", "1e999", "1e300", "fast", ""]],
        *[("--dropout", value) for value in ["1", "-0.1", "1.5", "nan", "inf", "half", ""]],
        *[("--momentum", value) for value in ["1", "-0.1", "nan", "much"]],
        *[("--learning-rate-decay", value) for value in ["-1", "nan", "inf", "slow"]],
        *[("--loss-window", value) for value in ["-1", "1.5", HUGE, "wide"]],
        *[("--valid-fraction", value) for value in ["0", "1", "-0.2", "1.5", "nan", "inf", "half", ""]],
    ],
    ids=as_id,
)
def test_number_that_makes_no_sense_is_refused(shell: Shell, data: Path, flag: str, value: str) -> None:
    """A number outside its range, one that is none, and text are refused before the run begins."""
    one_epoch = [] if flag == "--epochs" else ["--epochs", 1]
    read_as = {"": "''", "1e999": "inf", "1e300": "1e+300"}.get(value, value)
    line = shell.refuses("run", "--data", data, *one_epoch, f"{flag}={value}", naming=(read_as,))
    assert re.search(flag[2:].replace("-", "[-_ ]"), line), line


@pytest.mark.parametrize("value", NO_COUNT, ids=as_id)
def test_number_of_threads_for_an_evaluation_is_checked(shell: Shell, checkpoint: Path, data: Path, value: str) -> None:
    """`evaluate` refuses a number of threads that makes no sense."""
    torch.save(weights(), checkpoint)
    shell.refuses("evaluate", checkpoint, "--data", data, f"--threads={value}", naming=("threads", value))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        *[("--images", value) for value in [*NO_COUNT, "59", "20001", "-1000", HUGE]],
        *[("--timeout", value) for value in ["0", "-1", "nan", "inf", "-inf", "long", ""]],
    ],
    ids=as_id,
)
def test_number_for_an_audit_is_checked_before_images_are_drawn(shell: Shell, flag: str, value: str) -> None:
    """Of images there are neither too few nor more than can be drawn, and no program ends within no time."""
    (shell.folder / "program.py").touch()
    named = (flag[2:], value or "''")
    shell.refuses("audit", "program.py", "--data", "synthetic", f"{flag}={value}", naming=named)


@pytest.mark.parametrize("fraction", ["0.001", "1e-300"])
def test_split_that_leaves_a_part_empty_is_refused(shell: Shell, data: Path, fraction: str) -> None:
    """A fraction of so few images that none is held out is refused, with the fraction and the images counted."""
    shell.refuses("run", "--data", data, "--valid-fraction", fraction, naming=("valid_fraction", fraction, 20))

"""tools/portable_trace.py, which runs where this package cannot, writes the traces that this package writes."""

import ast
import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_repro.cli import main
from cifar_repro.core.seeding import make_deterministic
from tests.make_data import tiny_set, write_binary_folder

TOOL = Path(__file__).parents[2] / "tools" / "portable_trace.py"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 65 random training images, 52 after the split: three steps of an epoch, the last one smaller."""
    return write_binary_folder(tmp_path_factory.mktemp("images"), tiny_set(per_batch=13, test=5))


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    """Its names, in this process."""
    return runpy.run_path(str(TOOL))


def traced(arguments: list[str], capsys: pytest.CaptureFixture[str], out: Path) -> list[str]:
    """The lines that `cifar-repro trace` writes, but for the code, which is another one."""
    assert main(["trace", *arguments, "--device", "cpu", "--out", str(out)]) == 0
    capsys.readouterr()
    first, *others = out.read_text().splitlines()
    header = json.loads(first)
    del header["code"]
    return [json.dumps(header, separators=(",", ":")), *others]


def test_the_file_is_the_one_that_trace_writes(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as a program, with the same torch: header and entries are equal to the last byte; `diff` says so."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    common = ["--data", str(images), "--steps", "3", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", [str(TOOL), *common, "--out", str(theirs)])
    torch.set_deterministic_debug_mode("default")  # as a new process is
    try:
        runpy.run_path(str(TOOL), run_name="__main__")
    finally:
        make_deterministic()
    assert capsys.readouterr().out == f"3 steps in {theirs}\n"
    assert theirs.read_text().splitlines() == traced(common, capsys, ours)
    assert main(["diff", str(ours), str(theirs)]) == 0
    assert capsys.readouterr().out == "Identical.\n"


def test_every_option_is_that_of_trace(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], tool: dict[str, Any]
) -> None:
    """With other steps, seed, threads and dropout, the file is again the one that `cifar-repro trace` writes."""
    arguments = ["--data", str(images), "--steps", "2", "--seed", "3", "--threads", "2", "--dropout", "0"]
    tool["main"]([*arguments, "--out", str(tmp_path / "theirs")])
    assert (tmp_path / "theirs").read_text().splitlines() == traced(arguments, capsys, tmp_path / "ours")


def test_it_needs_python_3_6_numpy_and_torch_alone() -> None:
    """It is written in the Python of 3.6, and imports nothing but the standard library, numpy and torch."""
    tree = ast.parse(TOOL.read_text(), feature_version=(3, 6))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    named = [node.module or "." if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports]
    assert {name.partition(".")[0] for name in named} - set(sys.stdlib_module_names) == {"numpy", "torch"}


def test_a_torch_that_does_not_tell_its_kernels(tool: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no function for it, what torch was built with says it, and before that what the CPU can."""
    told = torch.backends.cpu.get_cpu_capability()
    monkeypatch.delattr(torch.backends.cpu, "get_cpu_capability")
    assert tool["cpu_capability"]("") == told
    monkeypatch.setattr(torch.__config__, "show", lambda: "PyTorch built with:\n  - GCC 7.3\n")
    flags = {"avx avx2 avx512f fma": "AVX2", "avx avx2": "AVX", "avx fma": "AVX", "sse4_2": "DEFAULT"}
    assert {given: tool["cpu_capability"](f"flags\t\t: fpu {given} sse\n") for given in flags} == flags


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--out", "{images}/cifar-10-batches-bin/test_batch.bin"], "out: .* is already there"),
        (["--data", "{images}/none"], "data: .*data_batch_1.bin"),
        (["--steps", "4"], "steps: 4 is out of range: give a number from 1 to 3"),
    ],
)
def test_bad_usage_is_told_in_a_line(
    change: list[str],
    said: str,
    images: Path,
    tmp_path: Path,
    tool: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 2, a line that names what is wrong, and no file."""
    changed = [argument.format(images=images) for argument in change]
    with pytest.raises(SystemExit) as stopped:
        tool["main"](["--data", str(images), "--out", str(tmp_path / "made"), *changed])
    assert stopped.value.code == 2
    assert re.search(f"error: {said}", capsys.readouterr().err.splitlines()[-1])
    assert list(tmp_path.iterdir()) == []

"""The package as it is imported: quick to ask for help, whole in its names, the same in every process."""

import os
import subprocess
import sys
from typing import Any


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], text=True, capture_output=True, check=False, **options)


def test_help_imports_no_torch() -> None:
    """`import cifar_repro` and the help of every command work without importing torch, torchvision or matplotlib."""
    code = (
        "import sys, cifar_repro; from cifar_repro.cli import main\n"
        "for command in ['run'], ['evaluate'], ['data'], ['report'], []:\n"
        "    try: main([*command, '--help'])\n"
        "    except SystemExit: pass\n"
        "print([m for m in ('torch', 'torchvision', 'matplotlib', 'numpy', 'jinja2') if m in sys.modules])"
    )
    result = python("-c", code)
    assert result.stdout.splitlines()[-1] == "[]"


def test_public_names_are_there() -> None:
    """Each name that the package promises can be imported from its top."""
    import cifar_repro

    promised = (
        "Net Recipe RECIPES Seeds ImageSet load_cifar10 split_indices conv_output_size volume_walk train_epoch "
        "evaluate fit weights_digest"
    )
    assert sorted(cifar_repro.__all__) == sorted(promised.split())
    for name in cifar_repro.__all__:
        assert getattr(cifar_repro, name) is not None


def test_processes_agree() -> None:
    """Another process, with another hash seed, gives the same weights to the bit."""
    code = (
        "from cifar_repro.core.data import synthetic; from cifar_repro.core.seeding import make_deterministic\n"
        "from cifar_repro import RECIPES, Seeds, fit\n"
        "make_deterministic(threads=1)\n"
        "recipe = RECIPES['udacity-augmented'].with_changes({'epochs': 2})\n"
        "digest = fit(recipe, Seeds.all(5), synthetic(100, 10).train).epochs[-1].weights_sha256\n"
    )
    other = python("-c", code + "print(digest)", env={**os.environ, "PYTHONHASHSEED": "77"})
    here: dict[str, str] = {}
    exec(code, here)
    assert other.stdout.split() == [here["digest"]]

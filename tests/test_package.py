"""The package as it is imported: quick to ask for help, and whole in its names."""

import subprocess
import sys


def test_help_imports_no_torch() -> None:
    """`import cifar_repro` and the help of every command work without importing torch, torchvision or matplotlib."""
    code = (
        "import sys, cifar_repro; from cifar_repro.cli import main\n"
        "for command in ['run'], ['evaluate'], ['data'], ['report'], []:\n"
        "    try: main([*command, '--help'])\n"
        "    except SystemExit: pass\n"
        "print([m for m in ('torch', 'torchvision', 'matplotlib', 'numpy', 'jinja2') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
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

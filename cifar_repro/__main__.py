"""`python -m cifar_repro` is `cifar-repro`."""

import sys

from cifar_repro.cli import main

sys.exit(main())

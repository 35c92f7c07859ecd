"""What people type: one module a command, side by side.

The docstring of such a module is the command's help, `add_arguments` its options, `command` what it does; its name in
`COMMANDS` is all that `cli.py` has to be told. They share `options.py` (what may be said of data, seeds and machine,
and what is made of it), `talk.py` (what goes to stdout and stderr) and `status.py` (how a command ends).
"""

COMMANDS = (
    "run",
    "evaluate",
    "verify",
    "trace",
    "diff",
    "matrix",
    "gate",
    "study",
    "verdict",
    "upgrade",
    "report",
    "audit",
    "data",
)

"""Does another version of torch still give the same numbers, and is it slower?

The answer is an `Upgrade` (`answer.py`), made of what the wings of traces, studies, verdicts and the gate find.
`environments.py` makes an environment for each side, `sides.py` lets a side work in it, `text.py` says what came of it.
Start with `upgrade.py`.
"""

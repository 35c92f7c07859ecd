"""What was run, on what, where, and does it come out again?

The answer is a folder with a record. `record.py` says what a record holds, `run.py` makes the folder, `verify.py` runs
it again; start with `record.py`.
"""

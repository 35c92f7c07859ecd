"""What was run, on what, where, and does it come out again?

The answer is a folder with a record. `record.py` says what a record holds, `run.py` fills the folder, `folders.py`
tells what a folder is, `verify.py` runs it again; start with `record.py`.
"""

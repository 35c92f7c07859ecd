"""Where do two trainings part?

A trace is a file with a digest of every tensor of the first steps: `trace.py` yields them, `trace_file.py` says what
the file holds. `diff.py` finds the first one in which two traces differ, `matrix.py` makes one table of many; start
with `trace.py`.
"""

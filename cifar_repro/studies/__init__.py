"""What do many seeds say together?

A study is a folder of runs and a study.json made from them. `results.py` says what that holds, `study.py` plans and
does the runs, by workers of this machine (`jobs.py`) or of a Ray cluster (`cluster.py`), and `summary.py` sums them up;
start with `study.py`.
"""

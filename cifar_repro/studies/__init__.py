"""What do many seeds say together?

A study is a folder of runs and a study.json made from them: `study_file.py` says what that holds. `study.py` plans the
runs, `jobs.py` does them on this machine and `cluster.py` on a Ray cluster, `summary.py` sums them up, and `results.py`
reads them again, a run alone as a study of one; start with `study.py`.
"""

"""Is B slower than A?

Two sides (`side.py`) run one workload in turn, in processes of their own (`worker.py`), and `gate.py` decides what A
against itself could not show, too; start with `gate.py`.
"""

"""Is B slower than A?

The answer is a `GateResult` (`gate.py`): two sides (`side.py`) run one workload in turn, in processes of their own
(`worker.py`), and nothing is called that A against itself could show, too. Start with `gate.py`.
"""

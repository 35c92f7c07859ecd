"""All of it on one page, and the figures of a run.

`page.py` writes the HTML page: what it says of a study is put together in `parts.py`, from charts (`charts.py`, drawn
by `lines.py` and `svg.py`), tables and pictures; what it says of several together in `comparison.py`, from the numbers
of `differences.py`. `run_figures.py` saves the PNGs of a run folder, which `figures.py` draws. Start with `page.py`.
"""

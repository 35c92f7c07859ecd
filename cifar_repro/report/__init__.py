"""All of it on one page, and the figures of a run.

`page.py` writes the HTML page: what it says of a study is put together in `parts.py`, from charts (`charts.py`, drawn
by `svg.py`), tables and pictures. `run_figures.py` saves the PNGs of a run folder, which `figures.py` draws. Start with
`page.py`.
"""

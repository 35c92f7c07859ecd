"""All of it on one page, and the figures of a run.

`page.py` writes the HTML page: what it says of a study is in `parts.py`, from charts, tables and pictures beside it.
`run_figures.py` draws the PNGs of a run folder with `figures.py`. Start with `page.py`.
"""

"""Did a published result, or another study, come out again?

The answer is a `Verdict`: a word, and the checks behind it (`verdict.py`). `against.py` judges by another study,
`with_published.py` by what was published (`published/`), which `claims.py` makes comparable; docs/comparing.md has the
method. Start with `verdict.py`.
"""

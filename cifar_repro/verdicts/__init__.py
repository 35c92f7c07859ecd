"""Did a published result, or another study, come out again?

The answer is a `Verdict`: a word, and the checks behind it (`verdict.py`). `against.py` judges by another study,
`claims.py` by what was published (`published/`); docs/comparing.md has the method. Start with `verdict.py`.
"""

"""Is somebody else's code right?

The answer is a line for each claim about their functions: right, WRONG and why, or not there. `subject.py` takes the
functions out of a file, `checks/` makes the claims, and `pytest_plugin.py` is `pytest --subject FILE`; start with
`checks/split.py`.
"""

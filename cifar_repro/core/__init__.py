"""The experiment and nothing else: recipe, data, network, training, evaluation, checkpoint.

Imports nothing from the rest of the package. Start with `training.py`, `model.py` and `data.py`.
"""

"""Which epochs are saved, for any sequence of validation losses, against the lesson's rule in three lines."""

import math
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cifar_repro.core import training as module
from cifar_repro.core.data import ImageSet
from cifar_repro.core.errors import NonFiniteLoss
from cifar_repro.core.evaluation import StepLosses
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.core.training import Training, fit

DATA = ImageSet(torch.zeros(10, 3, 32, 32, dtype=torch.uint8), torch.zeros(10, dtype=torch.int64))
FINITE = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 10)  # few values, so that ties are common


class Saving(RuleBasedStateMachine):
    """A run that goes on epoch by epoch, each time resumed from its state, with a validation loss of our choice."""

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, Any] | None = None
        self.training: Training | None = None
        # The lesson's rule: lowest = inf; then, for each loss: if loss <= lowest, save and lower it.
        self.lowest = math.inf
        self.saved: list[bool] = []

    def _epoch(self, loss: float) -> None:
        """One more epoch whose validation loss is the given one; NaN and inf go the way they go in evaluate."""

        def fake_evaluate(network: Any, batches: Any) -> Any:
            losses = StepLosses.collect([torch.tensor(loss, dtype=torch.float64)], [1], "evaluation")
            return type("Fake", (), {"loss": losses.mean, "accuracy": 0.5})

        def keep(epoch: Any, state: dict[str, Any]) -> None:
            self.state = state

        originals = module.train_epoch, module.evaluate
        module.train_epoch = lambda *args: StepLosses([1.0], [1])  # type: ignore[assignment]
        module.evaluate = fake_evaluate  # type: ignore[assignment]
        try:
            recipe = RECIPES["udacity"].with_changes({"epochs": len(self.saved) + 1})
            self.training = fit(recipe, Seeds(), DATA, resume=self.state, after_epoch=keep)
        finally:
            module.train_epoch, module.evaluate = originals

    @rule(loss=FINITE)
    def a_number(self, loss: float) -> None:
        self._epoch(loss)
        self.saved.append(loss <= self.lowest)
        self.lowest = loss if self.saved[-1] else self.lowest

    @rule(loss=st.sampled_from([math.nan, math.inf]))
    def no_number(self, loss: float) -> None:
        """The lesson would train on; here the run ends, and what was kept before stays."""
        with pytest.raises(NonFiniteLoss, match="evaluation step 1"):
            self._epoch(loss)

    @invariant()
    def as_the_lesson(self) -> None:
        if self.training is not None and self.saved:
            assert [epoch.saved for epoch in self.training.epochs] == self.saved
            assert self.training.best is not None
            assert self.training.best.valid_loss == self.lowest


TestSaving = Saving.TestCase
TestSaving.settings = settings(max_examples=16, stateful_step_count=12, deadline=None)

"""What can go wrong in ways that a user should read about in one line."""


class InputError(ValueError):
    """Something given from outside cannot be used: the message names it, its value and the remedy."""


class NonFiniteLoss(ArithmeticError):
    """A loss is NaN or infinite, so the weights are no longer worth keeping.

    `phase` is "training" or "evaluation", `step` counts the batches of that phase from 1, `loss` is the value.
    """

    def __init__(self, phase: str, step: int, loss: float):
        super().__init__(f"the loss of {phase} step {step} is {loss}")
        self.phase, self.step, self.loss = phase, step, loss

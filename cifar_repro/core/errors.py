"""What can go wrong in ways that a user should read about in one line."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class InputError(ValueError):
    """Something given from outside cannot be used: the message names it, its value and the remedy."""


@contextmanager
def about(what: object) -> Iterator[None]:
    """Inside, the line of an InputError begins with what it is about: the file that a value is from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


class NonFinite(ArithmeticError):
    """What a training has come to is NaN or infinite, so its weights are no longer worth keeping."""


class NonFiniteLoss(NonFinite):
    """A loss is NaN or infinite.

    `phase` is "training" or "evaluation", `step` counts the batches of that phase from 1, `loss` is the value.
    """

    def __init__(self, phase: str, step: int, loss: float):
        super().__init__(f"the loss of {phase} step {step} is {loss}")
        self.phase, self.step, self.loss = phase, step, loss


def meant(word: str, known: Iterable[str]) -> str:
    """ " (did you mean X?)" where one of the known words is much like this one, else nothing."""
    return "".join(f" (did you mean {near}?)" for near in get_close_matches(word, known, n=1))

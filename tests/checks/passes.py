"""Checks of what the core's passes over data promise beyond the lesson's."""

import math

import torch

from cifar_repro.audits.checks.evaluation import random_scores
from cifar_repro.audits.checks.kit import CountingSGD, Scores, check, lesson_batches, linear_network
from cifar_repro.audits.subject import Subject
from cifar_repro.core.errors import NonFiniteLoss


@check("train_epoch", "evaluate", "core")
def modes_are_restored(subject: Subject) -> None:
    """train_epoch and evaluate leave the network in the mode that they found it in."""
    for before in (True, False):
        network = linear_network().train(before)
        subject.evaluate(network, lesson_batches(20))
        assert network.training is before, "evaluate left the network in another mode"
        subject.train_epoch(network, lesson_batches(20), CountingSGD(network))
        assert network.training is before, "train_epoch left the network in another mode"


@check("train_epoch", "evaluate", "core")
def a_loss_that_is_no_number_is_an_error(subject: Subject) -> None:
    """A NaN or infinite loss raises and names the first step that had one."""
    for bad in (math.nan, math.inf):
        logits, _, batches = random_scores(30)
        logits[15] = bad
        for name, run in (
            ("evaluate", lambda network, batches: subject.evaluate(network, batches)),
            ("train_epoch", lambda n, b: subject.train_epoch(n, b, torch.optim.SGD([n.logits], lr=0.0))),
        ):
            step = None
            try:
                run(Scores(logits.clone().requires_grad_()), batches)
            except NonFiniteLoss as error:
                step = error.step
            assert step is not None, f"{name} took a loss that is no number as if nothing were wrong"
            assert step == 2, f"{name} blames step {step}; the first loss that is no number is that of step 2"

"""Checks of what the core's passes over data promise beyond the lesson's."""

import math

import torch

from cifar_repro.audits.checks.evaluation import random_scores
from cifar_repro.audits.checks.kit import CountingSGD, Scores, check, lesson_batches, linear_network
from cifar_repro.audits.subject import Subject
from cifar_repro.core.errors import NonFiniteLoss


@check("train_epoch", "evaluate", "core")
def modes_are_restored(subject: Subject) -> None:
    """train_epoch and evaluate leave the network in the mode that they found it in, and its parts in theirs."""
    for before in (True, False):
        network = torch.nn.Sequential(linear_network()).train(before)
        network[0].train(not before)  # as a part that was frozen
        for name, one_pass in (
            ("evaluate", lambda n: subject.evaluate(n, lesson_batches(20))),
            ("train_epoch", lambda n: subject.train_epoch(n, lesson_batches(20), CountingSGD(n))),
        ):
            one_pass(network)
            assert network.training is before, f"{name} left the network in another mode"
            assert network[0].training is not before, f"{name} left a part of the network in another mode"


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

"""Checks of the evaluation."""

import torch
import torch.nn.functional as F
from torch import nn

from cifar_repro.audits.checks.kit import (
    Batches,
    Scores,
    check,
    lesson_batches,
    linear_network,
    outputs,
    scored,
    smaller_last_batch,
)
from cifar_repro.audits.subject import Subject


def random_scores(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, Batches]:
    """Logits (n, 10), labels (n,) and batches of 10 with those labels."""
    generator = torch.Generator().manual_seed(seed)
    logits, labels = torch.randn(n, 10, generator=generator), torch.randint(0, 10, (n,), generator=generator)
    logits[torch.arange(n), labels] += 1.0  # right more often than not
    images = torch.zeros(n, 3, 32, 32)
    return logits, labels, list(zip(images.split(10), labels.split(10), strict=True))


@check("evaluate")
def evaluation_counts_every_image_once(subject: Subject) -> None:
    """Right and all images per class are counted over every batch, a smaller last one included."""
    logits, labels, batches = random_scores(37)
    network = nn.Sequential(Scores(logits), outputs(subject))
    ours = scored(smaller_last_batch(lambda batches: subject.evaluate(network, batches), batches))
    right = logits.argmax(1) == labels
    total = torch.bincount(labels, minlength=10).tolist()
    assert ours.total == total, f"images per class are counted as {ours.total}, but there are {total}"
    correct = torch.bincount(labels[right], minlength=10).tolist()
    assert ours.correct == correct, f"right ones per class are counted as {ours.correct}, but there are {correct}"


@check("evaluate")
def evaluation_loss_is_the_mean_over_images(subject: Subject) -> None:
    """The loss is the mean cross-entropy over images, so a smaller last batch counts for less."""
    logits, labels, batches = random_scores(33)
    logits[30:] *= 20
    expected = F.cross_entropy(logits, labels).item()
    network = nn.Sequential(Scores(logits), outputs(subject))
    ours = scored(smaller_last_batch(lambda batches: subject.evaluate(network, batches), batches)).loss
    assert abs(ours - expected) < 1e-4, f"33 images in batches of 10 have mean loss {expected:.4f}, not {ours:.4f}"


@check("evaluate")
def evaluation_turns_dropout_off(subject: Subject) -> None:
    """In evaluate the network is in evaluation mode, whatever it was in before."""
    modes: list[bool] = []
    network = linear_network(subject)
    network.register_forward_pre_hook(lambda module, args: modes.append(module.training))
    network.train()
    subject.evaluate(network, lesson_batches(20))
    assert modes == [False, False], "evaluate runs the network in training mode: dropout is on"


@check("evaluate")
def evaluation_learns_nothing(subject: Subject) -> None:
    """Evaluating changes no weight and leaves no gradient."""
    network = linear_network(subject)
    before = [p.detach().clone() for p in network.parameters()]
    subject.evaluate(network, lesson_batches(20))
    assert all(torch.equal(p, b) for p, b in zip(network.parameters(), before, strict=True)), (
        "evaluate changed the weights"
    )
    assert all(p.grad is None for p in network.parameters()), "evaluate left gradients behind"

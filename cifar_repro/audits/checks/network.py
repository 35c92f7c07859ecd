"""Checks of the network."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from cifar_repro.audits.checks.kit import check, lesson_batches, lesson_net, seeded_net
from cifar_repro.audits.subject import Subject

SOFTMAX = "the outputs of each image add up to 1, as after a softmax, which the loss makes by itself"


def are_probabilities(outputs: torch.Tensor) -> bool:
    return torch.allclose(outputs.sum(1), torch.ones(len(outputs)), atol=1e-4) and outputs.min().item() >= 0


def like_the_lessons(subject: Subject) -> nn.Module:
    """The lesson's network, with the weights that the subject's has after the seed 0."""
    reference, weights = lesson_net(subject), seeded_net(subject).state_dict()
    try:
        reference.load_state_dict(weights)
    except RuntimeError:
        raise AssertionError("it has other parameters than the lesson's network: another architecture") from None
    return reference


@check("Net", of_the_lesson=True)
def parameters_are_the_lessons(subject: Subject) -> None:
    """The state_dict has the lesson's names and shapes, in its order."""
    expected = {name: tuple(t.shape) for name, t in lesson_net(subject).state_dict().items()}
    found = {name: tuple(t.shape) for name, t in subject.Net().state_dict().items()}
    assert list(found.items()) == list(expected.items()), f"entries are {found}, the lesson's are {expected}"


@check("Net", of_the_lesson=True)
def initial_weights_are_the_lessons(subject: Subject) -> None:
    """After torch.manual_seed, the network starts with the weights that the lesson's network starts with."""
    ours = seeded_net(subject).state_dict()
    torch.manual_seed(0)
    for name, theirs in lesson_net(subject).state_dict().items():
        assert name in ours, f"{name} is missing"
        assert torch.equal(ours[name], theirs), f"{name} starts with other values than the lesson's"


@check("Net", of_the_lesson=True)
def forward_is_the_lessons(subject: Subject) -> None:
    """With dropout off and the same weights, the logits are the lesson's within 1e-5: sums may be in another order."""
    network, reference = seeded_net(subject), like_the_lessons(subject)
    for module in reference.modules():
        for parameter in module.parameters(recurse=False):
            parameter.data *= 2  # larger logits, so that a missing activation or a softmax shows
    network.load_state_dict(reference.state_dict())
    images = lesson_batches(20, 20)[0][0]
    with torch.no_grad():
        ours, theirs = network.eval()(images), reference.eval()(images)
    assert ours.shape == (20, 10), f"20 images give logits of shape {tuple(ours.shape)}, not (20, 10)"
    worst = (ours - theirs).abs().max().item()
    why = f": {SOFTMAX}" * are_probabilities(ours)
    assert worst < 1e-5 * theirs.abs().max().item() + 1e-6, f"logits differ from the lesson's by up to {worst:.3g}{why}"


@check("Net")
def outputs_are_scores_for_ten_classes(subject: Subject) -> None:
    """20 images give (20, 10) logits or log-probabilities, and no probabilities: the loss makes the softmax itself."""
    network = seeded_net(subject).eval()
    with torch.no_grad():
        found = network(lesson_batches(20, 20)[0][0])
    assert found.shape == (20, 10), f"20 images give outputs of shape {tuple(found.shape)}, not (20, 10)"
    assert not are_probabilities(found), SOFTMAX


@check("Net", of_the_lesson=True)
def dropout_is_the_lessons(subject: Subject) -> None:
    """In training mode, after the same seed, the logits are those of the lesson with its dropout of 0.25."""
    network, reference = seeded_net(subject), like_the_lessons(subject)
    images = lesson_batches(20, 20)[0][0]
    torch.manual_seed(1)
    ours = network.train()(images)
    torch.manual_seed(1)
    theirs = reference.train()(images)
    worst = (ours - theirs).abs().max().item()
    assert worst < 1e-5, f"in training mode logits differ from the lesson's by up to {worst:.3g}: other dropout masks"


@check("Net")
def dropout_is_off_in_evaluation_mode(subject: Subject) -> None:
    """In evaluation mode the same images give the same logits twice."""
    network = seeded_net(subject).eval()
    images = lesson_batches(10)[0][0]
    assert torch.equal(network(images), network(images)), "in evaluation mode two passes differ: dropout is still on"


@check("Net", of_the_lesson=True)
def dropout_is_on_in_training_mode(subject: Subject) -> None:
    """In training mode the same images give other logits the second time, where the lesson's network has dropout."""
    if subject.recipe == "pytorch-blitz":
        return
    network = seeded_net(subject).train()
    images = lesson_batches(10)[0][0]
    assert not torch.equal(network(images), network(images)), "in training mode two passes agree: there is no dropout"


@check("Net", of_the_lesson=True)
def initial_loss_is_near_ln_10(subject: Subject) -> None:
    """A network that has learnt nothing spreads its bets over ten classes: its loss is ln 10 = 2.303, within 0.05."""
    network = seeded_net(subject).eval()
    images, labels = lesson_batches(40, 40)[0]
    loss = F.cross_entropy(network(images), labels).item()
    assert abs(loss - math.log(10)) < 0.05, f"the loss before training is {loss:.3f}, not near ln 10 = 2.303"


@check("Net")
def logits_depend_on_their_own_image_alone(subject: Subject) -> None:
    """Changing one image of a batch changes its own logits and no other's, and so do their gradients."""
    network = seeded_net(subject).eval()
    images = lesson_batches(10)[0][0].clone().requires_grad_()
    # Weighted, for a plain sum can be the same whatever the image: that of a softmax is always 1.
    (network(images)[3] * torch.arange(1.0, 11.0)).sum().backward()
    assert images.grad is not None
    touched = images.grad.abs().amax((1, 2, 3)).nonzero().flatten().tolist()
    assert touched == [3], f"the logits of image 3 depend on images {touched}: the batch dimension is mixed"


@check("Net")
def a_gradient_reaches_every_parameter(subject: Subject) -> None:
    """One backward pass gives every parameter a gradient that is not all zero."""
    network = seeded_net(subject).train()
    images, labels = lesson_batches(20, 20)[0]
    F.cross_entropy(network(images), labels).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert parameter.grad.abs().sum() > 0, f"the gradient of {name} is all zero"

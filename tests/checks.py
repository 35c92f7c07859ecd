"""The claims about a CIFAR-10 training stack, each a function that takes the code it is aimed at.

`pytest` runs all of them on the core (test_checks.py), shows that each of many planted faults is found by one of them
and that none minds harmless changes (test_kill_matrix.py), and with `--subject FILE` runs those that apply on somebody
else's code. A check says what it claims in its docstring, and fails with a message that says what is wrong.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms

from benchmarks import tutorial
from cifar_repro.core.data import ImageSet, synthetic
from cifar_repro.core.errors import InputError, NonFiniteLoss
from cifar_repro.core.recipe import RECIPES, Recipe, Seeds
from cifar_repro.core.training import Epoch
from tests.subject import Subject

SEEDS = Seeds(split=1, init=2, order=3, dropout=4)
RECIPE = RECIPES["udacity"].with_changes({"epochs": 3, "batch_size": 5})
N = 23  # images: 19 to train on and 4 to validate on, floor(0.2 * 23); no multiple of the batch size


@dataclass(frozen=True)
class Check:
    """One claim. needs: the names that the subject must have."""

    name: str
    claim: str
    needs: tuple[str, ...]
    run: Callable[[Subject], None]


CHECKS: dict[str, Check] = {}


def check(*needs: str) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    def register(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
        assert function.__doc__ is not None
        CHECKS[function.__name__] = Check(function.__name__, function.__doc__, needs, function)
        return function

    return register


# ---- what the checks are fed -----------------------------------------------------------------------------------------


@cache
def numbered_images(n: int = N) -> ImageSet:
    """Synthetic images of mixed classes whose first two red pixels spell their index."""
    drawn = synthetic(train=n, test=1).train
    images = drawn.images.clone()
    images[:, 0, 0, 0] = torch.arange(n) % 256
    images[:, 0, 0, 1] = torch.arange(n) // 256
    return ImageSet(images, drawn.labels)


def numbers_of(images: torch.Tensor) -> list[int]:
    """The indices spelt in normalised images."""
    low, high = ((images[:, 0, 0, column] * 0.5 + 0.5) * 255 for column in (0, 1))
    return (low.round() + 256 * high.round()).long().tolist()


@cache
def lesson() -> tutorial.Progress:
    """What the lesson's own loop makes of RECIPE."""
    *_, progress = tutorial.train(numbered_images(), RECIPE, SEEDS)
    return progress


def lesson_batches(n: int = 30, size: int = 10) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Normalised images and labels in batches, made without the subject; the last one may be smaller."""
    data = numbered_images(n)
    images = (data.images.float() / 255 - 0.5) / 0.5
    return list(zip(images.split(size), data.labels.split(size), strict=True))


class Scores(nn.Module):
    """A network with nothing to learn: image i of a batch gets row i of the given logits, batch after batch."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits, self.seen = logits, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        start, self.seen = self.seen, self.seen + len(images)
        return self.logits[start : self.seen]


def linear_network() -> nn.Module:
    """Small, smooth and deterministic: its gradients can be worked out by hand."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))


def mean_loss(result: Any) -> float:
    """The mean loss that a train_epoch returned, as a number or as `.mean`."""
    return float(getattr(result, "mean", result))


@dataclass(frozen=True)
class Scored:
    loss: float
    correct: list[int]  # per class
    total: list[int]  # per class


def scored(result: Any) -> Scored:
    """What an evaluate returned: an Evaluation, or (loss, correct per class, total per class) as the lesson counts."""
    if isinstance(result, tuple):
        loss, correct, total = result
        return Scored(float(loss), [int(c) for c in correct], [int(t) for t in total])
    return Scored(result.loss, result.confusion.diagonal().tolist(), result.confusion.sum(1).tolist())


@dataclass
class Fitted:
    """A run of `fit`, watched: the image numbers and sizes of every batch of every pass, by the pass's name."""

    training: Any
    passes: dict[str, list[list[int]]]
    states: list[dict[str, Any]]

    @property
    def epochs(self) -> list[Epoch]:
        epochs: list[Epoch] = self.training.epochs
        return epochs


def watched_fit(subject: Subject, recipe: Recipe = RECIPE, seeds: Seeds = SEEDS, **options: Any) -> Fitted:
    """A run of the subject's fit on the numbered images."""
    passes: dict[str, list[list[int]]] = {}
    states: list[dict[str, Any]] = []

    def watch(batches: Iterable[Any], *, total: int, desc: str) -> Iterable[Any]:
        passes[desc] = []
        for images, labels in batches:
            passes[desc].append(numbers_of(images))
            yield images, labels

    def keep(epoch: Epoch, state: dict[str, Any]) -> None:
        states.append({name: _copied(value) for name, value in state.items()})

    data = numbered_images()
    recipe = subject.modules["recipe"].Recipe(**vars(recipe))
    seeds = subject.modules["recipe"].Seeds(**vars(seeds))
    training = subject.fit(
        recipe, seeds, subject.ImageSet(data.images, data.labels), progress=watch, after_epoch=keep, **options
    )
    return Fitted(training, passes, states)


def plain_fit(subject: Subject) -> Fitted:
    """`watched_fit` of RECIPE, run once for each subject; not to be changed."""
    if "plain" not in subject.results:
        subject.results["plain"] = watched_fit(subject)
    fitted: Fitted = subject.results["plain"]
    return fitted


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def figures(epochs: list[Epoch]) -> list[tuple[Any, ...]]:
    """What must repeat of epochs: all but the seconds."""
    return [(e.epoch, e.train_loss, e.valid_loss, e.saved, e.weights_sha256) for e in epochs]


# ---- the split -------------------------------------------------------------------------------------------------------


@check("split_indices")
def split_is_disjoint_and_complete(subject: Subject) -> None:
    """Every image is in exactly one part of the split."""
    for n in (1, 10, 47, 1000):
        train, valid = subject.split_indices(n, 0.2, 0)
        both = sorted([*map(int, train), *map(int, valid)])
        assert both == list(range(n)), f"of {n} images, training and validation together hold {len(both)}, some twice"


@check("split_indices")
def split_sizes_are_the_floor(subject: Subject) -> None:
    """The validation part has floor(fraction * n) images, the training part the rest."""
    for n, fraction, expected in ((50_000, 0.2, 10_000), (47, 0.2, 9), (9, 0.25, 2), (4, 0.2, 0), (7, 0.5, 3)):
        train, valid = subject.split_indices(n, fraction, 0)
        assert len(valid) == expected, f"{fraction} of {n} images gives {len(valid)} to validate on, not {expected}"
        assert len(train) == n - expected, f"{fraction} of {n} images leaves {len(train)}, not {n - expected}"


@check("split_indices")
def split_equals_the_lessons_lines(subject: Subject) -> None:
    """Index for index, the split is what the lesson's numpy lines give after numpy.random.seed."""
    for seed in (0, 1, 2**32 - 1):
        indices = list(range(100))
        np.random.RandomState(seed).shuffle(indices)
        train, valid = subject.split_indices(100, 0.2, seed)
        assert list(map(int, valid)) == indices[:20], f"seed {seed}: these are not the lesson's validation images"
        assert list(map(int, train)) == indices[20:], f"seed {seed}: these are not the lesson's training images"


@check("split_indices")
def split_depends_on_its_seed_alone(subject: Subject) -> None:
    """The split neither reads nor changes global random state, and another seed gives another split."""
    np.random.seed(5)  # noqa: NPY002 - the global state is what this is about
    torch.manual_seed(5)
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first = [list(map(int, part)) for part in subject.split_indices(100, 0.2, 7)]
    assert (np.random.get_state()[1] == numpy_before).all(), "the split changed numpy's global random state"  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before), "the split changed torch's global random state"
    np.random.seed(6)  # noqa: NPY002
    torch.manual_seed(6)
    again = [list(map(int, part)) for part in subject.split_indices(100, 0.2, 7)]
    assert first == again, "the same seed gave another split: something but the seed goes into it"
    other = [list(map(int, part)) for part in subject.split_indices(100, 0.2, 8)]
    assert first != other, "seeds 7 and 8 gave the same split: the seed is not used"


# ---- pixels and batches ----------------------------------------------------------------------------------------------


@check("normalize")
def normalisation_equals_torchvision(subject: Subject) -> None:
    """All 256 pixel values become, to the bit, what ToTensor and Normalize(0.5, 0.5) make of them."""
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    theirs = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])(values)
    ours = subject.normalize(torch.from_numpy(values.transpose(2, 0, 1).copy()))
    assert ours.dtype == torch.float32, f"normalised images are {ours.dtype}, not float32"
    wrong = (ours != theirs).sum()
    assert torch.equal(ours, theirs), (
        f"{wrong} of 256 values differ: 0 became {ours[0, 0, 0]:.4f}, not -1, and 255 {ours[0, -1, -1]:.4f}, not 1"
    )


@check("batches")
def batches_hold_the_chosen_images_in_order(subject: Subject) -> None:
    """Batches hold all chosen images, once, in the given order, a smaller last batch included."""
    order = torch.tensor([5, 3, 8, 1, 0, 9, 7])
    found = [numbers_of(images) for images, _ in subject.batches(numbered_images(), order, 3)]
    assert found == [[5, 3, 8], [1, 0, 9], [7]], f"asked for {order.tolist()} in threes, got {found}"


@check("batches")
def batches_give_each_image_its_own_pixels_and_label(subject: Subject) -> None:
    """An image in a batch is the stored one, normalised, planes and rows in place, and its label is its own."""
    data = numbered_images()  # of all ten classes
    order = torch.arange(N - 1, -1, -1)
    for layout in (torch.contiguous_format, torch.channels_last):
        ((images, labels),) = subject.batches(data, order, N, memory_format=layout)
        assert images.is_contiguous(memory_format=layout), f"the images are not in {layout}"
        assert torch.equal(labels, data.labels[order]), "labels do not belong to their images"
        expected = data.images[order].float().div(255).sub(0.5).div(0.5)
        for plane, name in enumerate(("red", "green", "blue")):
            assert torch.equal(images[:, plane], expected[:, plane]), f"the {name} plane is not the stored one"


@check("flip_rotate")
def augmentation_is_torchvisions(subject: Subject) -> None:
    """Flips and rotations are torchvision's, draw for draw and pixel for pixel."""
    images = numbered_images().images
    theirs = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomRotation(10)])
    torch.manual_seed(3)
    expected = [np.asarray(theirs(transforms.functional.to_pil_image(image))) for image in images]
    torch.manual_seed(3)
    ours = subject.flip_rotate(images).permute(0, 2, 3, 1).numpy()
    equal = sum(np.array_equal(one, other) for one, other in zip(ours, expected, strict=True))
    assert equal == len(images), f"only {equal} of {len(images)} augmented images equal torchvision's"


# ---- the network -----------------------------------------------------------------------------------------------------


def seeded_net(subject: Subject, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network: nn.Module = subject.Net()
    return network


@check("Net")
def parameters_are_the_lessons(subject: Subject) -> None:
    """The state_dict has the lesson's names and shapes, in its order."""
    expected = {name: tuple(t.shape) for name, t in tutorial.TutorialNet().state_dict().items()}
    found = {name: tuple(t.shape) for name, t in subject.Net().state_dict().items()}
    assert list(found.items()) == list(expected.items()), f"entries are {found}, the lesson's are {expected}"


@check("Net")
def initial_weights_are_the_lessons(subject: Subject) -> None:
    """After torch.manual_seed, the network starts with the weights that the lesson's network starts with."""
    ours = seeded_net(subject).state_dict()
    torch.manual_seed(0)
    for name, theirs in tutorial.TutorialNet().state_dict().items():
        assert name in ours, f"{name} is missing"
        assert torch.equal(ours[name], theirs), f"{name} starts with other values than the lesson's"


@check("Net")
def forward_is_the_lessons(subject: Subject) -> None:
    """With dropout off and the same weights, the logits are the lesson's within 1e-5: sums may be in another order."""
    network, reference = seeded_net(subject), tutorial.TutorialNet()
    reference.load_state_dict(network.state_dict())
    for module in reference.modules():
        for parameter in module.parameters(recurse=False):
            parameter.data *= 2  # larger logits, so that a missing activation or a softmax shows
    network.load_state_dict(reference.state_dict())
    images = lesson_batches(20, 20)[0][0]
    with torch.no_grad():
        ours, theirs = network.eval()(images), reference.eval()(images)
    assert ours.shape == (20, 10), f"20 images give logits of shape {tuple(ours.shape)}, not (20, 10)"
    worst = (ours - theirs).abs().max().item()
    assert worst < 1e-5 * theirs.abs().max().item() + 1e-6, f"logits differ from the lesson's by up to {worst:.3g}"


@check("Net")
def dropout_is_the_lessons(subject: Subject) -> None:
    """In training mode, after the same seed, the logits are those of the lesson with its dropout of 0.25."""
    network, reference = seeded_net(subject), tutorial.TutorialNet()
    reference.load_state_dict(network.state_dict())
    images = lesson_batches(20, 20)[0][0]
    torch.manual_seed(1)
    ours = network.train()(images)
    torch.manual_seed(1)
    theirs = reference.train()(images)
    worst = (ours - theirs).abs().max().item()
    assert worst < 1e-5, f"in training mode logits differ from the lesson's by up to {worst:.3g}: other dropout masks"


@check("Net")
def dropout_is_off_in_evaluation_mode(subject: Subject) -> None:
    """In evaluation mode the same images give the same logits twice; in training mode they do not."""
    network = seeded_net(subject)
    images = lesson_batches(10)[0][0]
    network.eval()
    assert torch.equal(network(images), network(images)), "in evaluation mode two passes differ: dropout is still on"
    network.train()
    assert not torch.equal(network(images), network(images)), "in training mode two passes agree: there is no dropout"


@check("Net")
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
    network(images)[3].sum().backward()
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


@check("Net", "volume_walk")
def volumes_are_what_the_layers_return(subject: Subject) -> None:
    """The arithmetic of volume_walk gives the shape that each layer really returns."""
    network = seeded_net(subject)
    seen: list[tuple[int, ...]] = []
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.MaxPool2d, nn.Linear))]
    hooks = [m.register_forward_hook(lambda m, i, out: seen.append(tuple(out.shape[1:]))) for m in layers]
    network(torch.zeros(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    try:
        walked = [v.shape for v in subject.volume_walk(network) if v.layer not in ("input", "flatten")]
    except InputError as error:
        raise AssertionError(f"the walk says that this network cannot be: {error}") from error
    assert walked == seen, f"the walk says {walked}, the layers return {seen}"


# ---- training --------------------------------------------------------------------------------------------------------


class CountingSGD(torch.optim.SGD):
    """SGD that remembers the gradients it was given."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network.parameters(), lr=0.01)
        self.gradients: list[list[torch.Tensor]] = []

    def step(self, closure: Any = None) -> None:
        parameters = self.param_groups[0]["params"]
        self.gradients.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters])
        super().step()


@check("train_epoch")
def one_optimizer_step_a_batch(subject: Subject) -> None:
    """The optimizer steps exactly once for each batch."""
    network = linear_network()
    optimizer = CountingSGD(network)
    subject.train_epoch(network, lesson_batches(25), optimizer)
    assert len(optimizer.gradients) == 3, f"3 batches made the optimizer step {len(optimizer.gradients)} times"


@check("train_epoch")
def each_step_is_a_step_of_sgd_on_the_mean_loss(subject: Subject) -> None:
    """After each step the weights are w - 0.01 * gradient of the mean cross-entropy of that batch alone, by hand."""
    network, batches = linear_network(), lesson_batches(25)
    weight, bias = (p.detach().clone() for p in network.parameters())
    optimizer = CountingSGD(network)
    subject.train_epoch(network, batches, optimizer)
    for step, (images, labels) in enumerate(batches):
        x = images.flatten(1)
        # d loss / d logits of the mean cross-entropy is (softmax - one-hot) / batch size
        error = ((x @ weight.T + bias).softmax(1) - F.one_hot(labels, 10)) / len(labels)
        by_hand = [error.T @ x, error.sum(0)]
        for name, ours, expected in zip(("weight", "bias"), optimizer.gradients[step], by_hand, strict=True):
            ratio = (ours.norm() / expected.norm()).item()
            assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-5), (
                f"step {step + 1}: the gradient of the {name} is not the batch's own (its norm is {ratio:.3f} of it): "
                "gradients that were not cleared, clipped ones, or another loss"
            )
        weight, bias = weight - 0.01 * by_hand[0], bias - 0.01 * by_hand[1]
    for ours, expected in zip(network.parameters(), (weight, bias), strict=True):
        assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-5), "the weights are not what the steps lead to"


@check("train_epoch")
def training_loss_is_the_mean_over_images(subject: Subject) -> None:
    """An epoch's loss is the mean over images, so a smaller last batch counts for less, each loss before its update."""
    logits = torch.randn(25, 10, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits.data[20:] *= 20  # the last, smaller batch has a loss of its own
    network = Scores(logits)
    optimizer = torch.optim.SGD([logits], lr=0.0)
    batches = lesson_batches(25)
    labels = torch.cat([labels for _, labels in batches])
    expected = F.cross_entropy(logits, labels).item()
    ours = mean_loss(subject.train_epoch(network, batches, optimizer))
    assert abs(ours - expected) < 1e-4, f"25 images in batches of 10 have mean loss {expected:.4f}, not {ours:.4f}"


@check("train_epoch")
def training_turns_dropout_on(subject: Subject) -> None:
    """In train_epoch the network is in training mode, whatever it was in before."""
    modes: list[bool] = []
    network = linear_network()
    network.register_forward_pre_hook(lambda module, args: modes.append(module.training))
    network.eval()
    subject.train_epoch(network, lesson_batches(20), CountingSGD(network))
    assert modes == [True, True], "train_epoch runs the network in evaluation mode: dropout is off"


@check("Net", "train_epoch")
def one_batch_can_be_overfitted(subject: Subject) -> None:
    """Shown the same four images 30 times at a higher rate, the network learns them by heart."""
    network = seeded_net(subject)
    batch = lesson_batches(4)[0]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.03, momentum=0.9)
    first = mean_loss(subject.train_epoch(network, [batch], optimizer))
    subject.train_epoch(network, [batch] * 28, optimizer)
    last = mean_loss(subject.train_epoch(network, [batch], optimizer))
    assert last < 0.2 * first, f"30 steps on four images brought the loss from {first:.3f} to {last:.3f} only"


# ---- evaluation ------------------------------------------------------------------------------------------------------


def random_scores(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
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
    ours = scored(subject.evaluate(Scores(logits), batches))
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
    ours = scored(subject.evaluate(Scores(logits), batches)).loss
    assert abs(ours - expected) < 1e-4, f"33 images in batches of 10 have mean loss {expected:.4f}, not {ours:.4f}"


@check("evaluate")
def evaluation_turns_dropout_off(subject: Subject) -> None:
    """In evaluate the network is in evaluation mode, whatever it was in before."""
    modes: list[bool] = []
    network = linear_network()
    network.register_forward_pre_hook(lambda module, args: modes.append(module.training))
    network.train()
    subject.evaluate(network, lesson_batches(20))
    assert modes == [False, False], "evaluate runs the network in training mode: dropout is on"


@check("evaluate")
def evaluation_learns_nothing(subject: Subject) -> None:
    """Evaluating changes no weight and leaves no gradient."""
    network = linear_network()
    before = [p.detach().clone() for p in network.parameters()]
    subject.evaluate(network, lesson_batches(20))
    assert all(torch.equal(p, b) for p, b in zip(network.parameters(), before, strict=True)), (
        "evaluate changed the weights"
    )
    assert all(p.grad is None for p in network.parameters()), "evaluate left gradients behind"


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


# ---- a whole run -----------------------------------------------------------------------------------------------------


@check("fit")
def a_run_is_the_lessons(subject: Subject) -> None:
    """Every epoch's losses, savings and weights of a short run equal those of the lesson's own loop, to the bit."""
    ours, theirs = plain_fit(subject), lesson()
    assert [e.train_loss for e in ours.epochs] == theirs.train_losses, "training losses are not the lesson's"
    assert [e.valid_loss for e in ours.epochs] == theirs.valid_losses, "validation losses are not the lesson's"
    assert [e.saved for e in ours.epochs] == theirs.saved, "other epochs are saved than in the lesson"
    weights = ours.training.network.state_dict()
    for name, expected in theirs.weights.items():
        assert torch.equal(weights[name], expected), f"{name} ends with other values than in the lesson"


@check("fit")
def training_sees_each_training_image_once_an_epoch(subject: Subject) -> None:
    """In each epoch every training image is trained on once, in batches of its size; no validation image is."""
    train_idx, valid_idx = (set(part.tolist()) for part in subject.split_indices(N, 0.2, SEEDS.split))
    fitted = plain_fit(subject)
    for epoch in (1, 2, 3):
        batches = fitted.passes[f"epoch {epoch}/3 training"]
        seen = [number for batch in batches for number in batch]
        leaked = sorted(valid_idx & set(seen))
        assert not leaked, f"epoch {epoch} trains on validation images {leaked}"
        assert sorted(seen) == sorted(train_idx), f"epoch {epoch} trains on {len(seen)} images, some missing or twice"
        sizes = [len(batch) for batch in batches]
        assert sizes == [5, 5, 5, 4], f"training batches hold {sizes} images, by the recipe it is [5, 5, 5, 4]"


@check("fit")
def validation_sees_the_validation_images_in_order(subject: Subject) -> None:
    """Each epoch is validated on exactly the validation images, in the order of the split."""
    expected = subject.split_indices(N, 0.2, SEEDS.split)[1].tolist()
    fitted = plain_fit(subject)
    for epoch in (1, 2, 3):
        seen = [number for batch in fitted.passes[f"epoch {epoch}/3 validation"] for number in batch]
        assert seen == expected, f"epoch {epoch} is validated on images {seen}, the split says {expected}"


@check("fit")
def the_order_is_a_new_permutation_each_epoch(subject: Subject) -> None:
    """The training order is, epoch after epoch, the next randperm of a generator that only the order seed sets."""
    train_idx = subject.split_indices(N, 0.2, SEEDS.split)[0]
    generator = torch.Generator().manual_seed(SEEDS.order)
    orders = []
    fitted = plain_fit(subject)
    for epoch in (1, 2, 3):
        orders.append([number for batch in fitted.passes[f"epoch {epoch}/3 training"] for number in batch])
        expected = train_idx[torch.randperm(len(train_idx), generator=generator)].tolist()
        if epoch > 1:
            assert orders[-1] != orders[-2], f"epoch {epoch} has the order of the epoch before: not shuffled again"
        assert orders[-1] == expected, f"the order of epoch {epoch} is not SubsetRandomSampler's for this seed"


@check("fit")
def each_seed_drives_its_own_source_alone(subject: Subject) -> None:
    """Another seed for one source changes that source, and none of the others."""

    def sources(seeds: Seeds) -> dict[str, Any]:
        masks: list[torch.Tensor] = []
        network_of: dict[str, Any] = {}
        net = subject.modules["training"].Net

        def watched_net(*args: Any) -> nn.Module:
            network = net(*args)
            network_of["init"] = [p.detach().clone() for p in network.parameters()]
            network.dropout.register_forward_hook(lambda m, i, out: masks.append((out != 0) | (i[0] == 0)))
            return network  # type: ignore[no-any-return]

        subject.modules["training"].Net = watched_net
        try:
            fitted = watched_fit(subject, RECIPE.with_changes({"epochs": 1, "dropout": 0.5}), seeds)
        finally:
            subject.modules["training"].Net = net
        trained = [number for batch in fitted.passes["epoch 1/1 training"] for number in batch]
        split = subject.split_indices(N, 0.2, seeds.split)
        place = {number: at for at, number in enumerate(split[0].tolist())}
        return {
            "split": split[1].tolist(),
            "init": [p.sum().item() for p in network_of["init"]],
            "order": [place.get(number) for number in trained],
            # Which inputs of fc1 are dropped: the first mask is drawn before anything that depends on weights.
            "dropout": masks[0].tolist(),
        }

    base = sources(SEEDS)
    for name in ("split", "init", "order"):
        changed = sources(Seeds(**{**vars(SEEDS), name: 77}))
        for other in ("split", "init", "order"):
            if other == name:
                assert changed[other] != base[other], f"another {name} seed changes nothing: it is not used"
            else:
                assert changed[other] == base[other], f"another {name} seed changes the {other}: they share randomness"
    changed = sources(Seeds(**{**vars(SEEDS), "dropout": 77}))
    assert changed["dropout"] != base["dropout"], "another dropout seed drops the same inputs: it is not used"
    for other in ("split", "init", "order"):
        assert changed[other] == base[other], f"another dropout seed changes the {other}: they share randomness"


def fit_with_losses(subject: Subject, losses: list[float], resume: dict[str, Any] | None = None) -> Fitted:
    """A run whose validation losses are the given ones, its training left out but for a mark on the weights."""
    training = subject.modules["training"]
    remaining = iter(losses)
    before = len(resume["epochs"]) if resume else 0

    def fake_train_epoch(network: nn.Module, batches: Any, optimizer: Any) -> Any:
        with torch.no_grad():
            next(network.parameters()).add_(1.0)
        return training.StepLosses([1.0], [1])

    def fake_evaluate(network: nn.Module, batches: Any) -> Any:
        return type("Fake", (), {"loss": next(remaining)})

    originals = training.train_epoch, training.evaluate
    training.train_epoch, training.evaluate = fake_train_epoch, fake_evaluate
    try:
        return watched_fit(subject, RECIPE.with_changes({"epochs": before + len(losses)}), resume=resume)
    finally:
        training.train_epoch, training.evaluate = originals


def lessons_rule(losses: list[float]) -> list[bool]:
    """Which epochs the lesson saves."""
    lowest, saved = math.inf, []
    for loss in losses:
        saved.append(loss <= lowest)
        lowest = loss if saved[-1] else lowest
    return saved


@check("fit")
def all_epochs_of_the_recipe_are_run(subject: Subject) -> None:
    """As many epochs as the recipe says, even while the validation loss grows: the lesson has no patience."""
    found = [e.epoch for e in fit_with_losses(subject, [1.0, 2.0, 3.0, 4.0]).epochs]
    assert found == [1, 2, 3, 4], f"a recipe of 4 epochs with a growing validation loss ran the epochs {found}"


@check("fit")
def weights_are_saved_when_the_loss_is_no_higher(subject: Subject) -> None:
    """An epoch is saved if its validation loss is at most the lowest so far: a tie saves, a rise does not."""
    for losses in ([2.0, 1.5, 1.5, 1.7, 1.6, 1.2], [1.0, 3.0, 2.0, 1.0], [1.0, 0.5, 0.7, 0.6]):
        saved = [e.saved for e in fit_with_losses(subject, losses).epochs]
        assert saved == lessons_rule(losses), f"losses {losses} saved {saved}; the lesson saves {lessons_rule(losses)}"


@check("fit")
def the_weights_kept_are_those_of_the_best_epoch(subject: Subject) -> None:
    """What is kept is a copy of the weights as they were after the last saved epoch, not the weights of the end."""
    fitted = fit_with_losses(subject, [2.0, 1.0, 3.0, 4.0])
    best = fitted.epochs[1]
    assert fitted.training.best == best, f"the best epoch is said to be {fitted.training.best}, but it is the second"
    kept = subject.weights_digest(fitted.training.best_weights)
    ends = [e.epoch for e in fitted.epochs if e.weights_sha256 == kept]
    assert ends == [2], f"the weights kept are those after epochs {ends}; the best epoch is 2"


@check("fit")
def a_resumed_run_ends_as_one_that_never_stopped(subject: Subject) -> None:
    """From the state after any epoch, fit goes on to the same losses, savings, weights and best weights."""
    recipe = RECIPE.with_changes({"learning_rate": 0.3})  # high, so that the best epoch is not always the last
    whole = watched_fit(subject, recipe)
    for after in (1, 2):
        resumed = watched_fit(subject, recipe, resume=whole.states[after - 1])
        assert figures(resumed.epochs) == figures(whole.epochs), (
            f"resumed after epoch {after}, a run gives {figures(resumed.epochs)[after:]}, "
            f"uninterrupted it gives {figures(whole.epochs)[after:]}"
        )
        ours, theirs = (subject.weights_digest(f.training.best_weights) for f in (resumed, whole))
        assert ours == theirs, f"resumed after epoch {after}, a run keeps other best weights"


@check("fit")
def a_resumed_run_remembers_the_best_so_far(subject: Subject) -> None:
    """After resuming, an epoch worse than the best before the stop is not saved, and its weights are still kept."""
    state = fit_with_losses(subject, [1.0]).states[0]
    resumed = fit_with_losses(subject, [2.0], resume=state)
    assert not resumed.epochs[-1].saved, "after resuming, a worse epoch was saved: the best loss is forgotten"
    kept = subject.weights_digest(resumed.training.best_weights)
    assert kept == resumed.epochs[0].weights_sha256, "after resuming, the best weights before the stop are lost"


@check("fit")
def a_resumed_run_remembers_the_optimizer(subject: Subject) -> None:
    """The optimizer's state goes into the state of a run and comes back from it."""
    state = _copied(plain_fit(subject).states[1])
    state["optimizer"]["param_groups"][0]["momentum"] = 0.5
    resumed = watched_fit(subject, resume=state)
    assert resumed.training.optimizer.param_groups[0]["momentum"] == 0.5, "the state of the optimizer was not loaded"


@check("fit")
def global_random_state_is_left_alone(subject: Subject) -> None:
    """A run neither depends on the global random state before it nor changes it."""
    expected = figures(plain_fit(subject).epochs)
    torch.manual_seed(987654321)
    before = torch.get_rng_state()
    assert figures(watched_fit(subject).epochs) == expected, "the global random state before a run changes its result"
    assert torch.equal(torch.get_rng_state(), before), "fit left the global random state changed"


@check("fit")
def channels_last_is_close(subject: Subject) -> None:
    """In channels_last the losses of a short run are those of the exact run within 1e-4."""
    exact, fast = plain_fit(subject).epochs, watched_fit(subject, memory_format="channels_last").epochs
    worst = max(
        abs(a.train_loss - b.train_loss) + abs(a.valid_loss - b.valid_loss) for a, b in zip(exact, fast, strict=True)
    )
    assert worst < 1e-4, f"in channels_last losses differ by up to {worst:.3g}"


@check("weights_digest")
def the_digest_is_the_documented_one(subject: Subject) -> None:
    """sha256 over name, dtype and shape, each closed by a zero byte, then the bytes, entry by entry in order."""
    a, b = torch.arange(6.0).reshape(2, 3), torch.tensor(7.0)
    by_hand = hashlib.sha256()
    for name, tensor, shape in (("a.weight", a, "2,3"), ("b", b, "")):
        by_hand.update(name.encode() + b"\0" + b"torch.float32\0" + shape.encode() + b"\0" + tensor.numpy().tobytes())
    assert subject.weights_digest({"a.weight": a, "b": b}) == by_hand.hexdigest(), (
        "the digest is not the documented one"
    )


@check("weights_digest")
def the_digest_tells_everything_apart(subject: Subject) -> None:
    """Another name, order, dtype, shape or a single bit gives another digest; another memory layout does not."""
    a, b = torch.arange(6.0).reshape(2, 3), torch.ones(3)
    digest = subject.weights_digest({"a": a, "b": b})
    flipped = a.clone()
    flipped.view(torch.int32)[1, 2] ^= 1
    others = {
        "another name": {"a": a, "c": b},
        "another order": {"b": b, "a": a},
        "another dtype": {"a": a.view(torch.int32), "b": b},
        "another shape": {"a": a.reshape(3, 2), "b": b},
        "one changed bit": {"a": flipped, "b": b},
        "values swapped between names": {"a": a.flip(0), "b": b},
    }
    for what, other in others.items():
        assert subject.weights_digest(other) != digest, f"{what} gives the same digest"
    strided = a.t().contiguous().t()
    assert subject.weights_digest({"a": strided, "b": b}) == digest, "the digest depends on the memory layout"


@check("conv_output_size")
def output_sizes_are_torchs(subject: Subject) -> None:
    """For a grid of sizes, kernels, strides, paddings and dilations the formula gives what torch returns."""
    for size in (5, 8, 32):
        for kernel in (1, 2, 3, 5):
            for stride, padding, dilation in ((1, 0, 1), (2, 0, 1), (2, 1, 1), (3, 1, 2), (1, 2, 2)):
                if dilation * (kernel - 1) + 1 > size + 2 * padding:
                    continue
                real = F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding, dilation)
                ours = subject.conv_output_size(size, kernel, stride, padding, dilation)
                assert ours == real.shape[-1], (
                    f"size {size}, kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation}: "
                    f"the formula says {ours}, torch returns {real.shape[-1]}"
                )

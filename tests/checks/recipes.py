"""Checks of what the other recipes add: momentum, RMSprop, decay, shifts, validation on the test images or none."""

from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import transforms

from benchmarks.tutorial import Pictures
from cifar_repro.audits.checks.kit import check, numbered_images
from cifar_repro.audits.subject import Subject
from cifar_repro.core.recipe import RECIPES
from tests.checks.kit import RECIPE, SEEDS, N, watched_fit
from tests.checks.run import fit_with_losses

BLITZ = RECIPES["pytorch-blitz"].with_changes({"loss_window": 1})  # so that the record tells the loss of every step
ON_TEST = RECIPE.with_changes({"validation": "test", "valid_fraction": 0.0, "epochs": 2})


class BlitzTutorialNet(nn.Module):
    """The network of PyTorch's tutorial, layer by layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution in (self.conv1, self.conv2):
            x = self.pool(F.relu(convolution(x)))
        x = torch.flatten(x, 1)
        for layer in (self.fc1, self.fc2):
            x = F.relu(layer(x))
        return self.fc3(x)  # type: ignore[no-any-return]


def blitz_by_the_tutorial() -> tuple[list[float], dict[str, torch.Tensor]]:
    """The loss of each of the 12 steps, and the last weights, of PyTorch's tutorial on the numbered images."""
    normalized = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
    pictures = Pictures(numbered_images(N), normalized)
    # shuffle=True would take a RandomSampler, which draws a second permutation an epoch and throws it away.
    sampler = SubsetRandomSampler(range(N), generator=torch.Generator().manual_seed(SEEDS.order))
    loader = DataLoader(pictures, batch_size=4, sampler=sampler, generator=torch.Generator())
    torch.manual_seed(SEEDS.init)
    net, losses = BlitzTutorialNet(), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    for _ in range(2):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(net(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses, net.state_dict()


@check("fit")
def a_run_of_pytorch_blitz_is_the_tutorials(subject: Subject) -> None:
    """Every step's loss and the last weights of `pytorch-blitz` equal those of PyTorch's tutorial, to the bit."""
    losses, weights = blitz_by_the_tutorial()
    training = watched_fit(subject, BLITZ).training
    ours = [loss for epoch in training.epochs for loss in epoch.running_loss]
    assert len(ours) == len(losses) == 12, f"the tutorial takes {len(losses)} steps, ours {len(ours)}"
    same = sum(one == other for one, other in zip(ours, losses, strict=True))
    assert ours == losses, (
        f"{same} of {len(losses)} step losses are the tutorial's: {ours[-1]:.6f}, not {losses[-1]:.6f}"
    )
    assert all(torch.equal(training.network.state_dict()[name], weights[name]) for name in weights), "other weights"
    assert all(torch.equal(training.best_weights[name], weights[name]) for name in weights), "not the last weights kept"


@check("fit")
def rmsprop_and_its_decay_are_keras(subject: Subject) -> None:
    """Each step follows Keras 2's formula, worked out in float64: a = 0.9 a + 0.1 g^2; w -= rate g / (sqrt(a) + 1e-7).

    The rate of step n, from 0, is learning_rate / (1 + decay n); a large decay is taken, so that it shows. Some
    gradients are as small as the epsilon.
    """
    recipe = RECIPES["keras-cnn"].with_changes({"learning_rate_decay": 0.5})
    weight = nn.Parameter(torch.ones(20))
    network = SimpleNamespace(parameters=lambda: [weight])
    optimizer = subject.modules["training"].make_optimizer(recipe, network)
    by_hand, average = np.ones(20), np.zeros(20)
    gradients = np.random.default_rng(0).normal(size=(6, 20)) * np.logspace(0, -7, 20)
    for step, gradient in enumerate(gradients.astype(np.float32)):
        weight.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        g = gradient.astype(np.float64)
        average = 0.9 * average + 0.1 * g**2
        change = 1e-4 / (1 + 0.5 * step) * g / (np.sqrt(average) + 1e-7)
        by_hand = by_hand - change
        worst = np.abs(weight.detach().numpy() - by_hand).max() / np.abs(change).max()
        assert worst < 0.01, f"step {step + 1} differs from the formula by {100 * worst:.2g} % of the largest change"


@check("fit")
def validation_on_the_test_images_sees_them_alone(subject: Subject) -> None:
    """A recipe validated on the test images is trained on all training images and validated on all test images."""
    drawn = numbered_images(N + 7)
    test = subject.ImageSet(drawn.images[N:], drawn.labels[N:])
    fitted = watched_fit(subject, ON_TEST, test=test)
    for epoch in (1, 2):
        seen = [number for batch in fitted.passes[f"epoch {epoch}/2 validation"] for number in batch]
        assert seen == list(range(N, N + 7)), f"epoch {epoch} is validated on images {seen}, not on the test images"
        trained = sorted(number for batch in fitted.passes[f"epoch {epoch}/2 training"] for number in batch)
        assert trained == list(range(N)), f"epoch {epoch} is trained on {len(trained)} images, not on all {N}"
    made = subject.batches(test, torch.arange(7), 5)
    expected = subject.evaluate(fitted.training.network, made)
    last = fitted.epochs[-1]
    assert (last.valid_loss, last.valid_accuracy) == (expected.loss, expected.accuracy), "not the test images' own loss"


@check("fit")
def weights_are_not_chosen_on_the_test_images(subject: Subject) -> None:
    """Validated on the test images, or on none, a run keeps its last weights, whatever the losses were."""
    for recipe in (ON_TEST, ON_TEST.with_changes({"validation": "none"})):
        fitted = fit_with_losses(subject, [1.0, 2.0, 3.0], recipe=recipe, test=numbered_images(N))
        kept = subject.weights_digest(fitted.training.best_weights)
        ends = [epoch.epoch for epoch in fitted.epochs if epoch.weights_sha256 == kept]
        assert ends == [3], f"with validation {recipe.validation} the weights kept are those after {ends}, not the last"
        assert all(epoch.saved for epoch in fitted.epochs), (
            "an epoch is not said to be saved, but its weights were kept"
        )


@check("core")
def shifts_and_flips_are_keras(subject: Subject) -> None:
    """Each pixel is that of the image moved by its own shift, linear between pixels, the edge beyond it, then flipped.

    Worked out image by image with numpy.interp, which goes along an axis in the same way.
    """
    images = numbered_images(N).images
    module = subject.modules["transforms"]
    torch.manual_seed(5)
    ours = module.shift_flip(images).numpy()
    left = torch.get_rng_state()
    torch.manual_seed(5)
    draws = torch.empty(3, N).uniform_(-1, 1).double().numpy()
    assert torch.equal(torch.get_rng_state(), left), "it draws another number of times than thrice an image"
    place = np.arange(32.0)
    assert draws[:2].min() < -0.8, "these draws must reach far to either side"
    assert draws[:2].max() > 0.8, "these draws must reach far to either side"
    for index, image in enumerate(images.numpy().astype(np.float64)):
        down, across, side = draws[:, index]
        moved = np.apply_along_axis(lambda line, by=3.2 * down: np.interp(place + by, place, line), 1, image)
        moved = np.apply_along_axis(lambda line, by=3.2 * across: np.interp(place + by, place, line), 2, moved)
        expected = moved[:, :, ::-1] if side < 0 else moved
        worst = np.abs(ours[index] - expected).max()
        assert worst < 0.01, f"image {index} differs by up to {worst:.3g} of 255 levels from itself moved and flipped"

"""The lesson's own training loop, written plainly: the reference for equality and the baseline for speed.

PIL images, torchvision transforms, DataLoader, SubsetRandomSampler, `pool(relu(conv(x)))` and one `.item()` a step, as
the lesson has them. Three things are made explicit so that it can be repeated: the four seeds; the validation images
come in the split's order (the lesson shuffles them, which changes nothing but the last bits of their mean loss); and
the loaders draw the seeds of their workers from a generator of their own, not from the one that dropout draws from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, SequentialSampler, Subset, SubsetRandomSampler
from torchvision import transforms

from cifar_repro.audits.lesson import TutorialNet
from cifar_repro.core.data import ImageSet
from cifar_repro.core.recipe import Recipe, Seeds


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """An ImageSet as torchvision's CIFAR10 offers it: one PIL image at a time, transformed."""

    def __init__(self, data: ImageSet, transform: transforms.Compose) -> None:
        self.pixels = np.ascontiguousarray(data.images.numpy().transpose(0, 2, 3, 1))  # (N, 32, 32, 3)
        self.labels = data.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def transform_of(recipe: Recipe) -> transforms.Compose:
    """The lesson's transform, or that of its solution, which augments first."""
    augment = [transforms.RandomHorizontalFlip(), transforms.RandomRotation(10)]
    return transforms.Compose(
        [
            *(augment if recipe.augmentation == "flip-rotate" else []),
            transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )


@dataclass
class Progress:
    """What the loop has done so far; `weights` are the live ones of the network."""

    weights: dict[str, torch.Tensor]
    step_losses: list[float] = field(default_factory=list)
    train_losses: list[float] = field(default_factory=list)
    valid_losses: list[float] = field(default_factory=list)
    saved: list[bool] = field(default_factory=list)


def train(data: ImageSet, recipe: Recipe, seeds: Seeds, device: str = "cpu") -> Iterator[Progress]:
    """Trains as the lesson does; yields after every optimizer step and after every epoch's validation."""
    pictures = Pictures(data, transform_of(recipe))

    indices = list(range(len(pictures)))
    np.random.RandomState(seeds.split).shuffle(indices)
    cut = int(np.floor(recipe.valid_fraction * len(pictures)))
    train_idx, valid_idx = indices[cut:], indices[:cut]

    order = torch.Generator().manual_seed(seeds.order)
    train_loader = DataLoader(
        pictures,
        batch_size=recipe.batch_size,
        sampler=SubsetRandomSampler(train_idx, generator=order),
        generator=torch.Generator(),
    )
    held_out = Subset(pictures, valid_idx)
    valid_loader = DataLoader(
        held_out, batch_size=recipe.batch_size, sampler=SequentialSampler(held_out), generator=torch.Generator()
    )

    torch.manual_seed(seeds.init)
    model = TutorialNet(recipe.dropout).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=recipe.learning_rate)

    progress = Progress(model.state_dict())
    valid_loss_min = np.inf
    torch.manual_seed(seeds.dropout)
    for _ in range(recipe.epochs):
        train_loss = valid_loss = 0.0
        model.train()
        for images, labels in train_loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * images.size(0)
            progress.step_losses.append(loss.item())
            yield progress
        model.eval()
        for images, labels in valid_loader:
            images, labels = images.to(device), labels.to(device)
            loss = criterion(model(images), labels)
            valid_loss += loss.item() * images.size(0)
        progress.train_losses.append(train_loss / len(train_idx))
        progress.valid_losses.append(valid_loss / len(valid_idx))
        progress.saved.append(progress.valid_losses[-1] <= valid_loss_min)
        if progress.saved[-1]:
            valid_loss_min = progress.valid_losses[-1]
        yield progress

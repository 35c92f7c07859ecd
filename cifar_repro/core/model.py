"""The networks of the recipes: the lesson's, and those of two other well-known tutorials."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from cifar_repro.core.recipe import Recipe


def pool_relu(x: torch.Tensor, pool: nn.MaxPool2d) -> torch.Tensor:
    """`pool(relu(x))`, bit for bit, gradients at ties included, and in `x`'s own memory format; (B, C, H, W).

    The largest of some values clipped at zero is the largest value, clipped: so the ReLU can come after the pooling,
    over a quarter of the values. On the CPU, torch pools several times faster in channels_last, and picks the same
    maxima.
    """
    contiguous = x.is_contiguous()
    if contiguous and x.device.type == "cpu":
        x = x.contiguous(memory_format=torch.channels_last)
    x = F.relu(pool(x))
    return x.contiguous() if contiguous else x


class Net(nn.Module):
    """Three convolutions, each pooled, and two linear layers: 3x32x32 -> 16x16x16 -> 32x8x8 -> 64x4x4 -> 500 -> 10.

    Takes normalised images (B, 3, 32, 32) float32 and returns logits (B, 10). The names of its parameters, their
    order and their initialisation are the lesson's, so a `state_dict` of one loads into the other.
    """

    def __init__(self, dropout: float = 0.25):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(64 * 4 * 4, 500)
        self.fc2 = nn.Linear(500, 10)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # B images, then channels, height, width
        x = pool_relu(self.conv1(x), self.pool)  # (B, 16, 16, 16)
        x = pool_relu(self.conv2(x), self.pool)  # (B, 32, 8, 8)
        x = pool_relu(self.conv3(x), self.pool)  # (B, 64, 4, 4)
        x = x.flatten(1)  # (B, 1024): channel by channel, in either memory format
        x = self.dropout(x)
        x = F.relu(self.fc1(x))  # (B, 500)
        x = self.dropout(x)
        x = self.fc2(x)  # (B, 10)
        return x

    def volume_layers(self) -> list[tuple[str, nn.Module]]:
        """(name, layer) in the order of `forward`, for `volume_walk`; the ReLUs, which change no shape, left out."""
        layers: list[tuple[str, nn.Module]] = []
        for i, conv in enumerate((self.conv1, self.conv2, self.conv3), start=1):
            layers += [(f"conv{i}", conv), (f"pool{i}", self.pool)]
        return [*layers, ("flatten", nn.Flatten()), ("fc1", self.fc1), ("fc2", self.fc2)]


class BlitzNet(nn.Module):
    """Two unpadded convolutions, each pooled, and three linear layers: 3x32x32 -> 6x14x14 -> 16x5x5 -> 120 -> 84 -> 10.

    Takes images and returns logits as `Net` does. The names of its parameters are those of PyTorch's tutorial "Training
    a Classifier", so a `state_dict` of one loads into the other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = pool_relu(self.conv1(x), self.pool)  # (B, 6, 14, 14)
        x = pool_relu(self.conv2(x), self.pool)  # (B, 16, 5, 5)
        x = x.flatten(1)  # (B, 400)
        x = F.relu(self.fc1(x))  # (B, 120)
        x = F.relu(self.fc2(x))  # (B, 84)
        logits: torch.Tensor = self.fc3(x)
        return logits

    def volume_layers(self) -> list[tuple[str, nn.Module]]:
        """As in `Net`."""
        convolutions = [("conv1", self.conv1), ("pool1", self.pool), ("conv2", self.conv2), ("pool2", self.pool)]
        return [*convolutions, ("flatten", nn.Flatten()), ("fc1", self.fc1), ("fc2", self.fc2), ("fc3", self.fc3)]


class KerasNet(nn.Module):
    """Twice a padded and an unpadded convolution, pooled, and two linear layers:

    3x32x32 -> 32x32x32 -> 32x30x30 -> 32x15x15 -> 64x15x15 -> 64x13x13 -> 64x6x6 -> 512 -> 10.

    Takes images and returns logits as `Net` does. Layers and initialisation (Glorot uniform, biases zero) are those of
    Keras' examples/cifar10_cnn.py; its Flatten puts channels last, which only names the inputs of fc1 otherwise.
    dropout: the rate after each pooling; before the last layer it is 0.5.
    """

    def __init__(self, dropout: float = 0.25):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv4 = nn.Conv2d(64, 64, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(64 * 6 * 6, 512)
        self.last_dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(512, 10)
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.xavier_uniform_(parameter)  # Glorot's other name
            else:
                nn.init.zeros_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv1(x))  # (B, 32, 32, 32)
        x = self.dropout(pool_relu(self.conv2(x), self.pool))  # (B, 32, 15, 15)
        x = F.relu(self.conv3(x))  # (B, 64, 15, 15)
        x = self.dropout(pool_relu(self.conv4(x), self.pool))  # (B, 64, 6, 6)
        x = x.flatten(1)  # (B, 2304)
        x = self.last_dropout(F.relu(self.fc1(x)))  # (B, 512)
        logits: torch.Tensor = self.fc2(x)
        return logits

    def volume_layers(self) -> list[tuple[str, nn.Module]]:
        """As in `Net`."""
        first = [("conv1", self.conv1), ("conv2", self.conv2), ("pool1", self.pool)]
        second = [("conv3", self.conv3), ("conv4", self.conv4), ("pool2", self.pool)]
        return [*first, *second, ("flatten", nn.Flatten()), ("fc1", self.fc1), ("fc2", self.fc2)]


NETWORKS: dict[str, Callable[[float], nn.Module]] = {"net": Net, "blitz": lambda dropout: BlitzNet(), "keras": KerasNet}


def build_network(recipe: Recipe) -> nn.Module:
    """The recipe's network, its initial weights drawn from the global generator."""
    return NETWORKS[recipe.network](recipe.dropout)

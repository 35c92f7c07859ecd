"""The lesson's network."""

import torch
import torch.nn.functional as F
from torch import nn


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

"""`pool_relu` is the lesson's pooling after its ReLU, in the memory format that it was given."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cifar_repro.core.model import Net, pool_relu

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@pytest.mark.parametrize("name", FORMATS)
def test_pooling_before_the_relu_is_pooling_after_it(name: str) -> None:
    """Values and gradients equal those of pool(relu(x)) to the bit, ties and negative values included."""
    drawn = torch.randint(-3, 4, (4, 5, 6, 8), generator=torch.Generator().manual_seed(0)).float()
    weights = torch.randn(4, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    pool = nn.MaxPool2d(2, 2)
    ours, theirs = (drawn.contiguous(memory_format=FORMATS[name]).requires_grad_() for _ in range(2))
    one, other = pool_relu(ours, pool), pool(F.relu(theirs))
    assert torch.equal(one, other)
    (one * weights).sum().backward()
    (other * weights).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("name", FORMATS)
def test_pooling_keeps_the_memory_format_and_works_in_the_fast_one(name: str) -> None:
    """The result lies as the input does; on the CPU, what is pooled lies in channels_last, which is faster."""
    pooled = []

    class Watched(nn.MaxPool2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            pooled.append(x)
            return super().forward(x)

    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=FORMATS[name])
    result = pool_relu(x, Watched(2))
    assert [tensor.is_contiguous(memory_format=torch.channels_last) for tensor in pooled] == [True]
    for layout in FORMATS.values():
        assert result.is_contiguous(memory_format=layout) is x.is_contiguous(memory_format=layout)


def test_off_the_cpu_the_memory_format_is_left_alone() -> None:
    """On another device nothing is copied to another memory format before the pooling."""
    pooled = []

    class Watched(nn.MaxPool2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            pooled.append(x)
            return super().forward(x)

    x = torch.zeros(2, 3, 4, 4, device="meta")
    assert pool_relu(x, Watched(2)).is_contiguous()
    assert pooled[0] is x


def test_the_dropout_that_is_given_is_the_networks() -> None:
    """`Net(p)` drops with probability p, and `Net()` with the lesson's 0.25."""
    assert (Net().dropout.p, Net(0.0).dropout.p, Net(0.5).dropout.p) == (0.25, 0.0, 0.5)

"""Check of normalisation."""

import numpy as np
import torch
from torchvision import transforms

from cifar_repro.audits.checks.kit import check
from cifar_repro.audits.subject import Subject


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

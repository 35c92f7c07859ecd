"""Check of the arithmetic of volumes."""

import torch
import torch.nn.functional as F

from cifar_repro.audits.checks.kit import check
from cifar_repro.audits.subject import Subject


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

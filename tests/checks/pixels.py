"""Checks of batches and augmentation."""

import numpy as np
import torch
from torchvision import transforms

from cifar_repro.audits.checks.kit import check, numbered_images, numbers_of
from cifar_repro.audits.subject import Subject
from tests.checks.kit import N


@check("batches")
def batches_hold_the_chosen_images_in_order(subject: Subject) -> None:
    """Batches hold all chosen images, once, in the given order, a smaller last batch included."""
    order = torch.tensor([5, 3, 8, 1, 0, 9, 7])
    found = [numbers_of(images) for images, _ in subject.batches(numbered_images(N), order, 3)]
    assert found == [[5, 3, 8], [1, 0, 9], [7]], f"asked for {order.tolist()} in threes, got {found}"


@check("batches")
def batches_give_each_image_its_own_pixels_and_label(subject: Subject) -> None:
    """An image in a batch is the stored one, normalised, planes and rows in place, and its label is its own."""
    data = numbered_images(N)  # of all ten classes
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
    images = numbered_images(N).images
    theirs = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomRotation(10)])
    torch.manual_seed(3)
    expected = [np.asarray(theirs(transforms.functional.to_pil_image(image))) for image in images]
    torch.manual_seed(3)
    ours = subject.flip_rotate(images).permute(0, 2, 3, 1).numpy()
    equal = sum(np.array_equal(one, other) for one, other in zip(ours, expected, strict=True))
    assert equal == len(images), f"only {equal} of {len(images)} augmented images equal torchvision's"

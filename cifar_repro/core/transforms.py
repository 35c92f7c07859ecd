"""Pixels of a batch: normalisation, and the augmentation of `udacity-augmented`."""

import torch


def normalize(images: torch.Tensor) -> torch.Tensor:
    """uint8 images of any shape and device to float32 in [-1, 1]: (x / 255 - 0.5) / 0.5, in the same memory format.

    Equal to the last bit to torchvision's ToTensor and Normalize(0.5, 0.5), which work on the CPU. The 255 is a tensor
    because CUDA turns the division by a Python number into a product with its reciprocal, which rounds differently.
    """
    levels = torch.tensor(255.0, device=images.device)
    return images.to(torch.float32).div_(levels).sub_(0.5).div_(0.5)


def flip_rotate(images: torch.Tensor) -> torch.Tensor:
    """RandomHorizontalFlip(), then RandomRotation(10), of uint8 images (B, 3, H, W): torchvision's draws and pixels.

    For each image torchvision draws two numbers from the global generator: `torch.rand(1)`, where below 0.5 means flip,
    and `torch.empty(1).uniform_(-10, 10)`, the angle in degrees. Both stretch the same kind of raw draw, so one call
    can make all of them: a flip is then a number below zero.
    """
    draws = torch.empty(len(images), 2).uniform_(-10, 10)
    flip, degrees = draws[:, 0] < 0, draws[:, 1].double()
    images = torch.where(flip.to(images.device)[:, None, None, None], images.flip(3), images)
    return rotate(images, degrees)


def rotate(images: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
    """Turns uint8 images (B, C, H, W) counter-clockwise about their centre by `degrees` (B,) float64; corners black.

    Nearest neighbour in Pillow's arithmetic (`Image.rotate`: an affine map in 16.16 fixed point, evaluated at pixel
    centres), so that the pixels are Pillow's.
    """
    batch, channels, height, width = images.shape
    radians = torch.deg2rad(degrees % 360).neg_()
    cos, sin = radians.cos(), radians.sin()
    # Where the centre of output pixel (0, 0) comes from, and the steps from there for each x and each y.
    left, top = 0.5 - width / 2, 0.5 - height / 2
    start_x = cos * left + sin * top + width / 2
    start_y = -sin * left + cos * top + height / 2
    fixed = torch.stack([start_x, cos, sin, start_y, -sin, cos]).mul_(65536).add_(0.5).floor_().long()
    x0, x_by_x, x_by_y, y0, y_by_x, y_by_y = fixed.to(images.device)[:, :, None, None]  # each (B, 1, 1)
    x = torch.arange(width, device=images.device)
    y = torch.arange(height, device=images.device)[:, None]
    source_x = (x0 + x_by_x * x + x_by_y * y) >> 16  # (B, H, W)
    source_y = (y0 + y_by_x * x + y_by_y * y) >> 16
    inside = (source_x >= 0) & (source_x < width) & (source_y >= 0) & (source_y < height)
    source = torch.where(inside, source_y * width + source_x, 0).view(batch, 1, -1).expand(-1, channels, -1)
    turned: torch.Tensor = images.flatten(2).gather(2, source).view_as(images) * inside[:, None]
    return turned

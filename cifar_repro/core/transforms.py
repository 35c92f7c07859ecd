"""Pixels of a batch: their range, and the augmentations."""

import torch
import torch.nn.functional as F


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 or float32 levels from 0 to 255, of any shape and device, to float32 in [0, 1], in the same memory format.

    Equal to the last bit to torchvision's ToTensor, which works on the CPU. The 255 is a tensor because CUDA turns the
    division by a Python number into a product with its reciprocal, which rounds differently; and it is filled in place
    because a number that comes from the CPU would have to be copied for each batch.
    """
    return images / torch.full((), 255.0, device=images.device)


def normalize(images: torch.Tensor) -> torch.Tensor:
    """Levels, as `to_unit` takes them, to float32 in [-1, 1]: (x / 255 - 0.5) / 0.5, in the same memory format.

    Equal to the last bit to torchvision's ToTensor and Normalize(0.5, 0.5).
    """
    return to_unit(images).sub_(0.5).div_(0.5)


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


def shift_flip(images: torch.Tensor) -> torch.Tensor:
    """Random shifts, then a random flip, of uint8 images (B, C, H, W), as Keras 2 makes them; levels as float32.

    Each image is shifted vertically and horizontally by a real number of pixels drawn evenly from plus or minus a tenth
    of its size, with linear interpolation and the edge's own value beyond the edge, and flipped left to right with
    probability 1/2. One call draws all numbers of the batch from the global generator of the images' device.

    Source: keras-preprocessing 1.x, `ImageDataGenerator.get_random_transform` with height_shift_range=0.1,
    width_shift_range=0.1, horizontal_flip=True and fill_mode="nearest", and `apply_affine_transform`, by which the
    pixel of row i and column j is the input's at (i + tx, j + ty) before the flip.
    """
    draws = torch.empty(3, len(images), device=images.device).uniform_(-1, 1)
    down, across = 0.1 * draws[0] * images.shape[2], 0.1 * draws[1] * images.shape[3]
    return shift(images, down, across, flip=draws[2] < 0)


def shift(images: torch.Tensor, down: torch.Tensor, across: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
    """Images (B, C, H, W) as float32 whose pixel (i, j) is the given one's (i + down, j + across), then flipped.

    down, across: pixels, (B,) float32; flip: (B,) bool, left to right. Linear between pixels; beyond the edge the edge.
    """
    height, width = images.shape[2:]
    affine = torch.zeros(len(images), 2, 3, device=images.device)  # from output to input, in units where -1 is the
    affine[:, 0, 0] = torch.where(flip, -1.0, 1.0)  # centre of the first pixel and 1 that of the last
    affine[:, 0, 2] = 2 * across / (width - 1)
    affine[:, 1, 1].fill_(1.0)
    affine[:, 1, 2] = 2 * down / (height - 1)
    grid = F.affine_grid(affine, list(images.shape), align_corners=True)
    return F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=True)


AUGMENTATIONS = {"none": lambda images: images, "flip-rotate": flip_rotate, "shift-flip": shift_flip}
PIXELS = {"minus-one-to-one": normalize, "unit": to_unit}

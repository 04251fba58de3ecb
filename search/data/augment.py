"""Batches for a training loop: gathered from a split, mirrored, shifted and normalised.

    images, labels = gather(data.train, indices)
    inputs = augment(images, data.mean, data.std, generator, flip=mirrored(indices, epoch, seed), shift=2)

To validate, images are only normalised: `normalise(images, data.mean, data.std)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from search.data.dataset import Split


def gather(split: Split, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Return the images uint8 (b, h, w, c) and labels int64 (b,) at `indices` (b,), from the cache or decoded now."""
    chosen = indices.numpy(force=True)
    return torch.from_numpy(split.images[chosen]), torch.from_numpy(split.labels[chosen])


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return images uint8 (b, h, w, c) as float32 (b, c, h, w) in channels_last order, (images / 255 - mean) / std.

    mean, std: the mean and the standard deviation of each channel, in 0..1.
    """
    return scaled(images, *line(mean, std, images.device))


def line(mean: Sequence[float], std: Sequence[float], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the offset and slope (c,) with which offset + slope * byte is (byte / 255 - mean) / std."""
    middle = torch.tensor(mean, dtype=torch.float32, device=device)
    spread = torch.tensor(std, dtype=torch.float32, device=device)
    return -middle / spread, 1 / (255 * spread)


def scaled(images: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    """Return `offset` + `slope` * images, (b, h, w, c) -> (b, c, h, w). `line` gives the values to normalise."""
    # The permuted tensor is a view: channels stay last in memory.
    return torch.addcmul(offset, images.float(), slope).permute(0, 3, 1, 2)


def augment(
    images: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    generator: torch.Generator,
    *,
    flip: Tensor | None = None,
    shift: int = 0,
) -> Tensor:
    """Return `images` uint8 (b, h, w, c) mirrored, shifted by random offsets, and normalised to float32 (b, c, h, w).

    flip: a mask (b,), true for the images to mirror; None mirrors none. Offsets are whole pixels in -shift..shift,
    drawn from `generator` for each image and axis. The border is filled by reflection. mean, std: as in `normalise`.
    Raises ValueError unless 0 <= shift < h and shift < w.
    """
    count, height, width, _ = images.shape
    if not 0 <= shift < min(height, width):
        raise ValueError(f"shift={shift} is outside of 0 to {min(height, width) - 1} (image size - 1).")
    offsets = torch.zeros(2, count, dtype=torch.int64)
    if shift:
        offsets = torch.randint(-shift, shift + 1, (2, count), generator=generator, device=generator.device)
    flip = flip if flip is None else flip.to(images.device)
    return normalise(moved(images, offsets.to(images.device), flip), mean, std)


def moved(images: Tensor, offsets: Tensor, flip: Tensor | None) -> Tensor:
    """Return uint8 images (b, h, w, c) mirrored where `flip` (b,) is true, then moved.

    offsets: the pixels (2, b) by which each image moves up and left; negative: down and right. Their absolute values
    are below the height and the width. The border is filled with the image's reflection. All tensors are on one
    device, and the function does not wait for it.
    """
    count, height, width, channels = images.shape
    down, right = offsets.unsqueeze(2)
    rows = _reflected(torch.arange(height, device=images.device) + down, height)
    columns = _reflected(torch.arange(width, device=images.device) + right, width)
    if flip is not None:
        columns = torch.where(flip.unsqueeze(1), width - 1 - columns, columns)
    first = torch.arange(count, device=images.device).unsqueeze(1) * height
    pixels = (first + rows).unsqueeze(2) * width + columns.unsqueeze(1)
    return images.reshape(-1, channels).index_select(0, pixels.flatten()).view(images.shape)


def mirrored(indices: Tensor, epoch: int, seed: int) -> Tensor:
    """Return a mask (b,) of the images to mirror: a random half in even epochs, the other half in odd ones.

    Two successive epochs show every image both ways. Independent coin flips would show half of the images the same
    way twice (alternating flip, Jordan 2024, arXiv:2404.00498).
    """
    # A multiplicative hash. int64 wraps around; the middle bits are the well-mixed ones.
    mixed = (indices.to(torch.int64) + 1) * -7046029254386353131 + seed * 2654435769 % 2**62
    mixed = (mixed ^ (mixed >> 29)) * -4658895280553007687
    return ((mixed >> 40) + epoch) % 2 == 1


def _reflected(positions: Tensor, size: int) -> Tensor:
    """Reflect positions in -size < position < 2 size - 1 at the edges into 0..size - 1."""
    return (size - 1) - ((size - 1) - positions.abs()).abs()

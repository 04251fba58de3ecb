"""The transformations of training batches.

torchvision's transforms take a second to import, so they are imported only for recipes that use them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from search.data.augment import augment
from search.training.recipe import Recipe, Stage
from search.training.rng import derive_seed, seeded


@dataclass(frozen=True, slots=True)
class Augmentation:
    """The transformation of the batches of a stage. mean, std: the arguments of `search.data.augment.normalise`."""

    recipe: Recipe
    stage: Stage
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(
        self, images: Tensor, labels: Tensor, flip: Tensor | None, seed: int
    ) -> tuple[Tensor, Tensor]:
        """Return normalised images (b, c, h, w) and their targets (b, classes), the share of each class in an image.

        images: uint8 (b, height, width, c). labels: (b,). flip: a mask (b,) of the images to mirror; None: no image
        is mirrored. All random draws depend on `seed` alone.
        """
        with seeded(seed, "augmentation"):
            if self.recipe.crop == "resized":
                images = _crop(images, self.stage.resolution, self.recipe.crop_area)
            if self.stage.randaugment:
                images = _randaugment(images, self.stage.randaugment, self.recipe.randaugment_shared)
            inputs = augment(
                images,
                self.mean,
                self.std,
                torch.Generator().manual_seed(derive_seed(seed, "shift")),
                flip=flip,
                shift=self._shift,
            )
            return _mix(inputs, labels, self.stage, self.classes)

    @property
    def _shift(self) -> int:
        """The largest shift in pixels; 0 unless the recipe crops by shifts."""
        return int(self.recipe.shift * self.stage.resolution) if self.recipe.crop == "shift" else 0


def _crop(images: Tensor, resolution: int, min_area: float) -> Tensor:
    """Return a random part of each image (b, h, w, c), resized to (b, resolution, resolution, c)."""
    from torchvision.transforms import v2

    crop = v2.RandomResizedCrop(resolution, scale=(min_area, 1.0), antialias=True)
    return torch.stack([crop(image) for image in images.permute(0, 3, 1, 2)]).permute(0, 2, 3, 1)


def _randaugment(images: Tensor, magnitude: int, shared: int) -> Tensor:
    """Apply two random operations to images (b, h, w, c). Every group of `shared` images gets the same ones."""
    from torchvision.transforms import v2

    operate = v2.RandAugment(magnitude=magnitude)
    parts = images.permute(0, 3, 1, 2).contiguous().split(shared)
    if images.shape[3] in (1, 3):
        return torch.cat([operate(part) for part in parts]).permute(0, 2, 3, 1)
    # torchvision knows only grey and colour images. So channels become grey images of one batch, which all get the
    # same operations.
    operated = [operate(part.flatten(0, 1).unsqueeze(1)).view_as(part) for part in parts]
    return torch.cat(operated).permute(0, 2, 3, 1)


def _mix(inputs: Tensor, labels: Tensor, stage: Stage, classes: int) -> tuple[Tensor, Tensor]:
    """Apply mixup to the first half of a batch and CutMix to the second; if only one is used, to the whole batch.

    Returns images and their targets (b, classes), which are one-hot if neither is used.
    """
    kinds = [(kind, alpha) for kind, alpha in (("MixUp", stage.mixup), ("CutMix", stage.cutmix)) if alpha]
    if not kinds:
        return inputs, one_hot(labels, classes).float()
    from torchvision.transforms import v2

    halves = zip(kinds, inputs.tensor_split(len(kinds)), labels.tensor_split(len(kinds)), strict=True)
    mixed = [
        getattr(v2, kind)(alpha=alpha, num_classes=classes)(part, own) for (kind, alpha), part, own in halves
    ]
    images, shares = (torch.cat(tensors) for tensors in zip(*mixed, strict=True))
    return images.contiguous(memory_format=torch.channels_last), shares

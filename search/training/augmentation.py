"""What is done to a batch of images before a network sees it in training.

torchvision's transforms take a second to import, which recipes without them are spared.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from search.data.augment import augment
from search.training.recipe import Recipe, Stage
from search.training.rng import draw, drawing


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How the batches of a stage are made. mean, std: as for `search.data.augment.normalise`."""

    recipe: Recipe
    stage: Stage
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(
        self, images: Tensor, labels: Tensor, flip: Tensor | None, seed: int
    ) -> tuple[Tensor, Tensor]:
        """What is trained on: images (b, c, h, w), normalised, and the shares of the classes in each (b, classes).

        images: uint8 (b, height, width, c). labels: (b,). flip: which are mirrored (b,). Draws depend on `seed`
        alone.
        """
        with drawing(seed, "augmentation"):
            if self.recipe.crop == "resized":
                images = _cropped(images, self.stage.resolution, self.recipe.crop_area)
            if self.stage.randaugment:
                images = _randaugmented(images, self.stage.randaugment, self.recipe.randaugment_shared)
            inputs = augment(
                images,
                self.mean,
                self.std,
                torch.Generator().manual_seed(draw(seed, "shift")),
                flip=flip,
                shift=self._shift,
            )
            return _mixed(inputs, labels, self.stage, self.classes)

    @property
    def _shift(self) -> int:
        """In pixels."""
        return int(self.recipe.shift * self.stage.resolution) if self.recipe.crop == "shift" else 0


def _cropped(images: Tensor, resolution: int, least: float) -> Tensor:
    """A random part of each image, as (b, resolution, resolution, c)."""
    from torchvision.transforms import v2

    crop = v2.RandomResizedCrop(resolution, scale=(least, 1.0), antialias=True)
    return torch.stack([crop(image) for image in images.permute(0, 3, 1, 2)]).permute(0, 2, 3, 1)


def _randaugmented(images: Tensor, magnitude: int, shared: int) -> Tensor:
    """Two random operations for every `shared` images together."""
    from torchvision.transforms import v2

    operate = v2.RandAugment(magnitude=magnitude)
    parts = [operate(part) for part in images.permute(0, 3, 1, 2).contiguous().split(shared)]
    return torch.cat(parts).permute(0, 2, 3, 1)


def _mixed(inputs: Tensor, labels: Tensor, stage: Stage, classes: int) -> tuple[Tensor, Tensor]:
    """Mixup on the first half of a batch and CutMix on the other, or one of them on all of it."""
    kinds = [(kind, alpha) for kind, alpha in (("MixUp", stage.mixup), ("CutMix", stage.cutmix)) if alpha]
    if not kinds:
        return inputs, one_hot(labels, classes).float()
    from torchvision.transforms import v2

    pairs = zip(kinds, inputs.tensor_split(len(kinds)), labels.tensor_split(len(kinds)), strict=True)
    mixed = [
        getattr(v2, kind)(alpha=alpha, num_classes=classes)(part, own) for (kind, alpha), part, own in pairs
    ]
    found = torch.cat([part for part, _ in mixed]), torch.cat([shares for _, shares in mixed])
    return found[0].contiguous(memory_format=torch.channels_last), found[1]

"""The row of a published network in the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from space.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Published:
    """A published network at its resolution in evaluation, for ImageNet's 1000 classes unless `note` says otherwise.

    depth, width: the coefficients by which a base network was scaled to this one (0 if there is none).
    train_resolution: the side of the training images in pixels; the resolution in evaluation if no other was
    published. dropout: the dropout rate before the classifier. source: the publication and the code that the row
    follows. family: the family, as in `scale --published --family mobilenet`. note: differences between published
    figures, published code and the row.
    """

    name: str
    architecture: Architecture
    depth: float
    width: float
    train_resolution: int
    dropout: float
    source: str
    family: str = "efficientnet"
    note: str = ""

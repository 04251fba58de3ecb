"""What is known of a published network."""

from __future__ import annotations

from dataclasses import dataclass

from space.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Published:
    """A published network: `architecture` at the resolution it is evaluated at, for ImageNet's 1000 classes
    unless the note says otherwise.

    depth, width: its coefficients relative to its base, where it was derived from one (else 0).
    train_resolution: pixels, the same as at evaluation unless published otherwise.
    dropout: rate before the classifier. source: where the row comes from. family: what it is listed under.
    note: where a published figure differs from what the code builds, or the row from the publication.
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

"""The report on a source for `search show data=...`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.data.cache import Manifest
from search.data.dataset import Progress, Split, cache_entry, opened
from search.data.source import Labels, Source

_PARTS = ("train", "validation", "test")
_UNEVEN = 3
"""The ratio between the largest and the smallest class above which classes are called imbalanced."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A source as a search will see it. Of the test split, only the labels are read, not the images."""

    source: Source
    manifest: Manifest
    splits: dict[str, Split]
    """The splits by name: train, validation, test."""
    place: Path
    """The folder of the source's cache entry."""

    @property
    def counts(self) -> dict[str, list[int]]:
        """The number of images of each class in each split."""
        classes = len(self.manifest.classes)
        return {part: class_sizes(split.labels, classes) for part, split in self.splits.items()}

    @property
    def bytes(self) -> int:
        """The size of the cache entry on the disk, in bytes."""
        return sum(file.stat().st_size for file in self.place.iterdir())


def report(source: Source, resolution: int, progress: Progress | None = None) -> Report:
    """Return the report on a source, decoded into the cache if necessary. Raises `UserError` as `load` does."""
    manifest, splits = opened(source, resolution, _PARTS, progress)
    return Report(source, manifest, splits, cache_entry(source, resolution))


def class_sizes(labels: Labels, classes: int) -> list[int]:
    """Return the number of images of each class among `labels` (n,)."""
    sizes: list[int] = np.bincount(labels, minlength=classes).tolist()
    return sizes


def imbalance(classes: tuple[str, ...], labels: Labels) -> str:
    """Return a remark about classes of very different sizes among training `labels` (n,); "" if they are similar."""
    sizes = class_sizes(labels, len(classes))
    largest, smallest = max(sizes), min(sizes)
    if largest <= _UNEVEN * smallest:
        return ""
    large, small = classes[sizes.index(largest)], classes[sizes.index(smallest)]
    return (
        f"class {large!r} has {largest / smallest:.3g} times as many training images as {small!r}"
        f" ({largest:,} and {smallest:,})"
    )


def lines(of: Report) -> Iterator[str]:
    """Yield the report as lines of text, without the table of classes."""
    source, manifest = of.source, of.manifest
    path = getattr(source, "path", None)
    yield f"data {source.source}{f', {path}' if path else ''}"
    numbers = ", ".join(f"{len(split):,} {part}" for part, split in of.splits.items())
    yield f"{len(manifest.classes)} classes; images: {numbers}"
    kind = {1: "1 (grey)", 3: "3 (colour)"}.get(manifest.channels, str(manifest.channels))
    size = f"{manifest.resolution} x {manifest.resolution}"
    yield f"channels {kind}; {_sizes(manifest)}{size} to train on; mirrored: {'yes' if source.flip else 'no'}"
    mean, std = (", ".join(f"{value:.3f}" for value in values) for values in (manifest.mean, manifest.std))
    yield f"mean {mean}; standard deviation {std} (training images, black 0 to white 1)"
    uneven = imbalance(manifest.classes, of.splits["train"].labels)
    balance = f"data.balance={source.balance}" if source.balance else "data.balance is not set"
    yield f"imbalance: {uneven or 'no class has over 3 times the images of another'}; {balance}"
    yield from manifest.remarks
    if manifest.skipped:
        yield "not decodable, left out: " + "; ".join(manifest.skipped)
    contents = "labels and statistics; images are streamed" if manifest.streamed else "decoded"
    yield f"cache: {of.place}, {of.bytes:,} bytes ({contents})"


def _sizes(manifest: Manifest) -> str:
    """Return words on the sizes of the stored images, such as "images 20 high, 30 wide, resized to "."""
    if manifest.heights is None or manifest.widths is None:
        return "drawn at "
    height, width = (
        str(low) if low == high else f"{low} to {high}" for low, high in (manifest.heights, manifest.widths)
    )
    return f"images {height} high, {width} wide, resized to "

"""What was found in a source, for whoever wants to see it before a search: `search show data=...`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.data.cache import Manifest
from search.data.dataset import Progress, Split, opened, place
from search.data.source import Labels, Source

_PARTS = ("train", "validation", "test")
_UNEVEN = 3
"""Times as many images as the smallest class that the largest may have before it is worth a word."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A source as a search will see it. Of the test split nothing but the labels is looked at."""

    source: Source
    manifest: Manifest
    splits: dict[str, Split]
    """By name: train, validation, test."""
    place: Path
    """The folder of its cache."""

    @property
    def counts(self) -> dict[str, list[int]]:
        """Images of each class in each split."""
        classes = len(self.manifest.classes)
        return {part: counted(split.labels, classes) for part, split in self.splits.items()}

    @property
    def bytes(self) -> int:
        """That the cache takes on the disk."""
        return sum(file.stat().st_size for file in self.place.iterdir())


def report(source: Source, resolution: int, progress: Progress | None = None) -> Report:
    """The report on a source, which is decoded into the cache if it is not there. Raises `UserError` as `load`."""
    manifest, splits = opened(source, resolution, _PARTS, progress)
    return Report(source, manifest, splits, place(source, resolution))


def counted(labels: Labels, classes: int) -> list[int]:
    """Images of each class."""
    found: list[int] = np.bincount(labels, minlength=classes).tolist()
    return found


def imbalance(classes: tuple[str, ...], labels: Labels) -> str:
    """What to say about classes of very different sizes among training `labels` (n,); "" if they are not."""
    counts = counted(labels, len(classes))
    most, least = max(counts), min(counts)
    if most <= _UNEVEN * least:
        return ""
    large, small = classes[counts.index(most)], classes[counts.index(least)]
    return (
        f"class {large!r} has {most / least:.3g} times as many training images as {small!r}"
        f" ({most:,} and {least:,})"
    )


def lines(found: Report) -> Iterator[str]:
    """The report in words, without the table of classes."""
    source, manifest = found.source, found.manifest
    path = getattr(source, "path", None)
    yield f"data {source.source}{f', {path}' if path else ''}"
    numbers = ", ".join(f"{len(split):,} {part}" for part, split in found.splits.items())
    yield f"{len(manifest.classes)} classes; images: {numbers}"
    kind = {1: "1 (grey)", 3: "3 (colour)"}.get(manifest.channels, str(manifest.channels))
    size = f"{manifest.resolution} x {manifest.resolution}"
    yield f"channels {kind}; {_sizes(manifest)}{size} to train on; mirrored: {'yes' if source.flip else 'no'}"
    mean, std = (", ".join(f"{value:.3f}" for value in values) for values in (manifest.mean, manifest.std))
    yield f"mean {mean}; standard deviation {std} (training images, black 0 to white 1)"
    uneven = imbalance(manifest.classes, found.splits["train"].labels)
    balance = f"data.balance={source.balance}" if source.balance else "not balanced"
    yield f"imbalance: {uneven or 'no class has over 3 times the images of another'}; {balance}"
    skipped = manifest.skipped
    yield "skipped: " + ("; ".join(skipped) or "none")
    kept = "labels and statistics; images are streamed" if manifest.streamed else "decoded"
    yield f"cache: {found.place}, {found.bytes:,} bytes ({kept})"


def _sizes(manifest: Manifest) -> str:
    """The heights and widths that were found."""
    if manifest.heights is None or manifest.widths is None:
        return "drawn at "
    height, width = (
        str(least) if least == most else f"{least} to {most}"
        for least, most in (manifest.heights, manifest.widths)
    )
    return f"images {height} high, {width} wide, resized to "

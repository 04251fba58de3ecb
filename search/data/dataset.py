"""The loading of a source: `load` returns the training and validation splits, `load_test` the test split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search.data import cache
from search.data.arrays import in_channels
from search.data.cache import Manifest, Writer
from search.data.cifar import Cifar10, Cifar100
from search.data.digits import Digits
from search.data.folder import Folder
from search.data.idx import FashionMnist, Mnist
from search.data.npz import Npz
from search.data.shapes import Shapes
from search.data.source import Contents, Images, Labels, Source, require
from search.data.splits import held_out, interleaved
from search.data.stream import Streamed
from search.settings.extensions import ENTRY_POINTS
from search.settings.validation import of_kind
from space.extension_points import Registry
from space.refusal import UserError

Progress = Callable[[int, int], None]
"""A function that is called with the number of images processed so far and the number of all images."""
_BATCH = 256
"""The number of images that are decoded at a time. They occupy all cores, and take tens of megabytes at 224 px."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The images of a split in a random order. Every prefix is stratified, so that a cheap training may use one."""

    images: Images | Streamed
    """The images (n, resolution, resolution, channels), memory-mapped or decoded when indexed; read-only."""
    labels: Labels
    """The labels (n,), read-only."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The part of a source that training and selection may use: everything but the test split."""

    name: str
    classes: tuple[str, ...]
    channels: int
    resolution: int
    train: Split
    validation: Split
    mean: tuple[float, ...]
    """The mean of the training images per channel in 0..1, for torchvision's `Normalize`."""
    std: tuple[float, ...]
    flip: bool
    skipped: tuple[str, ...]
    """The images that could not be decoded, with the reason."""
    digest: str
    """A hash of the classes, the resolution, the pixels and labels of all splits, `balance`, and `flip` where it is
    not the source's default. It does not depend on where the files lie."""
    balance: Literal["sample", "loss"] | None = None
    """The treatment of classes of different sizes, see `search.data.source.Source`."""
    remarks: tuple[str, ...] = ()
    """Messages for the user about the way the data were read, and about signs of faults in them."""
    whole: bool = False
    """True if the images are not square and were squeezed to squares as a whole."""

    def effective_images(self, most: int | None = None) -> float:
        """Return n such that an accuracy p has the variance p(1 - p)/n over the random choice of validation images.

        Without `balance`, n is the number of images. With it, the accuracy is the mean over K classes of n_c images
        each, and n is K^2 / sum(1/n_c), so that small classes reduce it. This is exact if all classes have the same
        accuracy. most: the number of images used, from the first on; None: all images.
        """
        labels = self.validation.labels[:most]
        if self.balance is None:
            return len(labels)
        counts = np.bincount(labels)
        return float(np.count_nonzero(counts) ** 2 / np.sum(1 / counts[counts > 0]))


def source_from(settings: Mapping[str, object]) -> Source:
    """Return the source that a mapping such as {"source": "npz", "path": ...} describes.

    Raises `UserError` for an unknown source or option, and for an invalid value.
    """
    source: Source = of_kind("data", "source", DATASETS, settings)
    return source


def words(source: Source) -> tuple[str, ...]:
    """Return the words of the command line that select a source: ("data=npz", "data.path=/photos.npz").

    Settings with default values are left out.
    """
    own = source.model_dump(mode="json", exclude={"source"}, exclude_defaults=True)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in own.items()}
    return (f"data={source.source}", *(f"data.{key}={text}" for key, text in texts.items()))


def load(source: Source, resolution: int, progress: Progress | None = None) -> Dataset:
    """Return the data at `resolution` pixels a side.

    The first call for a source and a resolution decodes all images. Later calls only read the cache, until the data
    change. Streamed images are decoded again at every use. Several processes may call `load` at the same time; one
    decodes, the others wait. progress: is called while images are decoded, see `Progress`. Raises `UserError` for
    unusable data, and for a cache that cannot be written.
    """
    manifest, parts = opened(source, resolution, ("train", "validation"), progress)
    digest = manifest.digest
    usual = type(source).model_fields["flip"].default
    for choice in (source.balance, None if source.flip == usual else f"flip={source.flip}"):
        if choice:
            digest = hashlib.sha256(f"{digest} {choice}".encode()).hexdigest()
    return Dataset(
        name=source.source,
        classes=manifest.classes,
        channels=manifest.channels,
        resolution=resolution,
        train=parts["train"],
        validation=parts["validation"],
        mean=manifest.mean,
        std=manifest.std,
        flip=source.flip,
        skipped=manifest.skipped,
        digest=digest,
        balance=source.balance,
        remarks=manifest.remarks,
        whole=source.whole and manifest.heights != manifest.widths,
    )


def load_test(source: Source, resolution: int, progress: Progress | None = None) -> Split:
    """Return the test split at `resolution` pixels a side, for networks that are already selected.

    Otherwise like `load`.
    """
    return opened(source, resolution, ("test",), progress)[1]["test"]


def opened(
    source: Source, resolution: int, parts: tuple[str, ...], progress: Progress | None = None
) -> tuple[Manifest, dict[str, Split]]:
    """Return the manifest and the splits `parts` of the source's cache entry, which is written if needed.

    Raises the errors of `load`.
    """
    state = source.state()
    entry = cache_entry(source, resolution)
    with cache.locked(entry):
        manifest = cache.intact(entry, state)
        if manifest is None:
            _build(entry, source, resolution, state, progress or (lambda done, total: None))
            manifest = cache.intact(entry, state)
        if manifest is None:
            raise UserError(
                f"The cache entry {str(entry)!r} was changed by another process while it was written. Perhaps its"
                " disk does not support locks; name another folder: data.cache=..."
            )
        return manifest, _splits(entry, manifest, source, parts)


def _splits(entry: Path, manifest: Manifest, source: Source, parts: tuple[str, ...]) -> dict[str, Split]:
    """Return the splits `parts` of a complete cache entry."""
    if not manifest.streamed:
        return {part: Split(cache.mapped(entry, manifest, part), cache.labels(entry, part)) for part in parts}
    decode = contents_of(source).decode
    return {
        part: Split(
            Streamed(manifest.shape(part), cache.places(entry, part), decode), cache.labels(entry, part)
        )
        for part in parts
    }


def cache_entry(source: Source, resolution: int) -> Path:
    """Return the folder of the source's cache entry.

    Its name depends on the resolution and on the source's options, except `cache`, `flip` and `balance`.
    """
    options = source.model_dump_json(exclude={"cache", "flip", "balance"})
    key = hashlib.sha256(f"{options} {resolution}".encode()).hexdigest()[:16]
    return (source.cache or cache.default_folder()) / f"{source.source}-{resolution}px-{key}"


def contents_of(source: Source) -> Contents:
    """Return the contents of the source with as many channels as `load` gives, without decoding images.

    Raises `UserError` for unusable data.
    """
    return in_channels(source.open(), source.channels)


def _build(entry: Path, source: Source, resolution: int, state: str, progress: Progress) -> None:
    """Decode all images of the source into its cache entry. If they are streamed, no pixels are stored."""
    contents = contents_of(source)
    parts = _parts(contents, source)
    numbers, pixels = 16 * len(contents.labels), len(contents.labels) * resolution**2 * contents.channels
    streamed = source.streams(numbers + pixels, cache.free(entry))
    with cache.replacing(entry, numbers if streamed else numbers + pixels) as draft:
        writer = Writer(draft, contents.channels, streamed=streamed)
        valid, corrupt = _fill(writer, contents, parts, resolution, progress)
        if corrupt and not contents.skip_corrupt:
            raise _too_corrupt(corrupt, len(valid))
        for part, indices in parts.items():
            _complete(contents, part, indices, valid[indices])
        remarks = (*contents.remarks, *writer.statistics.remarks(contents.describe))
        writer.finish(state, contents.classes, resolution, tuple(corrupt), remarks)


def _fill(
    writer: Writer,
    contents: Contents,
    parts: dict[str, NDArray[np.int64]],
    resolution: int,
    progress: Progress,
) -> tuple[NDArray[np.bool_], list[str]]:
    """Decode every part in batches. Return a mask (n,) of the decoded images, and the names of the others."""
    valid = np.zeros(len(contents.labels), dtype=bool)
    corrupt: list[str] = []
    done = 0
    for part, indices in parts.items():
        for start in range(0, len(indices), _BATCH):
            chosen = indices[start : start + _BATCH]
            decoded = contents.decode(chosen, resolution)
            valid[chosen] = decoded.valid
            corrupt += decoded.corrupt
            writer.append(part, decoded, chosen, contents.labels[chosen])
            progress(done := done + len(chosen), len(valid))
    return valid, corrupt


def _complete(contents: Contents, part: str, indices: NDArray[np.int64], valid: NDArray[np.bool_]) -> None:
    """Raise `UserError` if all images of a class in a part are corrupt.

    indices: the images (k,) of the part. valid: a mask (k,) of those that could be decoded.
    """
    labels = contents.labels[indices]
    for lost in np.setdiff1d(labels, labels[valid])[:1]:
        raise UserError(f"All images of class {contents.classes[lost]!r} in the {part} split are corrupt.")


def _parts(contents: Contents, source: Source) -> dict[str, NDArray[np.int64]]:
    """Return the indices of the images of each split by its name, in the order in which they are stored."""
    others = np.flatnonzero(~contents.test)
    labels = contents.labels[others]
    require(contents.classes, labels, 2, "one to train and one to select")
    given = contents.validation
    held = held_out(labels, source.validation, source.seed) if given is None else given[others]
    for lost in np.setdiff1d(labels, labels[~held])[:1]:
        raise UserError(
            f"Class {contents.classes[lost]!r} has {np.count_nonzero(labels == lost)} validation images, and none to"
            " train."
        )
    parts = {"train": others[~held], "validation": others[held], "test": np.flatnonzero(contents.test)}
    return {
        part: indices[interleaved(contents.labels[indices], source.seed)] for part, indices in parts.items()
    }


def _too_corrupt(corrupt: list[str], total: int) -> UserError:
    more = f" and {len(corrupt) - 3} more" if len(corrupt) > 3 else ""
    return UserError(
        f"Cannot decode {len(corrupt)} of {total:,} images: {'; '.join(corrupt[:3])}{more}. "
        "Mend or remove them, or leave them out: data.corrupt=skip."
    )


DATASETS: Registry[type[Source]] = Registry(
    ENTRY_POINTS["data"],
    {
        "shapes": Shapes,
        "npz": Npz,
        "folder": Folder,
        "cifar10": Cifar10,
        "cifar100": Cifar100,
        "fashion_mnist": FashionMnist,
        "mnist": Mnist,
        "digits": Digits,
    },
)
"""The kinds of data by the name that `data=` takes. Other packages add theirs by an entry point."""

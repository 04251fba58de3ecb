"""From a source to arrays: `load` for training and selection, `load_test` for the one figure at the end."""

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
from space.refusal import UserError
from space.registry import Registry

Progress = Callable[[int, int], None]
"""Is told how many images of how many are decoded."""
_BATCH = 256
"""Images that are decoded at a time: work for all cores, tens of megabytes at 224 px."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images in a random order whose every beginning is stratified: cheap training may take a prefix."""

    images: Images | Streamed
    """(n, resolution, resolution, channels), memory-mapped or decoded when indexed; read-only."""
    labels: Labels
    """(n,), read-only."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """All that training and selection may see of a source; the test split is not among it."""

    name: str
    classes: tuple[str, ...]
    channels: int
    resolution: int
    train: Split
    validation: Split
    mean: tuple[float, ...]
    """Of the training images, per channel, in 0..1, as torchvision's `Normalize` takes it."""
    std: tuple[float, ...]
    flip: bool
    skipped: tuple[str, ...]
    """Images that could not be decoded, with the reason."""
    digest: str
    """Of all pixels and labels of all splits, and of `balance`: equal for two studies that learn and select by the
    same data in the same way, wherever it lies and however it is kept."""
    balance: Literal["sample", "loss"] | None = None
    """See `search.data.source.Source`."""


def source_from(settings: Mapping[str, object]) -> Source:
    """The source that a mapping such as {"source": "npz", "path": ...} describes.

    Raises `UserError` for an unknown source, or for options that it does not have.
    """
    source: Source = of_kind("data", "source", DATASETS, settings)
    return source


def words(source: Source) -> tuple[str, ...]:
    """The settings that say `source` on the command line: ("data=npz", "data.path=/photos.npz")."""
    own = source.model_dump(mode="json", exclude={"source"}, exclude_defaults=True)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in own.items()}
    return (f"data={source.source}", *(f"data.{key}={text}" for key, text in texts.items()))


def load(source: Source, resolution: int, progress: Progress | None = None) -> Dataset:
    """The data at `resolution` pixels a side. Decodes on the first call, only maps files on later ones.

    Any number of processes may call it at once; one decodes, the others wait. Raises `UserError` for data that
    cannot be used and for a cache that cannot be written.
    """
    manifest, parts = opened(source, resolution, ("train", "validation"), progress)
    digest = manifest.digest
    if source.balance:
        digest = hashlib.sha256(f"{digest} {source.balance}".encode()).hexdigest()
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
    )


def load_test(source: Source, resolution: int, progress: Progress | None = None) -> Split:
    """The test split, for the report on networks that are already selected. Otherwise like `load`."""
    return opened(source, resolution, ("test",), progress)[1]["test"]


def opened(
    source: Source, resolution: int, parts: tuple[str, ...], progress: Progress | None = None
) -> tuple[Manifest, dict[str, Split]]:
    """The manifest and the named parts of the source's entry, which is made if missing or out of date."""
    state = source.state()
    entry = place(source, resolution)
    with cache.locked(entry):
        manifest = cache.intact(entry, state)
        if manifest is None:
            _build(entry, source, resolution, state, progress or (lambda done, total: None))
            manifest = cache.intact(entry, state)
        if manifest is None:
            raise UserError(f"{str(entry)!r} was changed while it was written. Does its disk know locks?")
        return manifest, _splits(entry, manifest, source, parts)


def _splits(entry: Path, manifest: Manifest, source: Source, parts: tuple[str, ...]) -> dict[str, Split]:
    """The named parts of an entry that is whole."""
    if not manifest.streamed:
        return {part: Split(cache.mapped(entry, manifest, part), cache.labels(entry, part)) for part in parts}
    decode = _contents(source).decode
    return {
        part: Split(
            Streamed(manifest.shape(part), cache.places(entry, part), decode), cache.labels(entry, part)
        )
        for part in parts
    }


def place(source: Source, resolution: int) -> Path:
    """The folder of the source's entry: one for each split and resolution, filled anew when files change."""
    options = source.model_dump_json(exclude={"cache", "flip", "balance"})
    key = hashlib.sha256(f"{options} {resolution}".encode()).hexdigest()[:16]
    return (source.cache or cache.default_folder()) / f"{source.source}-{resolution}px-{key}"


def _contents(source: Source) -> Contents:
    return in_channels(source.open(), source.channels)


def _build(entry: Path, source: Source, resolution: int, state: str, progress: Progress) -> None:
    """Decodes everything the source has into its entry, or only looks at it if it is to be streamed."""
    contents = _contents(source)
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
        writer.finish(state, contents.classes, resolution, tuple(corrupt))


def _fill(
    writer: Writer,
    contents: Contents,
    parts: dict[str, NDArray[np.int64]],
    resolution: int,
    progress: Progress,
) -> tuple[NDArray[np.bool_], list[str]]:
    """Decodes every part, batch by batch; which images (n,) came out, and the names of the others."""
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
    """Raises `UserError` if a class has lost all its images (k,) of a part."""
    labels = contents.labels[indices]
    for lost in np.setdiff1d(labels, labels[valid])[:1]:
        raise UserError(f"Class {contents.classes[lost]!r} has corrupt images only in the {part} split.")


def _parts(contents: Contents, source: Source) -> dict[str, NDArray[np.int64]]:
    """The indices of the images of each part, in the order in which they are kept."""
    others = np.flatnonzero(~contents.test)
    labels = contents.labels[others]
    require(contents.classes, labels, 2, "one to train and one to select")
    given = contents.validation
    held = held_out(labels, source.validation, source.seed) if given is None else given[others]
    parts = {"train": others[~held], "validation": others[held], "test": np.flatnonzero(contents.test)}
    return {part: of[interleaved(contents.labels[of], source.seed)] for part, of in parts.items()}


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
"""The kinds of data. To add one: a `Source`, a line here, and its case in the tests of the contract."""

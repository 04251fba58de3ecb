"""The cache of decoded images. An entry is a folder for one source with its options, at one resolution.
Its parts are the splits: train, validation, test.

All processes memory-map the pixels of an entry. The entry of a streamed source has no pixels, only labels,
statistics, and a digest of the decoded images.

An entry is written to a temporary folder and then renamed, so it is complete or absent. A process that opens or
writes an entry holds its lock, which is released at the latest when the process ends. While nothing runs, the whole
cache may be deleted; the next run writes it again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from search.data.pixels import PixelStatistics
from search.data.source import Decoded, Images, Labels
from space.refusal import UserError

FORMAT = 3
"""The version of the file layout and of the image processing. It rises when either changes."""
_MANIFEST = "manifest.json"
_ELSEWHERE = "Name another folder: data.cache=..."


class Manifest(BaseModel):
    """The description of a cache entry. Its file is written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    state: str
    """The value of `Source.state()` when the source was read."""
    classes: tuple[str, ...]
    channels: int
    resolution: int
    counts: dict[str, int]
    """The number of images of each part: train, validation, test."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    skipped: tuple[str, ...]
    remarks: tuple[str, ...]
    """Messages for the user about the way the data were read, and about signs of faults in them."""
    digest: str
    """A hash of the classes, the resolution, and the pixels and labels of all parts."""
    streamed: bool
    """True if images are streamed, so that the entry has no pixels."""
    heights: tuple[int, int] | None
    widths: tuple[int, int] | None
    """The smallest and the largest size in pixels before resizing; None if images are rendered at any size."""

    def shape(self, part: str) -> tuple[int, int, int, int]:
        """Return the shape (n, resolution, resolution, channels) of the images of a part."""
        return self.counts[part], self.resolution, self.resolution, self.channels


def default_folder() -> Path:
    """Return the folder that holds all entries if the user names no other."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compound-nas"


@contextmanager
def locked(entry: Path) -> Iterator[None]:
    """Wait for the exclusive lock of an entry, and hold it during the block.

    Raises `UserError` if the folder of the cache cannot be written.
    """
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        lock = open(f"{entry}.lock", "w")  # noqa: SIM115 - closed below, which unlocks
    except OSError as error:
        raise UserError(
            f"Cannot write to the cache {str(entry.parent)!r} ({error.strerror}). {_ELSEWHERE}"
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def intact(entry: Path, state: str) -> Manifest | None:
    """Return the manifest of an entry that is complete and was written at this `state` of its source; else None."""
    try:
        manifest = Manifest.model_validate_json((entry / _MANIFEST).read_bytes())
        complete = all(
            _labels(entry, part).stat().st_size == _places(entry, part).stat().st_size == 8 * count
            and (manifest.streamed or _pixels(entry, part).stat().st_size == np.prod(manifest.shape(part)))
            for part, count in manifest.counts.items()
        )
    except (OSError, ValidationError):
        return None
    return manifest if complete and (manifest.format, manifest.state) == (FORMAT, state) else None


def mapped(entry: Path, manifest: Manifest, part: str) -> Images:
    """Return the images (n, resolution, resolution, channels) of a part, memory-mapped and read-only."""
    return np.memmap(_pixels(entry, part), dtype=np.uint8, mode="r", shape=manifest.shape(part))


def labels(entry: Path, part: str) -> Labels:
    """Return the labels (n,) of the images of a part, read-only."""
    return _integers(_labels(entry, part))


def places(entry: Path, part: str) -> NDArray[np.int64]:
    """Return the index (n,) of each image of a part among all images of the source, read-only."""
    return _integers(_places(entry, part))


def _integers(path: Path) -> NDArray[np.int64]:
    values = np.fromfile(path, dtype="<i8").astype(np.int64)
    values.flags.writeable = False
    return values


def free(entry: Path) -> int:
    """Return the free bytes on the disk of the entry."""
    return shutil.disk_usage(entry.parent).free


@contextmanager
def replacing(entry: Path, needed: int) -> Iterator[Path]:
    """Yield a new folder that replaces the entry when the block ends, and is removed if the block fails.

    needed: the bytes that the block will write. Raises `UserError` if the disk has no room for them. The caller must
    hold the lock of the entry.
    """
    draft = entry.with_name(entry.name + ".new")
    _remove(draft)  # A killed process may have left a draft.
    if free(entry) < needed:
        raise _no_room(entry, needed)
    try:
        draft.mkdir()
        yield draft
        _remove(entry)  # An old entry is out of date. Processes that have mapped it can go on reading.
        os.replace(draft, entry)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(entry, needed) from None
        raise
    finally:
        _remove(draft)


def _remove(path: Path) -> None:
    """Delete a file, link or folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _no_room(entry: Path, needed: int) -> UserError:
    folder = str(entry.parent)
    return UserError(
        f"No room for the cached data in {folder!r}: {needed:,} bytes needed, {free(entry):,} free. "
        + _ELSEWHERE
    )


class Writer:
    """A writer of a new entry. It appends images batch by batch, and collects `statistics` of their pixels."""

    def __init__(self, draft: Path, channels: int, *, streamed: bool) -> None:
        """Begin an empty entry in the folder `draft`. streamed: True to hash pixels without storing them."""
        self._draft, self._streamed = draft, streamed
        self._hashes: dict[str, hashlib._Hash] = {}
        self._counts: dict[str, int] = {}
        self.statistics = PixelStatistics(channels)
        self._sizes: list[NDArray[np.int64]] = []

    def append(self, part: str, decoded: Decoded, indices: NDArray[np.int64], labels: Labels) -> None:
        """Append the images at `indices` (b,) with `labels` (b,) to a part, without those that are corrupt."""
        decoded_labels = labels[decoded.valid]
        self._write(_pixels(self._draft, part), decoded.images.tobytes(), store=not self._streamed)
        self._write(_labels(self._draft, part), decoded_labels.astype("<i8").tobytes())
        with _places(self._draft, part).open("ab") as file:
            file.write(indices[decoded.valid].astype("<i8").tobytes())
        self._counts[part] = self._counts.get(part, 0) + len(decoded_labels)
        if decoded.sizes is not None and len(decoded_labels):
            sizes = np.concatenate([*self._sizes, decoded.sizes])
            self._sizes = [np.stack([sizes.min(axis=0), sizes.max(axis=0)])]
        self.statistics.add(part, decoded.images, indices[decoded.valid])

    def _write(self, path: Path, content: bytes, *, store: bool = True) -> None:
        self._hashes.setdefault(path.name, hashlib.sha256()).update(content)
        if store:
            with path.open("ab") as file:
                file.write(content)

    def finish(
        self,
        state: str,
        classes: tuple[str, ...],
        resolution: int,
        skipped: tuple[str, ...],
        remarks: tuple[str, ...],
    ) -> None:
        """Write the manifest, and flush all files to the disk, so that the folder can be renamed to the entry.

        The arguments become the fields of `Manifest` with the same names.
        """
        mean, std = self.statistics.moments()
        hashes = {name: content.hexdigest() for name, content in sorted(self._hashes.items())}
        digest = hashlib.sha256(repr((classes, resolution, hashes)).encode()).hexdigest()
        heights, widths = np.concatenate(self._sizes).T.tolist() if self._sizes else (None, None)
        manifest = Manifest(
            state=state,
            classes=classes,
            channels=len(mean),
            resolution=resolution,
            counts=self._counts,
            mean=mean,
            std=std,
            skipped=skipped,
            remarks=remarks,
            digest=digest,
            streamed=self._streamed,
            heights=heights,
            widths=widths,
        )
        (self._draft / _MANIFEST).write_text(manifest.model_dump_json(indent=1), "utf-8")
        for path in self._draft.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _pixels(entry: Path, part: str) -> Path:
    return entry / f"{part}.uint8"


def _labels(entry: Path, part: str) -> Path:
    return entry / f"{part}.labels"


def _places(entry: Path, part: str) -> Path:
    """Return the file with the indices of the images of a part."""
    return entry / f"{part}.places"

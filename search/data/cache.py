"""The decode-once cache: a folder per (source, split, resolution) with raw pixels that every process maps.

Of images that are streamed it has all but the pixels: labels, statistics, a digest of what was decoded.

An entry is written beside its place and renamed into it, so it is whole or not there; whoever opens or writes
it holds a lock that dies with its process. While nothing runs all of it may be deleted: it is made again.
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

from search.data.source import Decoded, Images, Labels
from space.refusal import UserError

FORMAT = 2
"""Of the entries and of what is done to an image on its way into one; raised when either changes."""
_MANIFEST = "manifest.json"
_ELSEWHERE = "Name another folder: data.cache=..."


class Manifest(BaseModel):
    """What an entry holds. Written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    state: str
    """Of the source when it was read."""
    classes: tuple[str, ...]
    channels: int
    resolution: int
    counts: dict[str, int]
    """Images per part: train, validation, test."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    skipped: tuple[str, ...]
    digest: str
    streamed: bool
    """Whether there are no pixels."""
    heights: tuple[int, int] | None
    widths: tuple[int, int] | None
    """The least and the most pixels of images before they were resized; None if they are drawn at any size."""

    def shape(self, part: str) -> tuple[int, int, int, int]:
        """Of the images of a part."""
        return self.counts[part], self.resolution, self.resolution, self.channels


def default_folder() -> Path:
    """Where entries go if the user names no folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compound-nas"


@contextmanager
def locked(entry: Path) -> Iterator[None]:
    """Alone with the entry among all who ask like this. Raises `UserError` if its folder cannot be written."""
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
    """The manifest of an entry that is whole and of the source as it is now; otherwise nothing."""
    try:
        manifest = Manifest.model_validate_json((entry / _MANIFEST).read_bytes())
        whole = all(
            _labels(entry, part).stat().st_size == _places(entry, part).stat().st_size == 8 * count
            and (manifest.streamed or _pixels(entry, part).stat().st_size == np.prod(manifest.shape(part)))
            for part, count in manifest.counts.items()
        )
    except (OSError, ValidationError):
        return None
    return manifest if whole and (manifest.format, manifest.state) == (FORMAT, state) else None


def mapped(entry: Path, manifest: Manifest, part: str) -> Images:
    """The images (n, resolution, resolution, channels) of a part, memory-mapped and read-only."""
    return np.memmap(_pixels(entry, part), dtype=np.uint8, mode="r", shape=manifest.shape(part))


def labels(entry: Path, part: str) -> Labels:
    """The labels (n,) of the images of a part, read-only."""
    return _integers(_labels(entry, part))


def places(entry: Path, part: str) -> NDArray[np.int64]:
    """Where the images of a part are among all of the source, (n,), read-only."""
    return _integers(_places(entry, part))


def _integers(path: Path) -> NDArray[np.int64]:
    found = np.fromfile(path, dtype="<i8").astype(np.int64)
    found.flags.writeable = False
    return found


def free(entry: Path) -> int:
    """Bytes that are free where the entry goes."""
    return shutil.disk_usage(entry.parent).free


@contextmanager
def replacing(entry: Path, needed: int) -> Iterator[Path]:
    """A new folder that takes the entry's place when the block ends, and leaves nothing behind if it fails.

    `needed` is in bytes. Raises `UserError` if the disk has no room for it. To be called under the lock.
    """
    draft = entry.with_name(entry.name + ".new")
    _remove(draft)  # of a process that was killed
    if free(entry) < needed:
        raise _no_room(entry, needed)
    try:
        draft.mkdir()
        yield draft
        _remove(entry)  # torn, or of a source that has changed; whoever has it mapped keeps it
        os.replace(draft, entry)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(entry, needed) from None
        raise
    finally:
        _remove(draft)


def _remove(path: Path) -> None:
    """Whatever is there, if anything is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _no_room(entry: Path, needed: int) -> UserError:
    where = str(entry.parent)
    return UserError(
        f"No room for the decoded images in {where!r}: {needed:,} bytes needed, {free(entry):,} free. "
        + _ELSEWHERE
    )


class Writer:
    """Fills a draft, part after part and batch after batch, and counts what statistics need on the way."""

    def __init__(self, draft: Path, channels: int, *, streamed: bool) -> None:
        """streamed: whether pixels are counted and hashed like others, but not kept."""
        self._draft, self._streamed = draft, streamed
        self._hashes: dict[str, hashlib._Hash] = {}
        self._counts: dict[str, int] = {}
        self._histograms = np.zeros((channels, 256), dtype=np.int64)
        self._sizes: list[NDArray[np.int64]] = []

    def append(self, part: str, decoded: Decoded, indices: NDArray[np.int64], labels: Labels) -> None:
        """Adds to a part what came out of the images at `indices` (b,) of the source, which have `labels` (b,)."""
        kept = labels[decoded.kept]
        self._write(_pixels(self._draft, part), decoded.images.tobytes(), keep=not self._streamed)
        self._write(_labels(self._draft, part), kept.astype("<i8").tobytes())
        with _places(self._draft, part).open("ab") as file:
            file.write(indices[decoded.kept].astype("<i8").tobytes())
        self._counts[part] = self._counts.get(part, 0) + len(kept)
        if decoded.sizes is not None and len(kept):
            seen = np.concatenate([*self._sizes, decoded.sizes])
            self._sizes = [np.stack([seen.min(axis=0), seen.max(axis=0)])]
        if part == "train":
            for channel, histogram in enumerate(self._histograms):
                histogram += np.bincount(decoded.images[..., channel].ravel(), minlength=256)

    def _write(self, path: Path, content: bytes, *, keep: bool = True) -> None:
        self._hashes.setdefault(path.name, hashlib.sha256()).update(content)
        if keep:
            with path.open("ab") as file:
                file.write(content)

    def finish(self, state: str, classes: tuple[str, ...], resolution: int, skipped: tuple[str, ...]) -> None:
        """Writes the manifest, and makes sure that all is on the disk before the entry takes its place."""
        mean, std = _moments(self._histograms)
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
            digest=digest,
            streamed=self._streamed,
            heights=heights,
            widths=widths,
        )
        (self._draft / _MANIFEST).write_text(manifest.model_dump_json(indent=1))
        for path in self._draft.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _moments(histograms: NDArray[np.int64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel in 0..1, from exact counts; at least half a grey level of deviation."""
    level = np.arange(256) / 255
    weight = histograms / histograms.sum(axis=1, keepdims=True)
    mean = (weight * level).sum(axis=1)
    variance = (weight * (level - mean[:, None]) ** 2).sum(axis=1)
    return tuple(mean.tolist()), tuple(np.sqrt(variance).clip(0.5 / 255).tolist())


def _pixels(entry: Path, part: str) -> Path:
    return entry / f"{part}.uint8"


def _labels(entry: Path, part: str) -> Path:
    return entry / f"{part}.labels"


def _places(entry: Path, part: str) -> Path:
    """Of the file that says where the images of a part are among all of the source."""
    return entry / f"{part}.places"

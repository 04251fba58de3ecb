"""The decode-once cache: a folder per (source, split, resolution) with raw pixels that every process maps.

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

from search.data.source import Images, Labels
from space.refusal import Refused

FORMAT = 1
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

    def shape(self, part: str) -> tuple[int, int, int, int]:
        """Of the images of a part."""
        return self.counts[part], self.resolution, self.resolution, self.channels


def default_folder() -> Path:
    """Where entries go if the user names no folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compound-nas"


@contextmanager
def locked(entry: Path) -> Iterator[None]:
    """Alone with the entry among all who ask like this. Raises `Refused` if its folder cannot be written."""
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        lock = open(f"{entry}.lock", "w")  # noqa: SIM115 - closed below, which unlocks
    except OSError as error:
        raise Refused(
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
            _pixels(entry, part).stat().st_size == np.prod(manifest.shape(part))
            and _labels(entry, part).stat().st_size == 8 * count
            for part, count in manifest.counts.items()
        )
    except (OSError, ValidationError):
        return None
    return manifest if whole and (manifest.format, manifest.state) == (FORMAT, state) else None


def mapped(entry: Path, manifest: Manifest, part: str) -> tuple[Images, Labels]:
    """The images (n, resolution, resolution, channels), memory-mapped and read-only, and the labels (n,)."""
    images = np.memmap(_pixels(entry, part), dtype=np.uint8, mode="r", shape=manifest.shape(part))
    labels = np.fromfile(_labels(entry, part), dtype="<i8").astype(np.int64)
    labels.flags.writeable = False
    return images, labels


@contextmanager
def replacing(entry: Path, needed: int) -> Iterator[Path]:
    """A new folder that takes the entry's place when the block ends, and leaves nothing behind if it fails.

    `needed` is in bytes. Raises `Refused` if the disk has no room for it. To be called under the lock.
    """
    draft = entry.with_name(entry.name + ".new")
    _remove(draft)  # of a process that was killed
    free = shutil.disk_usage(entry.parent).free
    if free < needed:
        raise _no_room(entry, needed, free)
    try:
        draft.mkdir()
        yield draft
        _remove(entry)  # torn, or of a source that has changed; whoever has it mapped keeps it
        os.replace(draft, entry)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(entry, needed, shutil.disk_usage(entry.parent).free) from None
        raise
    finally:
        _remove(draft)


def _remove(path: Path) -> None:
    """Whatever is there, if anything is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _no_room(entry: Path, needed: int, free: int) -> Refused:
    return Refused(
        f"No room for the decoded images in {str(entry.parent)!r}: {needed:,} bytes needed, {free:,} free. "
        + _ELSEWHERE
    )


class Writer:
    """Fills a draft, part after part and batch after batch, and counts what statistics need on the way."""

    def __init__(self, draft: Path, channels: int) -> None:
        self._draft = draft
        self._hashes: dict[str, hashlib._Hash] = {}
        self._counts: dict[str, int] = {}
        self._histograms = np.zeros((channels, 256), dtype=np.int64)

    def append(self, part: str, images: Images, labels: Labels) -> None:
        """Adds images (b, resolution, resolution, channels) with their labels (b,) to a part."""
        self._write(_pixels(self._draft, part), images.tobytes())
        self._write(_labels(self._draft, part), labels.astype("<i8").tobytes())
        self._counts[part] = self._counts.get(part, 0) + len(labels)
        if part == "train":
            for channel, histogram in enumerate(self._histograms):
                histogram += np.bincount(images[..., channel].ravel(), minlength=256)

    def _write(self, path: Path, content: bytes) -> None:
        with path.open("ab") as file:
            file.write(content)
        self._hashes.setdefault(path.name, hashlib.sha256()).update(content)

    def finish(self, state: str, classes: tuple[str, ...], resolution: int, skipped: tuple[str, ...]) -> None:
        """Writes the manifest, and makes sure that all is on the disk before the entry takes its place."""
        mean, std = _moments(self._histograms)
        hashes = {name: content.hexdigest() for name, content in sorted(self._hashes.items())}
        digest = hashlib.sha256(repr((classes, resolution, hashes)).encode()).hexdigest()
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

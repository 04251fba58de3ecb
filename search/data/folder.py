"""A folder of image files, one folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np

from search.data.files import FORMATS, existing, grey, photograph, undecodable
from search.data.source import Contents, Decoded, Fraction, Images, Source, carved
from space.refusal import UserError

_PARTS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}
"""The names of the folders of the splits."""


class Folder(Source):
    """`data=folder`: JPEG, PNG, WebP, BMP files in class folders, or in class folders in `train/` and `val/`.

    A `val/` or `test/` beside `train/` is the test split: selection never reads it, and the images to select
    by are held out of `train/`. Where there are both, `val/` is what is selected by. Without them all splits
    are made from all images. Images become squares of the resolution asked for: turned as EXIF says, transparency
    on white, short side resized, middle cut out, as by torchvision's `Resize` and `CenterCrop`; in colour, unless
    all are stored grey. Hidden files are ignored.
    """

    source: Literal["folder"] = "folder"
    path: Path
    test: Fraction = 0.2
    """The fraction of all images that is the test split of a folder without one."""
    corrupt: Literal["refuse", "skip"] = "refuse"
    """What to do about files that cannot be decoded. They are named either way."""
    stream: Literal["auto", True, False] = "auto"
    """Whether images are decoded each time they are needed, and only looked through at first, instead of cached:
    the same pixels, for a folder that the disk has no room for. auto: if the cache would take more than nine
    tenths of what is free."""

    def state(self) -> str:
        """A hash of all names, sizes and times: 5 microseconds a file; the bytes would take minutes to read.

        The change time is among them because copying and unpacking tools restore the modification time.
        """
        seen = sha256()
        for file in image_files(existing(self.path)):
            status = file.stat(follow_symlinks=os.path.exists(file.path))
            line = f"{file.path}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}\n"
            seen.update(line.encode(errors="surrogateescape"))
        return seen.hexdigest()

    def streams(self, needed: int, free: int) -> bool:
        """As `stream` says."""
        return needed > 0.9 * free if self.stream == "auto" else self.stream

    def open(self) -> Contents:
        """Lists the files. Raises `UserError` if they do not make a data set."""
        layout = {part: _listed(folder) for part, folder in _layout(existing(self.path)).items()}
        classes = tuple(layout["train"])
        for part, files in layout.items():
            _same(classes, tuple(files), part)
        rows = [
            (path, label, part)
            for part, files in layout.items()
            for label, name in enumerate(classes)
            for path in files[name]
        ]
        paths = [path for path, _, _ in rows]
        labels = np.array([label for _, label, _ in rows], dtype=np.int64)
        parts = np.array([part for _, _, part in rows])
        channels = self.channels or (1 if _all_grey(paths) else 3)
        return Contents(
            classes=classes,
            channels=channels,
            labels=labels,
            test=parts == "test" if "test" in layout else carved(classes, labels, self.test, self.seed),
            validation=parts == "validation" if "validation" in layout else None,
            decode=lambda indices, resolution: _decoded(
                self.path, [paths[i] for i in indices], resolution, channels
            ),
            skip_corrupt=self.corrupt == "skip",
        )


def _layout(root: Path) -> dict[str, Path]:
    """The folders of class folders by split: "train" always, "test" and "validation" where they are given."""
    if not root.is_dir():
        raise UserError(f"data.path: {str(root)!r} is a file; a folder of class folders is needed.")
    found = {
        part: root / name for part, names in _PARTS.items() for name in names if _subfolders(root / name)
    }
    if "train" not in found:  # a class may be called "train" or "test" too, but has no folders in it
        return {"train": root}
    if "validation" in found and "test" not in found:
        found["test"] = found.pop("validation")
    return found


def _listed(folder: Path) -> dict[str, list[str]]:
    """The paths of the images of each class, all in the order of their names."""
    classes = {sub.name: [file.path for file in image_files(sub)] for sub in _subfolders(folder)}
    suffixes = ", ".join(FORMATS)
    if not classes:
        raise UserError(f"data.path: there is no class folder in {str(folder)!r}.")
    for name, files in classes.items():
        if not files:
            raise UserError(f"Class folder {str(folder / name)!r} holds no image ({suffixes}).")
    return classes


def _same(train: tuple[str, ...], other: tuple[str, ...], part: str) -> None:
    differing = sorted(set(train) ^ set(other))
    if differing:
        where = "train" if differing[0] in train else part
        raise UserError(f"Class {differing[0]!r} is only in {where}; train and {part} need the same classes.")


def _subfolders(folder: Path) -> list[Path]:
    """The class folders in a folder; none if there is no such folder."""
    if not folder.is_dir():
        return []
    within = folder.resolve()
    found = (sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith("."))
    # A link that leads back is no class.
    return sorted(sub for sub in found if not within.is_relative_to(sub.resolve()))


def image_files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[os.DirEntry[str]]:
    """The image files anywhere below a folder, in the order of their names.

    above: the folders that led here, to which no link leads back.
    """
    here = os.path.realpath(folder)
    if not folder.is_dir() or here in above:
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"Cannot list {str(folder)!r} ({error.strerror}).") from None
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from image_files(Path(entry.path), above | {here})
        elif os.path.splitext(entry.name)[1].lower() in FORMATS:
            yield entry


def _all_grey(paths: list[str]) -> bool:
    """Whether there is no colour in any file; one that cannot be read is no matter here."""
    found = False
    for path in paths:
        try:
            found = grey(path)
        except Exception:  # as in `_decoded`, which will name it
            continue
        if not found:
            return False
    return found


def _decoded(root: Path, paths: list[str], resolution: int, channels: int) -> Decoded:
    """The images of the files, on all cores: Pillow lets go of Python's lock while it works."""

    def attempt(path: str) -> tuple[Images, tuple[int, int]] | str:
        try:
            return photograph(path, resolution, channels)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise whatever malformed bytes make them raise
            return f"{os.path.relpath(path, root)} ({undecodable(error)})"

    with ThreadPoolExecutor() as threads:
        results = list(threads.map(attempt, paths))
    decoded = [result for result in results if not isinstance(result, str)]
    pixels = np.empty((len(decoded), resolution, resolution, channels), dtype=np.uint8)
    for place, (image, _) in zip(pixels, decoded, strict=True):
        place[:] = image
    return Decoded(
        images=pixels,
        valid=np.array([not isinstance(result, str) for result in results]),
        corrupt=tuple(result for result in results if isinstance(result, str)),
        sizes=np.array([size for _, size in decoded], dtype=np.int64).reshape(-1, 2),
    )

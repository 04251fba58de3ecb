"""A folder of image files, one folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from search.data.decoding import MAX_PIXELS, TooManyPixels, grey, photograph, stored_range, undecodable
from search.data.files import existing, printable
from search.data.layout import Layout, image_files, layout
from search.data.source import Contents, Decoded, Fraction, Images, Source, split_masks
from space.refusal import UserError


class Folder(Source):
    """`data=folder`: image files in class folders, or in class folders in `train/`, `val/` and `test/`.

    Each of the folders `val/` and `test/` may be missing; that split is then made from images of `train/`. If class
    folders lie directly in the folder, all splits are made from their images. Other names of the split folders are
    understood too, such as Training, valid, dev and testing. Images become squares: turned as EXIF says, transparency
    put on white, the short side resized and the centre cut out, as by torchvision's `Resize` and `CenterCrop`. They
    have colours unless all files are grey. Hidden files, and folders that systems and tools create, are ignored.
    """

    source: Literal["folder"] = "folder"
    path: Path
    test: Fraction = 0.2
    """The fraction of the training images that becomes the test split if there is no folder for the test split."""
    corrupt: Literal["refuse", "skip"] = "refuse"
    """The treatment of files that cannot be decoded. refuse: loading fails, with an error that names the first three.
    skip: they are left out, and named in `Dataset.skipped`."""
    max_pixels: int = Field(default=MAX_PIXELS, ge=1)
    """The largest number of pixels of an image file. A larger file counts as one that cannot be decoded."""
    stream: Literal["auto", True, False] = "auto"
    """True to decode images at every use, for folders whose decoded images do not fit on the disk; False to cache
    them. The pixels are the same. auto: True if the cache would take more than nine tenths of the free space."""

    def state(self) -> str:
        """Return a hash of the paths, sizes and times of all image files. Reading their contents would take long.

        The change time is included because copying and unpacking tools restore the modification time. Raises
        `UserError` if the folder does not exist.
        """
        hashed = sha256()
        for file in image_files(existing(self.path)):
            status = file.stat(follow_symlinks=os.path.exists(file.path))
            line = f"{file.path}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}\n"
            hashed.update(line.encode(errors="surrogateescape"))
        return hashed.hexdigest()

    def streams(self, needed: int, free: int) -> bool:
        """Return `stream`; for "auto", True if the cache would take more than nine tenths of the free space."""
        return needed > 0.9 * free if self.stream == "auto" else self.stream

    def open(self) -> Contents:
        """Return the contents, for which files are listed but not decoded.

        Raises `UserError` for a folder without class folders, for splits with different classes, and for a class
        with too few images.
        """
        listed = layout(existing(self.path))
        classes = tuple(listed.files["train"])
        for part, files in listed.files.items():
            _require_same(classes, tuple(files), part)
        rows = [
            (path, label, part)
            for part, files in listed.files.items()
            for label, name in enumerate(classes)
            for path in files[name]
        ]
        paths = [path for path, _, _ in rows]
        labels = np.array([label for _, label, _ in rows], dtype=np.int64)
        parts = np.array([part for _, _, part in rows])
        channels = self.channels or (1 if _all_grey(paths) else 3)
        test, validation = split_masks(classes, labels, parts, self.test, self.seed)
        return Contents(
            classes=classes,
            channels=channels,
            labels=labels,
            test=test,
            validation=validation,
            decode=lambda indices, resolution: self._decoded(
                [paths[i] for i in indices], resolution, channels
            ),
            skip_corrupt=self.corrupt == "skip",
            remarks=tuple(self._remarks(listed, paths)),
            name=lambda index: _relative(paths[index], self.path),
            describe=lambda index: f"{_relative(paths[index], self.path)} ({stored_range(paths[index])})",
        )

    def _remarks(self, listed: Layout, paths: list[str]) -> Iterator[str]:
        if len(listed.folders) > 1:
            yield "splits: " + "; ".join(_split_texts(listed.folders, self.validation, self.test))
        endings = [printable(os.path.splitext(path)[1].lower()) for path in paths]
        counts = ", ".join(f"{endings.count(ending):,} {ending}" for ending in sorted(set(endings)))
        yield f"files read: {counts}; left out: {listed.remark or 'no file'}"

    def _decoded(self, paths: list[str], resolution: int, channels: int) -> Decoded:
        """Decode the files on all cores. Pillow releases Python's lock while it works."""

        def attempt(path: str) -> tuple[Images, tuple[int, int]] | str:
            try:
                return photograph(path, resolution, channels, max_pixels=self.max_pixels)
            except MemoryError:
                raise
            except Exception as error:  # Malformed bytes make Pillow's decoders raise any exception.
                hint = ", see data.max_pixels" if isinstance(error, TooManyPixels) else ""
                return f"{_relative(path, self.path)} ({undecodable(error, path)}{hint})"

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


def _split_texts(folders: Mapping[str, str], validation: float, test: float) -> Iterator[str]:
    """Yield a text about each split that says where its images come from."""
    train = folders["train"]
    yield f"train from {train}/"
    yield (
        f"select on {folders['validation']}/"
        if "validation" in folders
        else f"select on {validation:.0%} of {train}/"
    )
    yield f"test on {folders['test']}/" if "test" in folders else f"test on {test:.0%} of {train}/"


def _relative(path: str, root: Path) -> str:
    return printable(os.path.relpath(path, root))


def _require_same(train: tuple[str, ...], other: tuple[str, ...], part: str) -> None:
    """Raise `UserError` unless a part has the same classes as train."""
    differing = sorted(set(train) ^ set(other))
    if differing:
        where = "train" if differing[0] in train else part
        raise UserError(f"Class {differing[0]!r} is only in {where}; train and {part} need the same classes.")


def _all_grey(paths: list[str]) -> bool:
    """Return True if at least one file is readable, and all readable ones are grey."""
    any_grey = False
    for path in paths:
        try:
            any_grey = grey(path)
        except Exception:  # `Folder._decoded` reports unreadable files later.
            continue
        if not any_grey:
            return False
    return any_grey

"""The layout of a folder of images: class folders, folders of splits, and everything that is left out."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from search.data.decoding import FORMATS
from search.data.files import printable
from space.refusal import UserError

Part = str
"""A part of the data: train, validation or test."""

_PARTS = {
    "train": "train(ing)?",
    "validation": "val(id(ation|ate)?)?|dev(elopment)?",
    "test": "test(ing|s)?",
}
_SUFFIX = r"[-_. ]?(set|data|images?|imgs?|split|\d{4})?"
"""The endings of names of split folders, as in train_set, val2017 and TestImages."""
_SPLIT_LIKE = re.compile(
    r"(?<![a-z])(train|val|valid|dev|test|eval|hold|held|split|fold|part|query|gallery|probe|unseen)"
)
_JUNK = frozenset(
    (
        *("__macosx", "lost+found", "$recycle.bin", "recycler", "system volume information"),
        *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),
        *("__pycache__", "cvs"),
    )
)
"""The names, in lower case, of folders that operating systems, network drives and tools create."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The image files of a data set.

    files: the paths of the image files by part and class, sorted by name. "train" is always there, other parts only
    if they have a folder. folders: the name of each part's folder; {} if class folders lie directly in the data set's
    folder. left_out: the number of ignored files or folders by reason.
    """

    files: Mapping[Part, Mapping[str, list[str]]]
    folders: Mapping[Part, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def remark(self) -> str:
        """The files and folders that were left out, as text; "" if there are none."""
        counts = sorted(self.left_out.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{count:,} {reason}" if reason[:1] != "f" else reason for reason, count in counts)


def split_of(name: str) -> Part | None:
    """Return the split that a folder of this name holds, such as "validation" for "Val_set"; None for other names."""
    for part, pattern in _PARTS.items():
        if re.fullmatch(f"({pattern}){_SUFFIX}", name.casefold()):
            return part
    return None


def layout(root: Path) -> Layout:
    """Return the layout of a folder.

    Raises `UserError` if `root` is not a folder, if neither it nor a split folder in it holds class folders, if it is
    unclear which folders are splits, if a class has no image, and if two classes have the same printable name.
    """
    if not root.is_dir():
        raise UserError(
            f"data.path: {printable(str(root))!r} is a file; a folder of class folders is needed."
        )
    left_out: Counter[str] = Counter()
    subfolders = class_folders(root, left_out)
    nested = {sub.name: [inner.name for inner in class_folders(sub)] for sub in subfolders}
    nested = {name: inner for name, inner in nested.items() if inner}
    splits: dict[Part, list[str]] = {}
    for name in nested:
        if part := split_of(name):
            splits.setdefault(part, []).append(name)
    if "train" not in splits:
        _refuse_unknown_splits(root, [sub.name for sub in subfolders], nested)
        return Layout({"train": _listed(root, subfolders, left_out)}, left_out=left_out)
    for part, names in splits.items():
        if len(names) > 1:
            raise UserError(
                f"data.path: {_quoted(names)} in {printable(str(root))!r} look like the {part} split; keep one of"
                " them, and remove or rename the rest."
            )
    folders = {part: splits[part][0] for part in _PARTS if part in splits}
    for sub in subfolders:
        if sub.name in folders.values():
            continue
        if set(nested.get(sub.name, ())) & set(nested[folders["train"]]):
            raise UserError(
                f"data.path: {printable(sub.name)!r} holds class folders as {folders['train']!r} does, and its name"
                " is not that of a split; call it val or test, or move it elsewhere."
            )
        left_out[f"folder {printable(sub.name)}"] += 1
    return Layout(
        {
            part: _listed(root / name, class_folders(root / name, left_out), left_out)
            for part, name in folders.items()
        },
        {part: printable(name) for part, name in folders.items()},
        left_out,
    )


def _refuse_unknown_splits(root: Path, names: list[str], nested: Mapping[str, list[str]]) -> None:
    """Raise `UserError` if the subfolders of `root` look like splits, or hold splits or class folders themselves.

    names: the names of the subfolders. nested: the names of the folders in each subfolder that has any.
    """
    place = printable(str(root))
    split = [name for name, inner in nested.items() if all(map(split_of, inner))]
    split = [name for name in split if {"train"} < {*map(split_of, nested[name])}]
    if len(split) > 1:
        raise UserError(
            f"data.path: {_quoted(split)} in {place!r} hold {_quoted(nested[split[0]])}; put the splits above the"
            f" classes, as in train/{printable(split[0])}."
        )
    if len(names) > 1 and all(map(split_of, names)):
        raise UserError(
            f"data.path: {_quoted(names)} in {place!r} look like splits, and there are no class folders in a train"
            " folder; each split needs one folder per class."
        )
    for name, inner in nested.items():
        if split_of(name) and set(inner) & {*names}:
            raise UserError(
                f"data.path: {printable(name)!r} in {place!r} holds class folders of the same names as those beside"
                " it; move those beside it into a folder train."
            )
        shared = [other for other in nested if other != name and set(nested[other]) & set(inner)]
        if shared and _SPLIT_LIKE.search(name.casefold()):
            raise UserError(
                f"data.path: {_quoted([name, *shared])} in {place!r} hold the same class folders and look like"
                " splits; call them train, val and test."
            )
    if len(names) == 1 and len(nested.get(names[0], ())) > 1:
        raise UserError(
            f"data.path: {place!r} holds one class, {printable(names[0])!r}. Are the class folders in it?"
            f" data.path={printable(str(root / names[0]))}"
        )


def _quoted(names: list[str]) -> str:
    texts = [repr(printable(name)) for name in sorted(names)]
    more = [f"{len(texts) - 3} more"] if len(texts) > 4 else texts[3:]
    *first, last = texts[:3] + more
    return f"{', '.join(first)} and {last}" if first else last


def _listed(folder: Path, subfolders: list[Path], left_out: Counter[str]) -> dict[str, list[str]]:
    """Return the paths of the images of each class by its printable name.

    left_out: a counter to which ignored files and folders are added, by the reason why they are ignored. Raises
    `UserError` if there are no class folders, if a class has no image, and if two classes have the same printable
    name.
    """
    place = printable(str(folder))
    if not subfolders:
        raise UserError(f"data.path: there is no class folder in {place!r}.")
    classes: dict[str, list[str]] = {}
    for sub in subfolders:
        name, others = printable(sub.name), Counter[str]()
        if name in classes:
            raise UserError(f"Two class folders in {place!r} are called {name!r}.")
        classes[name] = [file.path for file in image_files(sub, others)]
        if not classes[name]:
            held = f" It holds {Layout({}, left_out=others).remark}." if others else ""
            raise UserError(
                f"Class folder {f'{place}/{name}'!r} holds no image ({', '.join(FORMATS)}).{held}"
            )
        left_out.update(others)
    return classes


def class_folders(folder: Path, left_out: Counter[str] | None = None) -> list[Path]:
    """Return the class folders in a folder in the order of their names; none if there is no such folder.

    left_out: a counter to which ignored files and folders are added, by the reason why they are ignored.
    """
    if not folder.is_dir():
        return []
    within, left_out, folders = folder.resolve(), Counter() if left_out is None else left_out, []
    for entry in _entries(folder):
        if not _is_folder(entry):
            left_out[_reason(entry, "images outside of class folders")] += 1
        elif _is_junk(entry.name):
            left_out[f"folder {printable(entry.name)}"] += 1
        elif not within.is_relative_to(
            os.path.realpath(entry.path)
        ):  # A link to this folder or one above it is not a class.
            folders.append(Path(entry.path))
    return folders


def image_files(
    folder: Path, left_out: Counter[str] | None = None, above: frozenset[str] = frozenset()
) -> Iterator[os.DirEntry[str]]:
    """Yield the image files anywhere below a folder, in the order of their names.

    left_out: a counter to which ignored files and folders are added, by their ending or another reason. above: the
    real paths of the folders above this one. Links that lead back to them are not followed.
    """
    here = os.path.realpath(folder)
    if not folder.is_dir() or here in above:
        return
    left_out = Counter() if left_out is None else left_out
    for entry in _entries(folder):
        reason = _reason(entry)
        if _is_folder(entry):
            if _is_junk(entry.name):
                left_out[f"folder {printable(entry.name)}"] += 1
            else:
                yield from image_files(Path(entry.path), left_out, above | {here})
        elif reason:
            left_out[reason] += 1
        else:
            yield entry


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            return sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"Cannot list {printable(str(folder))!r} ({error.strerror}).") from None


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _JUNK


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that leads to itself.
        return False


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Return True if a file is a pipe, a socket or a device. Reading from such a file might never end."""
    return os.path.exists(entry.path) and not entry.is_file()


def _reason(entry: os.DirEntry[str], image: str = "") -> str:
    """Return the reason why a file is not read. For a readable image file, return `image`."""
    if entry.name.startswith("."):
        return "hidden"
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix not in FORMATS:
        return printable(suffix) or "without an ending"
    return "special files" if _is_special(entry) else image

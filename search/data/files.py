"""Checks of paths that the user gave, stamps that tell if files changed, and printable names of files."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from space.refusal import UserError


def existing(path: Path, place: str = "data.path") -> Path:
    """Return the path. Raises `UserError` if it does not exist; the error suggests a similar name, if any.

    place: the name of the setting or argument, for the message.
    """
    if path.exists():
        return path
    if path.is_symlink():
        raise UserError(f"{place}: {printable(str(path))!r} is a link to something that does not exist.")
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, siblings, n=1, cutoff=0.5)
    hint = f" Did you mean {printable(str(path.parent / close[0]))!r}?" if close else ""
    raise UserError(f"{place}: there is no {printable(str(path))!r}.{hint}")


def stamp(*paths: Path) -> str:
    """Return the sizes and times of change of files as a text. Hashing the contents would cost each worker seconds.

    The change time is included because copying and unpacking tools restore the modification time.
    """
    statuses = (path.stat() for path in paths)
    return " ".join(f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}" for status in statuses)


def printable(name: str) -> str:
    r"""Return a file name as valid Unicode: bytes that are not UTF-8, as in old archives, are written as `\xe9`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")

"""The writing of files and folders, completely or not at all, and by one process at a time."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from space import UserError


def unused(parent: Path, about: str) -> Path:
    """Return a free path in `parent` for a new folder, named by `about` and the time: v2-b0-20260131-081500.

    The folder is not created; see `claimed`.
    """
    plain = re.sub("[^A-Za-z0-9._-]+", "-", about).strip("._-")[:60]
    return next(
        path
        for path in numbered(parent / "-".join(filter(None, (plain, time.strftime("%Y%m%d-%H%M%S")))))
        if not path.exists()
    )


def numbered(path: Path) -> Iterator[Path]:
    """Yield the path, then the paths with -2, -3, ... appended to its name."""
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.name}-{number}")


def claimed(path: Path) -> Path:
    """Create the folder `path` and return it. If it exists, create the first of its `numbered` paths that does not.

    Raises `UserError` if the folder cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for candidate in numbered(path):
            with suppress(FileExistsError):
                candidate.mkdir()
                return candidate
    except OSError as error:
        raise UserError(f"Cannot create {path}: {error.strerror or error}.") from None
    raise AssertionError


@contextmanager
def sole_writer(folder: Path, content: str) -> Iterator[None]:
    """Create the folder if it is missing, and lock it for as long as the `with` block runs.

    content: a name for the files that the block writes, for the error message. The operating system releases the lock
    when the process ends. A folder that is empty at the end of the block is removed. Raises `UserError` if another
    process holds the lock, or if the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"Cannot write {folder}: {error.strerror or error}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            current = os.path.samestat(os.fstat(descriptor), os.stat(folder))
        except (BlockingIOError, FileNotFoundError):
            current = False
        if not current:
            raise UserError(f"{folder}: another process is writing {content} there.")
        try:
            yield
        finally:
            with suppress(OSError):
                folder.rmdir()
    finally:
        os.close(descriptor)


@contextmanager
def locked_file(path: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Create the file `path` if it is missing, and lock it for as long as the `with` block runs.

    wait: a function that is called once before this process waits for another process that holds the lock. The
    operating system releases the lock when the process ends. Raises `UserError` if the file cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path, wait)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from None
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path, wait: Callable[[], None]) -> int:
    """Open the file, wait until this process holds its lock, and return the descriptor.

    If the last holder has deleted the file, it is created again. wait: a function that is called once before waiting.
    """
    waited = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waited else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        os.close(descriptor)
        if not waited:
            wait()
            waited = True


def write_file(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8) to `path` in one step: readers see the old file or the new one.

    Missing folders are created, and links are followed. A device such as /dev/null is written to, not replaced.
    Raises `UserError` with the system's reason if writing fails; the old file then stays.
    """
    # File names in the text may hold bytes that are not UTF-8.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, data)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from None


def require_ending(option: str, path: Path | None, ending: str, what: str) -> None:
    """Raise `UserError` if the file `path`, which `option` gives for `what`, does not end in `ending`."""
    if path and path.suffix.lower() != ending:
        raise UserError(f"{option} {path}: {what} is a {ending} file.")


def write_folder(path: Path, files: Mapping[str, str | bytes], known: Collection[str] = ()) -> None:
    """Write a folder with these `files` (name -> content) in one step: readers see none of them or all.

    An existing folder is replaced. Raises `UserError` if the existing folder holds files other than the `known` ones,
    or if writing fails; the old folder then stays.
    """
    require_replaceable(path, known)
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        draft.mkdir(parents=True)
        for name, content in files.items():
            write_file(draft / name, content)
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            # Two processes must not exchange the folder at the same time.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            require_replaceable(path, known)
            _exchange(draft, target)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def require_replaceable(path: Path, known: Collection[str]) -> None:
    """Raise `UserError` for a folder with other files than the `known` ones, and for a path that is not a folder."""
    try:
        others = sorted({entry.name for entry in path.iterdir()} - set(known))
    except FileNotFoundError:  # Another process may be replacing the folder at this moment.
        return
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from None
    if others:
        names = others[0] if len(others) == 1 else f"{others[0]} and {len(others) - 1} more"
        raise UserError(f"{path} holds {names}, which would be deleted; name a new or an empty folder.")


def deliver(content: str | bytes, out: Path | None) -> None:
    """Write `content` to the file `out` with `write_file`, or to standard output if `out` is None.

    Text for a terminal passes through `harmless`. Raises the errors of `write_file`, `UserError` if standard output
    fails and for bytes that would go to a terminal, and BrokenPipeError if the reader has closed the pipe.
    """
    if out is not None:
        return write_file(out, content)
    if isinstance(content, bytes) and sys.stdout.isatty():
        raise UserError("This format is not text; add --out FILE.")
    try:
        if isinstance(content, str):
            sys.stdout.write(harmless(content) if sys.stdout.isatty() else content)
        else:
            sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # The reader (`| head`) has closed the pipe, which is not an error.
    except OSError as error:
        raise UserError(f"Cannot write to standard output: {error.strerror}.") from None


def harmless(text: str) -> str:
    r"""Return a text in which all control characters except `\n` and tabs are escaped, as in `\x1b[31m`.

    Names of files and classes may contain control characters, which a terminal would obey.
    """
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda match: repr(match[0])[1:-1], text)


def _replace(target: Path, data: bytes) -> None:
    # The draft is in the same folder, since a rename is only atomic within one file system.
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            # Otherwise a power cut after the rename can leave an empty file.
            os.fsync(file.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _exchange(draft: Path, target: Path) -> None:
    """Move the folder `draft` to `target`, and delete the old folder. A rename can only replace an empty folder."""
    old = draft.with_suffix(".old")
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(draft, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)

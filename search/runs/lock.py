"""The lock of a run: one driver at a time."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from space import UserError

_PATIENCE, _PAUSE = 0.3, 0.01
"""The seconds to wait for the lock, and the seconds between two attempts. `driver_of` in another process can hold the
lock for a moment."""


def driver_of(path: Path) -> str:
    """Return the process that holds the lock at `path`, as "process 123 on host"; "" if no process holds it."""
    try:
        with open(path, encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return path.read_text("utf-8").strip() or "another process"
    except OSError:
        return ""
    return ""


@contextmanager
def driver_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a run, the file `path`, for as long as the `with` block runs.

    Raises `UserError` if another process holds the lock, with the number and the host of that process, and if the
    file cannot be opened. The operating system releases the lock when the process ends, so it is never stale.
    """
    try:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise UserError(f"The run {path.parent} cannot be driven: {path.name}: {error.strerror}.") from None
    with file:
        if not _locked(file):
            file.seek(0)
            raise UserError(
                f"The run {path.parent} is already driven by {file.read().strip() or 'another process'}."
            )
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _locked(file: IO[str]) -> bool:
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() - began > _PATIENCE:
                return False
            time.sleep(_PAUSE)
        else:
            return True

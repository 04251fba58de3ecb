"""The lock of a run: one driver at a time."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from space import Refused


def driver_of(path: Path) -> str:
    """Who holds the lock at `path`, as "process 123 on host"; "" if nobody does."""
    try:
        with open(path, encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return path.read_text("utf-8").strip() or "somebody"
    except OSError:
        return ""
    return ""


@contextmanager
def driver_lock(path: Path) -> Iterator[None]:
    """Holds the run for this process: a second driver is refused with the pid and host of the first.

    The lock is the system's and dies with the process, so it is never stale.
    """
    try:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise Refused(f"The run {path.parent} cannot be driven: {path.name}: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(
                f"The run {path.parent} is being driven by {file.read().strip() or 'somebody'}."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield

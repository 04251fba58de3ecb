"""Locks of GPUs: trainings share a GPU, a timing has it alone.

The locks are the system's, on files in its folder of temporary files, and so hold between processes and runs, and are
free again when a process dies. A CPU needs none: its times are CPU time, which other processes do not lengthen.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch


@contextmanager
def shared(device: torch.device) -> Iterator[None]:
    """Hold `device` for a training, together with others. Wait while a timing has it or waits for it."""
    with _held(device, fcntl.LOCK_SH):
        yield


@contextmanager
def exclusive(device: torch.device) -> Iterator[None]:
    """Hold `device` for a timing. Wait until the trainings and timings on it have ended; no other begins before it.

    Not inside `shared` of the same device, which would wait for itself.
    """
    with _held(device, fcntl.LOCK_EX):
        yield


@contextmanager
def _held(device: torch.device, kind: int) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    name = _name(device)
    with _file(f"{name}-gate") as gate, _file(name) as lock:
        # Who waits for the lock holds the gate, so that a timing is not overtaken by trainings for ever.
        _lock(gate, fcntl.LOCK_EX)
        _lock(lock, kind)
        _lock(gate, fcntl.LOCK_UN)
        yield


def _lock(file: int | None, kind: int) -> None:
    if file is not None:
        fcntl.flock(file, kind)


@contextmanager
def _file(name: str) -> Iterator[int | None]:
    """Open a lock file that all users of the machine share; None where the system does not permit that."""
    path = Path(tempfile.gettempdir()) / f"compound-nas-{name}.lock"
    file = None
    with suppress(OSError):
        # Without O_CREAT first: Linux refuses it in /tmp for a file of another user.
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            os.fchmod(file, 0o666)
    try:
        yield file
    finally:
        if file is not None:
            os.close(file)


def _name(device: torch.device) -> str:
    """Return a name of the GPU that is the same in all processes, whatever number they know it by."""
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    return f"gpu-{uuid}" if uuid else f"gpu-{device.index or 0}"

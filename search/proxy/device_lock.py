"""The locks of GPUs. Trainings can share a GPU; a measurement of step times uses it exclusively.

The locks are file locks of the operating system, in the folder of temporary files. They hold between processes and
runs, and are released when a process dies. A CPU needs no lock: CPU time is measured there, which other processes do
not lengthen.
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
    """Lock `device` for a training, which other trainings may share.

    If a timing holds or awaits the lock, wait until that timing has ended. Has no effect on a device that is not a
    CUDA GPU, nor if the lock file cannot be opened.
    """
    with _held(device, fcntl.LOCK_SH):
        yield


@contextmanager
def exclusive(device: torch.device) -> Iterator[None]:
    """Lock `device` for a timing, exclusively.

    Wait until the running trainings and timings on the device have ended. Later trainings wait until this timing has
    ended. Inside `shared` for the same device this would wait for ever. Has no effect on a device that is not a CUDA
    GPU, nor if the lock file cannot be opened.
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
        # A process holds the gate while it waits for the lock. So later trainings cannot overtake a waiting timing.
        _lock(gate, fcntl.LOCK_EX)
        _lock(lock, kind)
        _lock(gate, fcntl.LOCK_UN)
        yield


def _lock(file: int | None, kind: int) -> None:
    if file is not None:
        fcntl.flock(file, kind)


@contextmanager
def _file(name: str) -> Iterator[int | None]:
    """Open a lock file that all users of the machine share. Yield its file descriptor, or None if that fails."""
    path = Path(tempfile.gettempdir()) / f"compound-nas-{name}.lock"
    file = None
    with suppress(OSError):
        # The first attempt is without O_CREAT, which Linux refuses for another user's file in /tmp.
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
    """Return a name of the GPU that is the same in all processes, even if they number GPUs differently."""
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    return f"gpu-{uuid}" if uuid else f"gpu-{device.index or 0}"

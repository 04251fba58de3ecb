"""Clocks for work on a device, and the conditions under which they are read.

On a CPU the clock is the CPU time of the calling thread, which other processes do not lengthen, or wall time if
several threads compute. On a GPU it is the device's own events. Read clocks inside `undisturbed`, which fixes the
number of threads and keeps freed memory in the process. Otherwise glibc returns freed maps to the system and requests
them again page by page, several times a step or never, depending on the layout of the heap: one network had 0 to
9,000 page faults in a step (`experiments/LOG.md`). Faults depend on the history of the process, not on the network.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, thread_time
from typing import Any, Protocol

import torch

Step = Callable[[], None]
Timer = Callable[[Step], tuple[float, float]]
"""A function that runs a step and returns its milliseconds: on the device, and by the wall clock."""


def timer_of(device: torch.device, threads: int = 1) -> Timer:
    """Return the timer for work on `device`. It reads wall time if several `threads` compute on a CPU."""
    if device.type == "cuda":
        return _cuda
    return _cpu if threads == 1 else _wall


def settled(timer: Timer, min_ms: float) -> Timer:
    """Return a timer that runs a step once untimed and once timed, and returns its time if that is at least `min_ms`.

    Otherwise it runs the step again, as often as needed to fill `min_ms` milliseconds, and returns the mean time of
    these runs. The untimed run fills the caches, which hold nothing of this network after another one has run.
    """

    def mean(step: Step) -> tuple[float, float]:
        step()
        own, wall = timer(step)
        count = math.ceil(min_ms / max(own, 1e-3)) if own < min_ms else 0
        if not count:
            return own, wall

        def several() -> None:
            for _ in range(count):
                step()

        own, wall = timer(several)
        return own / count, wall / count

    return mean


def _cpu(step: Step) -> tuple[float, float]:
    wall, own = perf_counter(), thread_time()
    step()  # On a CPU autograd runs backward in the thread that called it.
    return 1e3 * (thread_time() - own), 1e3 * (perf_counter() - wall)


def _wall(step: Step) -> tuple[float, float]:
    began = perf_counter()
    step()
    wall = 1e3 * (perf_counter() - began)
    return wall, wall


def _cuda(step: Step) -> tuple[float, float]:
    start, end = (torch.Event("cuda", enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    wall = perf_counter()
    start.record()
    step()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end), 1e3 * (perf_counter() - wall)


class Marks(Protocol):
    """A list of points in time in a device's work."""

    def mark(self) -> None:
        """Append the point in time at which the device finishes the work that it has been given so far."""

    def read(self) -> list[float]:
        """Wait for the device, return all marks in milliseconds since the first one, and empty the list."""


def marks_of(device: torch.device) -> Marks:
    """Return an empty list of marks for work on `device`."""
    return _CudaMarks() if device.type == "cuda" else _CpuMarks()


class _CpuMarks:
    def __init__(self) -> None:
        self._seconds: list[float] = []

    def mark(self) -> None:
        self._seconds.append(thread_time())

    def read(self) -> list[float]:
        moments = [1e3 * (second - self._seconds[0]) for second in self._seconds]
        self._seconds = []
        return moments


class _CudaMarks:
    def __init__(self) -> None:
        self._events: list[Any] = []

    def mark(self) -> None:
        event = torch.Event("cuda", enable_timing=True)
        event.record()
        self._events.append(event)

    def read(self) -> list[float]:
        torch.cuda.synchronize()
        moments = [float(self._events[0].elapsed_time(event)) for event in self._events]
        self._events = []
        return moments


@contextmanager
def undisturbed(device: torch.device, threads: int = 1) -> Iterator[None]:
    """Run the body of a `with` on `threads` threads, with gradients enabled and an allocator that keeps freed memory.

    Then the number of threads and the random state are restored, and glibc's allocator gets its usual settings.
    """
    before = torch.get_num_threads()
    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        torch.enable_grad(),
        _untrimmed_heap(),
    ):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
"""The parameters of glibc's `mallopt`, from its malloc.h."""
_WARM = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 2**26}
"""The values with which all memory comes from the heap, which grows by 64 MiB at a time and is never trimmed."""
_USUAL = {_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26, _TOP_PAD: 2**17}
"""The values that glibc itself chooses in a process that has freed 32 MiB at once, as a training does."""


@contextmanager
def _untrimmed_heap() -> Iterator[None]:
    """Keep freed memory in the process. Does nothing if the C library is not glibc."""
    try:
        library = ctypes.CDLL(None)
        mallopt, trim = library.mallopt, library.malloc_trim
    except (OSError, AttributeError, TypeError):
        yield
        return
    for parameter, value in _WARM.items():
        mallopt(parameter, value)
    try:
        yield
    finally:
        for parameter, value in _USUAL.items():
            mallopt(parameter, value)
        trim(0)

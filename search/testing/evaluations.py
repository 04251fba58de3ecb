"""Evaluations without training, for the workers in tests of searches."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from search.proxy.evaluate import Request, Result, TrialFailed
from space import cost, decode


def looked_up(request: Request, report: Callable[[int, float], None]) -> Result:
    """Return a repeatable result without training, and report a loss for every epoch.

    Networks of medium size have the highest accuracy.
    """
    network = decode(request.architecture)
    for epoch in range(request.proxy.epochs):
        report(epoch + 1, 1.0 / (epoch + 1))
    accuracy = _plausible(request)
    return Result(
        accuracy=accuracy,
        loss=-accuracy,
        epochs=request.proxy.epochs,
        images=1000,
        seconds=0.01,
        images_per_second=1000.0,
        curve=tuple(1.0 / (epoch + 1) for epoch in range(request.proxy.epochs)),
        step_ms=10.0 if request.reference else None,
        reference_step_ms=10.0 if request.reference else None,
        step_ratio=cost(network).macs / 1e6 if request.reference else None,
    )


def slowly(request: Request, report: Callable[[int, float], None]) -> Result:
    """Return the result of `looked_up` after 0.2 s."""
    time.sleep(0.2)
    return looked_up(request, report)


def fails_once(request: Request, report: Callable[[int, float], None]) -> Result:
    """Raise OSError, a fault of the machine, in the first attempt of a trial; later return `looked_up`'s result."""
    if request.attempt == 1:
        raise OSError("no space left on device")
    return looked_up(request, report)


def misbehaving(request: Request, report: Callable[[int, float], None]) -> Result:
    """Fail in trials 1 to 4, each in its own way.

    Trial 1 has a fault of the network. In their first attempts, trial 2 has a fault of the machine, and trial 3 kills
    its process. Trial 4 has an accuracy of NaN. All other trials and attempts return the result of `looked_up`.
    """
    if request.number == 1:
        raise TrialFailed("the loss became nan")
    if request.number == 2 and request.attempt == 1:
        raise OSError("no space left on device")
    if request.number == 3 and request.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    result = looked_up(request, report)
    if request.number == 4:
        return Result.from_dict(result.to_dict() | {"accuracy": float("nan")})
    return result


def _plausible(request: Request) -> float:
    digest = hashlib.sha256(f"{request.architecture} {request.seed}".encode()).digest()
    noise = int.from_bytes(digest[:4]) / 2**32
    size = cost(decode(request.architecture)).params
    return max(0.1, 0.9 - 0.4 * abs(size - 15_000) / 40_000) + 0.02 * noise


def faulty(request: Request, report: Callable[[int, float], None]) -> Result:
    """Fail in trial 0 by a fault of the network, and in trial 1 by a fault of the machine.

    Other trials return the result of `looked_up`.
    """
    if request.number == 0:
        raise TrialFailed("diverged")
    if request.number == 1:
        raise MemoryError
    return looked_up(request, report)


def deadly(request: Request, report: Callable[[int, float], None]) -> Result:
    """Kill the process in trial 0, as a crash of the worker would.

    Other trials return the result of `looked_up`.
    """
    if request.number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return looked_up(request, report)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A job that is not a trial, with content of any size."""

    number: int
    content: bytes
    device: str = ""


def reversed_content(job: Parcel, report: Callable[[int, float], None]) -> bytes:
    """Return the reversed content of the parcel, after one report."""
    report(1, 0.5)
    return job.content[::-1]


def telling_its_process(request: Request, report: Callable[[int, float], None]) -> Result:
    """Report the process ID of the worker as the only loss, and return the result of `looked_up`."""
    report(1, float(os.getpid()))
    return looked_up(request, lambda epoch, loss: None)

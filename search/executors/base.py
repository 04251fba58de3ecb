"""The interface of every executor, and the calls by which it serves an engine."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict, Field

from search.proxy.evaluate import Request, Result
from search.proxy.proxy import Proxy

Report = Callable[[int, float], None]
Evaluate = Callable[[Request, Report], Result]
"""evaluate(request, report): what a worker runs. A function at the top of a module, so that it can travel."""


class Driven(Protocol):
    """The engine of a search, which an executor serves. All calls come from one thread."""

    def next_trial(self) -> Request | None:
        """Return the next training, already marked as running; None: nothing now, ask again after the next event."""

    def prepare(self) -> None:
        """Have the next proposal ready, while all workers are busy."""

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        """Record that a trial has ended an epoch. Returns True to stop it."""

    def on_result(self, number: int, result: Result) -> None:
        """Record the result of a training."""

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """Record a failure. retry: the machine was to blame, not the network."""


class Executor(BaseModel, ABC):
    """The YAML group `executor`: where trials run, with its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    executor: str
    """The key in `EXECUTORS`."""
    threads: int = Field(default=1, ge=1)
    """Of torch in each worker."""

    @property
    @abstractmethod
    def parallel(self) -> int | None:
        """The number of trials at a time; None: as many as there is room for, which shows when they run."""

    @property
    def here(self) -> bool:
        """True if trials run on this machine."""
        return True

    @property
    def placement(self) -> str:
        """The devices that trials run on, in one line; "" where nothing was decided about them."""
        return ""

    def on(self, proxy: Proxy) -> Self:
        """Return this executor for trainings by `proxy`, whose device and kind of steps decide how many run."""
        return self

    def check(self) -> None:
        """Raise `UserError` for what this machine or the network lacks, before a run begins."""

    @abstractmethod
    def run(self, engine: Driven, evaluate: Evaluate) -> None:
        """Trains what the engine asks for until it has nothing more; leaves no process behind, however it ends."""


def cores() -> int:
    """Return the number of CPU cores this process may use (on macOS: of the machine)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

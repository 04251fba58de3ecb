"""The base class of all executors, and the interface of the engine whose requests an executor trains."""

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
"""The function that a worker calls for each request: evaluate(request, report) returns the result of the training.

It must be defined at the top level of a module, so that it can be pickled. It calls report(epoch, loss) after each
epoch.
"""


class Driven(Protocol):
    """The engine of a search, as an executor sees it. The executor must make all calls from one thread."""

    def next_trial(self) -> Request | None:
        """Return the request for the next training, which the engine has marked as running.

        None means that there is nothing to train now; the executor asks again after the next result or failure.
        """

    def prepare(self) -> None:
        """Compute the next proposal in advance.

        Executors with several workers call this while all of them are busy. With a single worker, the proposal waits
        for the latest result.
        """

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        """Record the training loss of an epoch of trial `number`. Return True if the trial must be stopped.

        epoch: the number of epochs that the training has completed.
        """

    def on_result(self, number: int, result: Result) -> None:
        """Record the result of the training of trial `number`."""

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """Record that the training of trial `number` failed.

        reason: the cause, in one line. retry: True if the machine caused the failure, not the network.
        """


class Executor(BaseModel, ABC):
    """The settings of the group `executor`: the kind of executor that runs the trials, and its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    executor: str
    """The name of the executor: its key in `search.executors.EXECUTORS`."""
    threads: int = Field(default=1, ge=1)
    """The number of threads that torch uses in each worker."""

    @property
    @abstractmethod
    def parallel(self) -> int | None:
        """The number of trials that run at the same time; None if it is known only when the trials run."""

    @property
    def here(self) -> bool:
        """True if all trials run on this machine."""
        return True

    @property
    def placement(self) -> str:
        """The devices on which trials run, as a line; "" if the executor does not choose devices."""
        return ""

    def on(self, proxy: Proxy) -> Self:
        """Return a copy of this executor that is adapted to trainings by `proxy`; itself if nothing needs to change.

        The proxy's device, precision and use of CUDA graphs decide how many trials run at the same time.
        """
        return self

    def check(self) -> None:
        """Raise `UserError` if a library or a resource is missing without which no trial can run.

        This method is called before a run.
        """

    @abstractmethod
    def run(self, engine: Driven, evaluate: Evaluate) -> None:
        """Train all requests of the engine, until it has no more. No process is left, even after an exception."""


def cores() -> int:
    """Return the number of CPU cores this process may use (on macOS: of the machine)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Jobs for an executor outside of a search. All jobs are known in advance and may run in any order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from search.executors import EXECUTORS, Executor
from search.tables.units import clock
from space.refusal import UserError

_ATTEMPTS = 2
"""The number of times that a job is tried if its worker dies."""


class Job(Protocol):
    """A job for a worker: a small dataclass that can be pickled.

    A job for an executor that uses GPUs must have a field `device`. The executor sets it to the device of the worker,
    such as "cuda:1".
    """

    @property
    def number(self) -> int:
        """The number of the job, which no other job has."""


J = TypeVar("J", bound=Job)
Work = Callable[[J, Callable[[int, float], None]], Any]
"""The function that a worker calls for each job: work(job, report). It must be defined at the top of a module."""


class _Queue(Generic[J]):
    """The waiting jobs, with the methods of an engine (`search.executors.base.Driven`).

    failed: the jobs that failed, each with the reason.
    """

    def __init__(self, jobs: Iterable[J], finished: Callable[[J, Any], None]) -> None:
        self._jobs = {job.number: job for job in jobs}
        self._waiting = deque(self._jobs)
        self._attempts = dict.fromkeys(self._jobs, 0)
        self._finished = finished
        self.failed: list[tuple[J, str]] = []

    def next_trial(self) -> J | None:
        if not self._waiting:
            return None
        number = self._waiting.popleft()
        self._attempts[number] += 1
        return self._jobs[number]

    def prepare(self) -> None:
        pass

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        return False

    def on_result(self, number: int, result: Any) -> None:
        self._finished(self._jobs[number], result)

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        if retry and self._attempts[number] < _ATTEMPTS:
            self._waiting.append(number)
        else:
            self.failed.append((self._jobs[number], reason))


class Tally:
    """A count of finished jobs, some of which were finished before, with the time that the others will take."""

    def __init__(self, total: int, left: int) -> None:
        self._total, self._left, self._count = total, left, 0
        self._started = time.monotonic()

    def finished(self) -> tuple[str, str]:
        """Count a job, and return its place ("3 of 12") and the time left ("about 1:02 left")."""
        self._count += 1
        rest = (time.monotonic() - self._started) / self._count * (self._left - self._count)
        return f"{self._total - self._left + self._count} of {self._total}", f"about {clock(rest)} left"


def require_jobs(executor: Executor) -> None:
    """Raise `UserError` for an executor that runs only the trials of searches.

    The workers of a Ray cluster have no folder in common with this machine, in which a job could leave a model.
    """
    if executor.executor not in ("local", "serial"):
        raise UserError(
            f"executor={executor.executor} runs trials of searches; permitted here: local, serial."
        )


def done(
    executor: Executor, jobs: Sequence[J], work: Work[J], finished: Callable[[J, Any], None]
) -> list[tuple[J, str]]:
    """Run the jobs on `executor`, and return those that failed, each with the reason; [] if none did.

    finished: is called with each job and its result as soon as the job is done. No process is left, even after an
    exception. Raises `UserError` for an executor that runs only the trials of searches.
    """
    require_jobs(executor)
    queue = _Queue(jobs, finished)
    executor.run(queue, work)  # type: ignore[arg-type]  # a job is a request of its own kind
    return queue.failed


def local(workers: int | None = None, threads: int = 1) -> Executor:
    """Return an executor that runs jobs in a pool of processes on this machine.

    workers: the number of processes; None: one for each CPU core. threads: the number of threads of torch in each.
    """
    return EXECUTORS["local"].model_validate({"executor": "local", "workers": workers, "threads": threads})

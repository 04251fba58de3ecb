"""The jobs that an executor runs outside a search. All jobs are known in advance, and may run in any order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from search.executors import EXECUTORS, Executor
from search.tables.units import clock

_ATTEMPTS = 2
"""The largest number of attempts at a job that fails because of the machine. A job that is run again after a result
(see `Finished`) has as many attempts again."""


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
"""The function that a worker calls for each job: work(job, report). It is defined at the top level of a module."""
Finished = Callable[[J, Any], bool | None]
"""The function that receives each job with its result. If it returns True, a worker gets the job again."""


class _Queue(Generic[J]):
    """The waiting jobs, with the methods of an engine (`search.executors.base.Driven`).

    failed: the jobs that failed, each with the reason.
    """

    def __init__(self, jobs: Iterable[J], finished: Finished[J], packed: Callable[[J], J] | None) -> None:
        self._jobs = {job.number: job for job in jobs}
        self._waiting = deque(self._jobs)
        self._attempts = dict.fromkeys(self._jobs, 0)
        self._finished, self._packed = finished, packed
        self.failed: list[tuple[J, str]] = []

    def next_trial(self) -> J | None:
        if not self._waiting:
            return None
        number = self._waiting.popleft()
        self._attempts[number] += 1
        job = self._jobs[number]
        return self._packed(job) if self._packed else job

    def prepare(self) -> None:
        pass

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        return False

    def on_result(self, number: int, result: Any) -> None:
        if self._finished(self._jobs[number], result):
            self._attempts[number] = 0
            self._waiting.appendleft(number)

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        if retry and self._attempts[number] < _ATTEMPTS:
            self._waiting.append(number)
        else:
            self.failed.append((self._jobs[number], reason))


class Tally:
    """A count of finished jobs, with an estimate of the time that the others will take.

    total: the number of all jobs. left: the number of those that were not finished before the count began.
    """

    def __init__(self, total: int, left: int) -> None:
        self._total, self._left, self._count = total, left, 0
        self._started = time.monotonic()

    def finished(self) -> tuple[str, str]:
        """Count one more job as finished. Return the progress ("3 of 12") and the time left ("about 1:02 left")."""
        self._count += 1
        rest = (time.monotonic() - self._started) / self._count * (self._left - self._count)
        return f"{self._total - self._left + self._count} of {self._total}", f"about {clock(rest)} left"


def done(
    executor: Executor,
    jobs: Sequence[J],
    work: Work[J],
    finished: Finished[J],
    packed: Callable[[J], J] | None = None,
) -> list[tuple[J, str]]:
    """Run the jobs on `executor`, and return those that failed, each with the reason; [] if none did.

    finished: a function that is called with each job and its result, as soon as a worker has returned the result.
    packed: a function that is called with each job before it is sent to another machine, and returns the job with the
    content of the files that it needs. No process is left, even after an exception.
    """
    queue = _Queue(jobs, finished, None if executor.here else packed)
    executor.run(queue, work)  # type: ignore[arg-type]  # a job is a request of its own kind
    return queue.failed


def local(workers: int | None = None, threads: int = 1) -> Executor:
    """Return an executor that runs jobs in a pool of processes on this machine.

    workers: the number of processes; None: the number of CPU cores that this process may use, divided by `threads`.
    threads: the number of threads of torch in each process.
    """
    return EXECUTORS["local"].model_validate({"executor": "local", "workers": workers, "threads": threads})

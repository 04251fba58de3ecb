"""Work for an executor that is no search: jobs that are all known beforehand, done in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from search.executors import EXECUTORS, Executor
from space.refusal import UserError

_ATTEMPTS = 2
"""Of a job whose worker died."""


class Job(Protocol):
    """A job for a worker: a small dataclass that can be pickled.

    One that an executor with GPUs is given has a field `device`, such as "cuda:1", which the worker's replaces.
    """

    @property
    def number(self) -> int:
        """Its own among all jobs."""


J = TypeVar("J", bound=Job)
Work = Callable[[J, Callable[[int, float], None]], Any]
"""work(job, report): what a worker does. A function at the top of a module."""


class _Queue(Generic[J]):
    """Serves an executor as an engine does: see `search.executors.base.Driven`."""

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


def done(
    executor: Executor, jobs: Sequence[J], work: Work[J], finished: Callable[[J, Any], None]
) -> list[tuple[J, str]]:
    """Has `executor` do the jobs and tells `finished` each result as it comes. Returns those that failed, and why.

    No process is left, however it ends. Raises `UserError` for an executor that is made for trials alone.
    """
    if executor.executor not in ("local", "serial"):
        raise UserError(
            f"executor={executor.executor} runs trials of searches; permitted here: local, serial."
        )
    queue = _Queue(jobs, finished)
    executor.run(queue, work)  # type: ignore[arg-type]  # a job is a request of its own kind
    return queue.failed


def local(workers: int | None = None, threads: int = 1) -> Executor:
    """Return a pool of processes on this machine. workers: None means one for each core."""
    return EXECUTORS["local"].model_validate({"executor": "local", "workers": workers, "threads": threads})

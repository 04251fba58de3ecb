"""The trials that Ray Tune runs, with the calls to the engine about them. Importing this module imports Ray."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import ray
from ray.tune.search import Searcher

from search.executors.base import Driven, Evaluate
from search.executors.ray_worker import code
from search.proxy.evaluate import Request

_LOOK = 2.0
"""The seconds after which the capacity of the cluster is read again, since nodes can join and leave."""
_LARGE = 10**5
"""The bytes above which a request goes into Ray's object store, since Tune keeps every configuration in memory."""


class Cluster(Protocol):
    """The settings of `executor=ray` that this module reads. See `search.executors.ray_cluster.RayTune`."""

    @property
    def address(self) -> str | None: ...
    @property
    def timeout(self) -> float | None: ...
    @property
    def occupied(self) -> dict[str, float]: ...
    def fitting(self, available: Mapping[str, float]) -> int: ...


class Raised(BaseException):
    """A wrapper that carries an exception of the engine through Tune.

    Tune would treat any `Exception` as the failure of a trial. error: the exception of the engine.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def _past_tune() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise Raised(error) from error


@dataclass(slots=True)
class _Job:
    """A trial that Tune runs.

    number: the number of the trial in the engine. since: the time on the monotonic clock at which a worker began with
    it, in seconds; None while the trial waits for a worker. answer: the worker's answer, None before it is there.
    """

    number: int
    since: float | None = None
    answer: tuple[str, Any] | None = None


class Trials:
    """The trials that Tune runs, by the names that Tune gives them.

    This class asks the engine for trials, and passes their reports, results and failures on to the engine.
    """

    def __init__(self, executor: Cluster, engine: Driven, evaluate: Evaluate) -> None:
        self._executor, self._engine = executor, engine
        # `evaluate` can hold the weights of a parent, which each node fetches once.
        self._constant = {"evaluate": ray.put(evaluate), "sources": code()}
        self._jobs: dict[str, _Job] = {}
        self._room, self._looked = 0, -_LOOK

    def ask(self, name: str) -> dict[str, Any] | str | None:
        """Return the arguments of the worker for a new trial, which Tune calls `name`.

        None means that no trial can start now, and FINISHED that there are no more trials.
        """
        with _past_tune():
            room = self._places()
            if len(self._jobs) >= room:
                # A single worker waits for the next proposal, so that the proposal can use all results.
                if room > 1:
                    self._engine.prepare()
                return None
            request = self._engine.next_trial()
            if request is None:
                return None if self._jobs else Searcher.FINISHED
            self._jobs[name] = _Job(request.number)
            return {"request": _sent(request), **self._constant}

    def begun(self, name: str) -> None:
        if job := self._jobs.get(name):
            job.since = time.monotonic()

    def stops(self, name: str, epoch: int, loss: float) -> bool:
        """Report the loss of an epoch to the engine. Return True if the trial is over or the engine stops it."""
        with _past_tune():
            job = self._jobs.get(name)
            return job is None or self._engine.on_report(job.number, epoch, loss)

    def answers(self, name: str, answer: tuple[str, Any] | None) -> None:
        """Keep the answer of a worker until Tune says that its trial is over."""
        if job := self._jobs.get(name):
            job.answer = answer

    def ended(self, name: str, result: dict[str, Any]) -> None:
        """Record the end of a trial. result: the last result that Tune received.

        A trial without an answer was stopped by the engine.
        """
        job = self._jobs.get(name)
        if job and job.answer and "epoch" in result and self.stops(name, result["epoch"], result["loss"]):
            job.answer = None
        self._over(name)

    def _over(self, name: str) -> None:
        if (job := self._jobs.pop(name, None)) is None:
            return
        with _past_tune():
            told: tuple[str, Any] = job.answer or ("stopped", "stopped")
            kind, content = told
            if kind == "result":
                self._engine.on_result(job.number, content)
            else:
                self._engine.on_error(job.number, content, retry=kind == "error")

    def lost(self, name: str, reason: str) -> None:
        """Record that the worker of a trial has died. reason: the cause, in one line."""
        self.answers(name, ("error", reason))
        self._over(name)

    def overdue(self, name: str) -> bool:
        """Return True if a trial has taken longer than the timeout of the executor."""
        job, timeout = self._jobs.get(name), self._executor.timeout
        return bool(timeout and job and job.since and time.monotonic() - job.since > timeout)

    @property
    def late(self) -> str:
        return f"took longer than {self._executor.timeout:g} s"

    def look(self) -> None:
        """Raise `ConnectionError` if a private cluster has lost its only node; Tune would wait for another one."""
        with _past_tune():
            if not self._places() and not self._executor.address:
                raise ConnectionError("the Ray cluster of this run has died")

    def _places(self) -> int:
        if time.monotonic() - self._looked > _LOOK:
            self._room = self._executor.fitting(ray.cluster_resources())
            self._looked = time.monotonic()
        return self._room


def _sent(request: Request) -> Any:
    """Return the request, or if it is large a reference to it in Ray's object store, to be sent to the worker."""
    return ray.put(request) if len(ray.cloudpickle.dumps(request)) > _LARGE else request

"""The contracts of executors: checks for all of them, and checks for those whose trials run in separate processes."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence

from search.executors import Executor
from search.executors.jobs import done
from search.proxy.evaluate import Request, Result
from search.testing.evaluations import (
    Parcel,
    deadly,
    faulty,
    looked_up,
    reversed_content,
    telling_its_process,
)
from space import Space


class Recorded:
    """An engine for tests of executors, which hands out `requests` and records the calls of the executor.

    results: the results by trial number. errors: (trial number, reason, True if the trial may be retried). reports:
    (trial number, epoch, loss). stop: the numbers of the trials to stop at their next report, set by the test.
    """

    def __init__(self, requests: Sequence[Request]) -> None:
        self._waiting = list(requests)
        self._requests = {request.number: request for request in requests}
        self.results: dict[int, Result] = {}
        self.errors: list[tuple[int, str, bool]] = []
        self.reports: list[tuple[int, int, float]] = []
        self.stop: set[int] = set()

    def next_trial(self) -> Request | None:
        return self._waiting.pop(0) if self._waiting else None

    def prepare(self) -> None:
        pass

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        self.reports.append((number, epoch, loss))
        return number in self.stop

    def on_result(self, number: int, result: Result) -> None:
        assert number not in self.results
        self.results[number] = result

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        self.errors.append((number, reason, retry))


def trains_all(executor: Executor, requests: Sequence[Request]) -> None:
    """Check that every request gets one result, the same as without an executor. The order is free."""
    engine = Recorded(requests)
    executor.run(engine, looked_up)
    assert engine.results == {r.number: looked_up(r, lambda epoch, loss: None) for r in requests}
    assert not engine.errors


def streams(executor: Executor, requests: Sequence[Request]) -> None:
    """Check that every epoch of a trial is reported, in order."""
    engine = Recorded(requests)
    executor.run(engine, looked_up)
    for request in requests:
        epochs = [epoch for number, epoch, _ in engine.reports if number == request.number]
        assert epochs == list(range(1, request.proxy.epochs + 1))


def cancels(executor: Executor, requests: Sequence[Request]) -> None:
    """Check that a trial that the engine stops fails without a retry, and that the others go on."""
    engine = Recorded(requests)
    engine.stop = {requests[0].number}
    executor.run(engine, looked_up)
    assert [(number, retry) for number, _, retry in engine.errors] == [(requests[0].number, False)]
    assert len(engine.results) == len(requests) - 1


def tells_failures(executor: Executor, requests: Sequence[Request]) -> None:
    """Check that a fault of the network is not retried, and a fault of the machine is."""
    engine = Recorded(requests)
    executor.run(engine, faulty)
    assert sorted((number, retry) for number, _, retry in engine.errors) == [(0, False), (1, True)]
    assert len(engine.errors) + len(engine.results) == len(requests)
    assert all(reason for _, reason, _ in engine.errors)


def carries(executor: Executor, requests: Sequence[Request]) -> None:
    """Check that jobs other than trials also run, each with 1 MB of content in both directions."""
    parcels = [Parcel(request.number, bytes([request.number, 1]) * 500_000) for request in requests]
    found: dict[int, list[bytes]] = {parcel.number: [] for parcel in parcels}

    def finished(parcel: Parcel, content: bytes) -> bool:
        found[parcel.number].append(content)
        return parcel.number == 0 and len(found[0]) == 1  # The first job is continued once.

    assert not done(executor, parcels, reversed_content, finished)
    for parcel in parcels:
        assert found[parcel.number] == [parcel.content[::-1]] * (1 if parcel.number else 2)


EXECUTOR_CONTRACT: Sequence[Callable[[Executor, Sequence[Request]], None]] = (
    trains_all,
    streams,
    cancels,
    tells_failures,
    carries,
)
"""The checks for every executor."""


def tells_deaths(executor: Executor, requests: Sequence[Request]) -> None:
    """Check that a worker that dies fails its attempt, which is retried, and that the others go on."""
    engine = Recorded(requests)
    executor.run(engine, deadly)
    assert [(number, retry) for number, _, retry in engine.errors] == [(requests[0].number, True)]
    assert set(engine.results) == {request.number for request in requests[1:]}


def leaves_nothing(executor: Executor, requests: Sequence[Request]) -> None:
    """Check that no worker is left at the end of a run, also after an error of the engine."""
    engine = Recorded(requests)
    executor.run(engine, telling_its_process)
    workers = {int(loss) for _, _, loss in engine.reports}
    broken = Broken(requests)
    try:
        executor.run(broken, telling_its_process)
    except OSError as error:
        assert str(error) == "no space left on device"  # noqa: PT017 - what is raised here is tested
    else:
        raise AssertionError("an error of the engine was lost")
    workers |= {int(loss) for _, _, loss in broken.reports}
    deadline = time.monotonic() + 20
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers and not any(map(_alive, workers))


class Broken(Recorded):
    """An engine that cannot record a result."""

    def on_result(self, number: int, result: Result) -> None:
        raise OSError("no space left on device")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


PROCESS_CONTRACT: Sequence[Callable[[Executor, Sequence[Request]], None]] = (tells_deaths, leaves_nothing)
"""The additional checks for executors whose trials run in separate processes."""


def requests(count: int, **settings: object) -> tuple[Request, ...]:
    """Return requests for `count` networks of `tiny_space`, numbered from 0.

    settings: further fields of `Request`.
    """
    from search.data.shapes import Shapes
    from search.proxy.proxy import Proxy

    space, rng = Space.load("tiny_space"), random.Random(0)
    proxy = Proxy(resolution=16, epochs=2)
    networks = [str(space.at(space.sample(rng))) for _ in range(count)]
    return tuple(
        Request(number, 1, network, proxy, Shapes(source="shapes"), 0, **settings)  # type: ignore[arg-type]
        for number, network in enumerate(networks)
    )

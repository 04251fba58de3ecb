"""For tests of searches, ours and those of people who extend them: evaluators without training, and contracts.

A sampler or executor of your own passes the house's contract like this:

    import pytest
    from search.testing import SAMPLER_CONTRACT

    @pytest.mark.parametrize("check", SAMPLER_CONTRACT)
    def test_my_sampler(check):
        check(MySampler(sampler="mine"))

So do kinds of data with `SOURCE_CONTRACT`, and executors with `EXECUTOR_CONTRACT`.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from search.config import Config
from search.data.contract import SOURCE_CONTRACT as SOURCE_CONTRACT
from search.evaluate import Request, Result, TrialFailed
from search.executors import Executor
from search.ledger import Record, State
from search.proposals import Proposal, Sampled
from search.samplers import Observation, Sampler
from search.trial import Trial, judge
from space import Refused, Space, cost, decode


def looked_up(request: Request, report: Callable[[int, float], None]) -> Result:
    """An evaluation that trains nothing: a repeatable accuracy, better for networks of medium size."""
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
    """`looked_up` after 0.2 s."""
    time.sleep(0.2)
    return looked_up(request, report)


def fails_once(request: Request, report: Callable[[int, float], None]) -> Result:
    """`looked_up`, but the machine is at fault in every first attempt."""
    if request.attempt == 1:
        raise OSError("no space left on device")
    return looked_up(request, report)


def misbehaving(request: Request, report: Callable[[int, float], None]) -> Result:
    """Fails in a way that the trial's number decides: a fault of the network, of the machine, death, NaN."""
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
    return 0.9 - 0.4 * abs(size - 15_000) / 40_000 + 0.02 * noise


def inside_the_space(sampler: Sampler) -> None:
    """Proposes points of the space, whatever the history."""
    space = _space()
    proposer = sampler.proposer(space.choices)
    history: list[Observation] = []
    for number in range(15):
        point = proposer.propose(history, number)
        assert len(point) == len(space.choices)
        assert all(0 <= i < len(c.options) for i, c in zip(point, space.choices, strict=True))
        history.append(_observed(number, point))


def seeded(sampler: Sampler) -> None:
    """The same history and seed give the same proposal; seeds differ in what they give, unless it says so."""
    space = _space()
    history = _history(space, 12)
    once, again = (sampler.proposer(space.choices).propose(history, 7) for _ in range(2))
    assert once == again
    fresh = {sampler.proposer(space.choices).propose([], seed) for seed in range(10)}
    assert (len(fresh) > 1) == sampler.random


def resumable(sampler: Sampler) -> None:
    """A proposer that was there all the time and one that is new to the history propose the same."""
    space = _space()
    lasting = sampler.proposer(space.choices)
    history: list[Observation] = []
    for number in range(14):
        point = lasting.propose(history, number)
        assert point == sampler.proposer(space.choices).propose(history, number)
        if history:
            history[-1] = _observed(number - 1, history[-1].point)
        history.append(Observation(number, point, None, finished=False))


def tolerant(sampler: Sampler) -> None:
    """Takes failures, running trials and one network many times over."""
    space = _space()
    first = next(space.points())
    history = [_observed(number, first) for number in range(10)]
    history += [Observation(10 + n, first, None, finished=True) for n in range(5)]
    history += [Observation(15 + n, first, None, finished=False) for n in range(3)]
    assert len(sampler.proposer(space.choices).propose(history, 0)) == len(space.choices)


def searches(sampler: Sampler) -> None:
    """In a search with failures, trials still running and a limit: every network is new and keeps the limit."""
    settings = {"space": "tiny_space", "reward": "effnet", "reward.max_params": 5000, "trials": 25}
    config = replace(Config.of(settings), sampler=sampler)
    proposals = Sampled(config)
    trials: list[Trial] = []
    for number in range(24):
        proposal = proposals.next(trials)
        if number == 20:
            assert proposal == Sampled(config).next(trials)
        assert proposal is not None
        trials.append(_trial(config, number, proposal))
    assert len({trial.architecture for trial in trials}) == len(trials)
    assert not any(map(config.reward.exceeds, (trial.architecture for trial in trials)))


def compromises(sampler: Sampler) -> None:
    """Proposes for two objectives side by side, the same for the same history, or refuses to."""
    space = _space()
    try:
        once, again = (
            sampler.compromising(space.choices, 2).propose(_history(space, 12), 7) for _ in range(2)
        )
    except Refused as error:
        assert "reward=pareto" in str(error)  # noqa: PT017 - what is raised here is tested
    else:
        assert once == again
        assert space.at(once)


SAMPLER_CONTRACT: Sequence[Callable[[Sampler], None]] = (
    inside_the_space,
    seeded,
    resumable,
    tolerant,
    searches,
    compromises,
)
"""What every sampler must pass."""


class Recorded:
    """An engine for tests of executors: hands out `requests` and keeps what it is told."""

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
    """Every request is answered once, in any order, with the result it would have alone."""
    engine = Recorded(requests)
    executor.run(engine, looked_up)
    assert engine.results == {r.number: looked_up(r, lambda epoch, loss: None) for r in requests}
    assert not engine.errors


def streams(executor: Executor, requests: Sequence[Request]) -> None:
    """Every epoch is reported, in order, before the result."""
    engine = Recorded(requests)
    executor.run(engine, looked_up)
    for request in requests:
        epochs = [epoch for number, epoch, _ in engine.reports if number == request.number]
        assert epochs == list(range(1, request.proxy.epochs + 1))


def cancels(executor: Executor, requests: Sequence[Request]) -> None:
    """A trial that the engine stops is told as failed, and not to be retried; the others go on."""
    engine = Recorded(requests)
    engine.stop = {requests[0].number}
    executor.run(engine, looked_up)
    assert [(number, retry) for number, _, retry in engine.errors] == [(requests[0].number, False)]
    assert len(engine.results) == len(requests) - 1


def tells_failures(executor: Executor, requests: Sequence[Request]) -> None:
    """The network's own fault is not worth another attempt, the machine's is."""
    engine = Recorded(requests)
    executor.run(engine, faulty)
    assert {retry for _, _, retry in engine.errors} == {False, True}
    assert len(engine.errors) + len(engine.results) == len(requests)
    assert all(reason for _, reason, _ in engine.errors)


def faulty(request: Request, report: Callable[[int, float], None]) -> Result:
    """Fails by the trial's number: 0, network; 1, machine."""
    if request.number == 0:
        raise TrialFailed("diverged")
    if request.number == 1:
        raise MemoryError
    return looked_up(request, report)


EXECUTOR_CONTRACT: Sequence[Callable[[Executor, Sequence[Request]], None]] = (
    trains_all,
    streams,
    cancels,
    tells_failures,
)
"""What every executor must pass."""


def tells_deaths(executor: Executor, requests: Sequence[Request]) -> None:
    """A worker that dies fails the attempt it was at, which is worth another; the others go on."""
    engine = Recorded(requests)
    executor.run(engine, deadly)
    assert [(number, retry) for number, _, retry in engine.errors] == [(requests[0].number, True)]
    assert set(engine.results) == {request.number for request in requests[1:]}


def leaves_nothing(executor: Executor, requests: Sequence[Request]) -> None:
    """No worker is there when the run is over, also where an error of the engine ended it."""
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


def deadly(request: Request, report: Callable[[int, float], None]) -> Result:
    """Trial 0 ends the process that it runs in."""
    if request.number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return looked_up(request, report)


def telling_its_process(request: Request, report: Callable[[int, float], None]) -> Result:
    """Reports the number of its process as a loss."""
    report(1, float(os.getpid()))
    return looked_up(request, lambda epoch, loss: None)


class Broken(Recorded):
    """An engine that cannot keep a result."""

    def on_result(self, number: int, result: Result) -> None:
        raise OSError("no space left on device")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


PROCESS_CONTRACT: Sequence[Callable[[Executor, Sequence[Request]], None]] = (tells_deaths, leaves_nothing)
"""What executors must pass besides whose trials run in processes of their own."""


def requests(count: int, **settings: object) -> tuple[Request, ...]:
    """Requests for `count` networks of `tiny_space`."""
    from search.data.shapes import Shapes
    from search.proxy import Proxy

    space, rng = _space(), random.Random(0)
    proxy = Proxy(resolution=16, epochs=2)
    networks = [str(space.at(space.sample(rng))) for _ in range(count)]
    return tuple(
        Request(number, 1, network, proxy, Shapes(source="shapes"), 0, **settings)  # type: ignore[arg-type]
        for number, network in enumerate(networks)
    )


def _space() -> Space:
    return Space.load("tiny_space")


def _observed(number: int, point: tuple[int, ...]) -> Observation:
    error, spent = float(sum(point)), float(sum(point[::2]))
    return Observation(number, point, -error - spent, finished=True, objectives=(error, 1 + spent))


def _trial(config: Config, number: int, proposal: Proposal) -> Trial:
    """One of every five fails, the last three still run."""
    state: State = "running" if number > 20 else "failed" if number % 5 == 3 else "complete"
    network = proposal.architecture
    request = Request(number, 1, str(network), config.proxy, config.data, proposal.seed)
    result = looked_up(request, lambda epoch, loss: None) if state == "complete" else None
    return judge(
        Record(
            number, network.digest, str(network), 0, proposal.point, state, 1, "", 0.0, float(number), result
        ),
        config.reward,
        config.reference,
    )


def _history(space: Space, count: int) -> list[Observation]:
    rng = random.Random(3)
    return [_observed(number, space.sample(rng)) for number in range(count)]

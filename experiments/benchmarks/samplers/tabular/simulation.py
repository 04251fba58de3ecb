"""A search of a problem by the real engine, with looked-up trainings and simulated time."""

from __future__ import annotations

import heapq
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from experiments.benchmarks.samplers.tabular.problem import Benchmark
from search.config import Config
from search.engine.engine import Engine
from search.engine.proposals import Sampled
from search.executors import Driven
from search.proxy.evaluate import Request
from search.proxy.proxy import fidelity
from search.pruners import Pruner
from search.samplers import Sampler
from search.trials.ledger import Ledger
from search.trials.trial import Trial
from space import Architecture
from space.timing.device import processor

T = TypeVar("T")
MEMORY = Path("/dev/shm")
"""The folder of the ledgers if it exists: on a disk, writing them would dominate the time."""


@dataclass(frozen=True, slots=True)
class Step:
    """A trial that becomes the selection of the search.

    trials: the trials finished or pruned so far, this one included. seconds: the simulated time so far. seen:
    the reward of the trial in the search. true: the mean reward over the recorded seeds. epochs: the epochs of
    all trainings so far; 0 in searches that were recorded before there were rungs.
    """

    trials: int
    seconds: float
    seen: float
    true: float
    epochs: int = 0


@dataclass(frozen=True, slots=True)
class Searched:
    """The outcome of a search.

    trials: the number of trials finished or pruned. duplicates: the number of proposals of networks that had
    been tried. seconds: the simulated time, including the driver's work. driver_seconds: the CPU time of the
    driver's work. longest_seconds: the CPU time of the longest call of the driver. epochs: the epochs of all
    trainings. processor: the driver's processor, "" if unknown.
    """

    problem: str
    sampler: str
    workers: int
    seed: int
    trials: int
    duplicates: int
    seconds: float
    driver_seconds: float
    longest_seconds: float
    steps: tuple[Step, ...]
    epochs: int = 0
    processor: str = ""


def searched(
    problem: Benchmark,
    name: str,
    sampler: Sampler,
    workers: int,
    seed: int,
    trials: int,
    pruner: Pruner | None = None,
) -> Searched:
    """Run a search of `problem`, and return its outcome. name: the name of the sampler with its pruner, if any."""
    config = problem.config(sampler, trials, seed, pruner)
    simulation = _Workers(problem, seed, workers)
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, closing(Ledger(Path(folder, "ledger"))) as ledger:
        simulation.run(
            Engine(
                config,
                _Available(config, problem),
                ledger,
                partial(fidelity, data_digest="simulated"),
                simulation.watch,
            )
        )
    return Searched(
        problem=problem.name,
        sampler=name,
        workers=workers,
        seed=seed,
        trials=len(simulation.tried),
        duplicates=simulation.duplicates,
        seconds=round(simulation.clock, 1),
        driver_seconds=round(simulation.worked, 3),
        longest_seconds=round(simulation.longest, 3),
        steps=tuple(simulation.steps),
        epochs=simulation.epochs,
        processor=processor(),
    )


class _Available(Sampled):
    """The proposals of a search, without networks that the problem lacks."""

    def __init__(self, config: Config, problem: Benchmark) -> None:
        self._problem = problem
        super().__init__(config)

    def _permits(self, network: Architecture) -> bool:
        return super()._permits(network) and self._problem.available(network)


class _Workers:
    """An executor in simulated time that serves the engine as `executor=local` does."""

    def __init__(self, problem: Benchmark, seed: int, workers: int) -> None:
        self._problem, self._seed, self._free, self._several = problem, seed, workers, workers > 1
        self._events: list[tuple[float, int, Request]] = []
        self.clock = self.worked = self.longest = 0.0
        self.duplicates = self.epochs = 0
        self.tried: set[int] = set()
        """The numbers of the trials that had a training."""
        self.steps: list[Step] = []

    def run(self, engine: Driven) -> None:
        """Carry out the trainings that the engine requests, until it requests no more."""
        while True:
            while self._free and (request := self._driver(engine.next_trial)):
                self._begin(request)
            if not self._events:
                return
            if self._several and not self._free:
                self._driver(engine.prepare)
            when, number, request = heapq.heappop(self._events)
            self.clock = max(self.clock, when)
            self._free += 1
            result = self._problem.result(request, self._seed)
            self.epochs += request.proxy.epochs
            self._driver(lambda n=number, r=result: engine.on_result(n, r))

    def watch(self, trial: Trial) -> None:
        """Record a trial that has finished, was pruned, or is a duplicate."""
        if trial.state == "duplicate":
            self.duplicates += 1
            return
        self.tried.add(trial.number)
        if trial.state != "complete" or trial.terms is None:
            return
        seen = trial.terms.reward
        if not self.steps or seen > self.steps[-1].seen:
            true = self._problem.truths[str(trial.architecture)]
            now = len(self.tried), round(self.clock, 1)
            self.steps.append(Step(*now, round(seen, 6), round(true, 6), self.epochs))

    def _begin(self, request: Request) -> None:
        self._free -= 1
        seconds = self._problem.result(request, self._seed).seconds
        heapq.heappush(self._events, (self.clock + seconds, request.number, request))

    def _driver(self, does: Callable[[], T]) -> T:
        before = time.thread_time()
        answer = does()
        spent = time.thread_time() - before
        self.clock += spent
        self.worked += spent
        self.longest = max(self.longest, spent)
        return answer

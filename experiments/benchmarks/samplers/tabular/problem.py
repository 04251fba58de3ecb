"""Problems for samplers: searches whose trainings are looked up or simulated.

An object with the three methods of `Problem` makes any table a problem. `experiments/README.md` has an example.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import random
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from search.config import Config
from search.proxy.evaluate import Request, Result
from search.pruners import Pruner
from search.samplers import Sampler
from space import Architecture, Space, UserError, decode

POOL = 4096
"""The number of points drawn from a large space to estimate what random search reaches."""
READINGS = 3
"""The number of trainings of each network in the pool."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A training of a network.

    accuracy: the accuracy, 0 to 1. seconds: the duration. step_ratio: S/S0, or another cost relative to a reference,
    which then takes the place of S/S0 in the reward; None if unknown.
    """

    accuracy: float
    seconds: float = 60.0
    step_ratio: float | None = None


class Problem(Protocol):
    """A table of trained networks, or a model of such a table. Three methods are enough to compare samplers on it."""

    def settings(self) -> Mapping[str, Any]:
        """Return the settings of a search: "space", a `Space` or the name of one, and others such as "reward.w"."""

    def train(self, network: Architecture, seed: int) -> Reading | None:
        """Return a training of `network`. Equal seeds give equal trainings.

        None: the table lacks the network, so it must not be proposed.
        """

    def accuracy(self, network: Architecture) -> float:
        """Return the true accuracy of `network`, without noise. Only asked for networks that can be trained."""


class Benchmark(Protocol):
    """A problem as the simulation and its reports see it: names, trainings and true rewards of networks.

    readings, rewards, truths: the trainings, their rewards and the true reward of each network, by canonical string.
    points: the number of points of the space that give each network. deviation: the standard deviation of rewards
    between seeds. levels: numbers of trials. The median best reward of random search after each of them is a level
    that samplers have to reach. shorter: the readings of low-fidelity trainings by their epochs. epochs: the epochs
    of a full training.
    """

    name: str

    @property
    def readings(self) -> Mapping[str, tuple[Reading, ...]]: ...
    @property
    def rewards(self) -> Mapping[str, tuple[float, ...]]: ...
    @property
    def truths(self) -> Mapping[str, float]: ...
    @property
    def points(self) -> Mapping[str, int]: ...
    @property
    def deviation(self) -> float: ...
    @property
    def levels(self) -> tuple[int, ...]: ...
    @property
    def shorter(self) -> Mapping[int, Mapping[str, tuple[Reading, ...]]]: ...
    @property
    def epochs(self) -> int: ...

    def config(self, sampler: Sampler, trials: int, seed: int, pruner: Pruner | None = None) -> Config:
        """Return the configuration of a search of this problem. pruner: None for no pruner."""

    def available(self, network: Architecture) -> bool:
        """Return True if the network can be trained."""

    def result(self, request: Request, run: int) -> Result:
        """Return the result of a training that a search requests; the same in all searches with the number `run`."""


@dataclass(frozen=True)
class Adapted:
    """A `Problem` as a `Benchmark`.

    The levels and the best network are those of the whole space if it has at most `POOL` points. Otherwise they are
    those of a pool of `POOL` random points; networks that searches have selected also count for the best network.
    """

    name: str
    problem: Problem
    levels: tuple[int, ...] = (64, 256)
    shorter: Mapping[int, Mapping[str, tuple[Reading, ...]]] = field(default_factory=dict)

    @cached_property
    def space(self) -> Space:
        """The space of the search."""
        space = self.problem.settings()["space"]
        return space if isinstance(space, Space) else Space.load(str(space))

    @cached_property
    def _base(self) -> Config:
        settings = {key: value for key, value in self.problem.settings().items() if key != "space"}
        return replace(Config.of({**settings, "pruner": "none"}), space=self.space)

    def config(self, sampler: Sampler, trials: int, seed: int, pruner: Pruner | None = None) -> Config:
        """Return the configuration of a search. There are no low-fidelity trainings, so no pruner is used."""
        settings = self._base.settings.model_copy(update={"trials": trials, "seed": seed})
        return replace(self._base, sampler=sampler, settings=settings)

    def available(self, network: Architecture) -> bool:
        """Return True if the problem has a training of the network."""
        return self.problem.train(network, 0) is not None

    def result(self, request: Request, run: int) -> Result:
        """Return a training of the requested network. Its seed follows from the network and from `run`.

        run: the number of the search. Raises `UserError` if the problem lacks the network.
        """
        digest = hashlib.sha256(f"{run} {request.architecture}".encode()).digest()
        reading = self.problem.train(decode(request.architecture), int.from_bytes(digest[:4]))
        if reading is None:
            raise UserError(f"{self.name} lacks {request.architecture}, which was proposed.")
        return as_result(reading, request.proxy.epochs)

    @cached_property
    def epochs(self) -> int:
        """The epochs of a full training."""
        return self._base.proxy.epochs

    @cached_property
    def points(self) -> Mapping[str, int]:
        """The number of points that give each network, by the network's canonical string.

        The points are all points of a small space, or `POOL` random ones of a larger space (the pool). Networks that
        exceed the limits or that the problem lacks are left out. Raises `UserError` if no network is left.
        """
        if math.prod(len(choice.options) for choice in self.space.choices) <= POOL:
            pool = list(self.space.points())
        else:
            rng = random.Random(0)
            pool = [self.space.sample(rng) for _ in range(POOL)]
        counts = Counter(map(self.space.at, pool))
        permitted = {network for network in counts if not self._base.exceeded(network)}
        points = {str(n): count for n, count in counts.items() if n in permitted and self.available(n)}
        if not points:
            raise UserError(f"{self.name} has no network that can be trained and keeps the limits.")
        return points

    @cached_property
    def readings(self) -> Mapping[str, tuple[Reading, ...]]:
        """The trainings of each network in the pool with `READINGS` seeds, by canonical string."""
        trained = {
            text: [self.problem.train(decode(text), seed) for seed in range(READINGS)] for text in self.points
        }
        return {text: tuple(reading for reading in own if reading) for text, own in trained.items()}

    @cached_property
    def rewards(self) -> Mapping[str, tuple[float, ...]]:
        """The rewards of the trainings in `readings`, by canonical string."""
        return {
            text: tuple(self._reward(text, reading.accuracy, reading) for reading in own)
            for text, own in self.readings.items()
        }

    @cached_property
    def truths(self) -> Mapping[str, float]:
        """The true reward of each network, by canonical string. Networks outside the pool are added on access."""
        return _Computed(self._truth, self.points)

    @cached_property
    def deviation(self) -> float:
        """The standard deviation of rewards between seeds, pooled over the networks in the pool."""
        return math.sqrt(statistics.fmean(map(statistics.variance, self.rewards.values())))

    def _truth(self, text: str) -> float:
        network = decode(text)
        reading = self.problem.train(network, 0)
        return self._reward(text, self.problem.accuracy(network), reading)

    def _reward(self, text: str, accuracy: float, reading: Reading | None) -> float:
        ratio = reading.step_ratio if reading else None
        return self._base.reward.score(accuracy, ratio, decode(text), self._base.reference).reward


class _Computed(dict[str, float]):
    """A dictionary that computes the value of a missing key."""

    def __init__(self, compute: Any, keys: Sequence[str] | Mapping[str, Any]) -> None:
        self._compute = compute
        super().__init__({key: compute(key) for key in keys})

    def __missing__(self, key: str) -> float:
        self[key] = value = self._compute(key)
        return float(value)


def as_result(reading: Reading, epochs: int) -> Result:
    """Return a reading as the result of a training of `epochs` epochs."""
    return Result(
        accuracy=reading.accuracy,
        loss=1 - reading.accuracy,
        epochs=epochs,
        images=1,
        seconds=reading.seconds,
        images_per_second=1 / reading.seconds,
        curve=(),
        step_ratio=reading.step_ratio,
    )


def load(word: str) -> Adapted:
    """Return the problem "my_module:problem": an object with the methods of `Problem`, or a class of such objects.

    Raises `UserError` for another form of word, and for an object that cannot be imported or lacks a method.
    """
    module, colon, name = word.partition(":")
    if not (module and colon and name):
        raise UserError(f"--problem {word}: write MODULE:NAME, such as my_module:problem.")
    try:
        problem = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"--problem {word}: {error}.") from None
    problem = problem() if isinstance(problem, type) else problem
    missing = [
        each for each in ("settings", "train", "accuracy") if not callable(getattr(problem, each, None))
    ]
    if missing:
        raise UserError(f"--problem {word} lacks the method {missing[0]}().")
    return Adapted(word.replace(":", "."), problem)

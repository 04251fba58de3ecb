"""What a search will take on this machine, before it is begun: a few steps of three of its networks are taken."""

from __future__ import annotations

import math
import random
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from search.config import Config
from search.data import Dataset
from search.executors.base import cores
from search.proxy.proxy import proxy_architecture, timed
from search.pruners.rungs import RemainingWork, remaining_work
from search.tables.units import clock
from space import Architecture, cost

_DRAWN = 15
"""Networks drawn to find a small, a middling and a large one among: those at a tenth, a half and nine tenths."""
_FORWARD = 1 / 3
"""What an image costs in validation, of what it costs in training: a step is a forward and a backward pass."""
_TOLD = 700
"""Bytes of the ledger for a trial: 661, by `experiments/benchmarks/engine/ledger_size.py` for 5,000 trials of effv2."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a search will take.

    trial: seconds of a small, a middling and a large one of random networks; a sampler may come to prefer others.
    finals: trainings of the finals. total: seconds on the clock for all trials and the finals, or the budget; None
    where neither is set. memory: bytes of one worker. disk: bytes that the run adds.
    """

    trial: tuple[float, float, float]
    finals: int
    parallel: int
    total: float | None
    memory: int
    disk: int


def estimate(config: Config, data: Dataset) -> Estimate:
    """The estimate for a search of these data, each worker having a core of its own. Trains for seconds."""
    spread = _spread(config)
    with _threads(config):
        # It takes turns with the same reference whichever network it is of.
        measuring = _measuring(spread[1], config, data)
        small, middling, large = (measuring + _training(network, config, data) for network in spread)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    again = _again(config, remaining_work(config.ladder, (), config.settings.trials or 0))
    disk = _TOLD * ((config.settings.trials or 1000) + again)
    parallel = config.executor.parallel or 1
    return Estimate((small, middling, large), again, parallel, _total(config, middling), peak, disk)


def trainings(config: Config, data: Dataset) -> float | None:
    """Seconds on the clock of all trainings of a search, if each takes what a middling network's does, or its budget.

    None for a search without an end. Takes some steps of a network.
    """
    _, middling, _ = _spread(config)
    with _threads(config):
        return _total(config, _training(middling, config, data))


def _total(config: Config, trial: float) -> float | None:
    """Seconds on the clock of a search whose trials take `trial` each; None where nothing ends it."""
    settings = config.settings
    ends = [settings.budget] if settings.budget is not None else []
    if settings.trials is not None:
        ahead, parallel = remaining_work(config.ladder, (), settings.trials), config.executor.parallel or 1
        again = _again(config, ahead)
        ends.append(trial * (math.ceil(ahead.work / parallel) + math.ceil(again / parallel)))
    return min(ends, default=None)


def _again(config: Config, ahead: RemainingWork) -> int:
    """The trainings of the finals, at most."""
    base = bool(config.settings.first) or config.space.find(config.base) is not None
    return config.finals.trainings(ahead.complete, base)


def told(found: Estimate, config: Config) -> Iterator[str]:
    """The estimate in a few lines."""
    small, middling, large = (f"{seconds:.0f}" for seconds in found.trial)
    yield f"a trial: about {middling} s, of random networks ({small} s for a small one, {large} s for a large one)"
    trials = f"{config.settings.trials} trials" if config.settings.trials else "the budget"
    trials += f" and {found.finals} trainings with fresh seeds" if found.finals else ""
    if found.total is not None:
        yield f"{trials}, {found.parallel} at a time: about {clock(found.total)}"
    yield from _rungs(config)
    yield f"memory: about {found.memory / 1e9:.1f} GB for each of {found.parallel} workers"
    yield f"disk: about {max(1, round(found.disk / 1e6))} MB in runs/; the images are in the cache already"
    if found.parallel > cores():
        yield f"{found.parallel} workers share {cores()} cores: it will take longer than that"


def _rungs(config: Config) -> Iterator[str]:
    """What rungs make of that time, where there are any."""
    ladder = config.ladder
    if len(ladder.epochs) == 1:
        return
    every = ", ".join(map(str, ladder.epochs))
    if not ladder.pilots:
        yield f"in it, of the networks at each of the rungs of {every} epochs one in {ladder.eta} goes on"
        return
    yield (
        f"in it, the first {ladder.pilots} networks are trained for {every} epochs each; if that shows that fewer"
        " epochs rank as all do, the rest takes less"
    )


def _spread(config: Config) -> tuple[Architecture, ...]:
    """A small, a middling and a large network of the space, all within the limits."""
    rng, space = random.Random(config.settings.seed), config.space
    drawn = [space.at(space.sample(rng)) for _ in range(20 * _DRAWN)]
    kept = [network for network in drawn if not config.limit.exceeded(network)][:_DRAWN] or drawn
    kept.sort(key=lambda network: cost(network).macs)
    return tuple(kept[round(share * (len(kept) - 1))] for share in (0.1, 0.5, 0.9))


def _measuring(full: Architecture, config: Config, data: Dataset) -> float:
    """Seconds on the clock of measuring a trial's step time, where that is done."""
    from search.proxy.measure import measure

    if "step" not in config.reward.costs or config.forecast:
        return 0.0
    begun = time.perf_counter()
    measure(*timed(full, config.reference, config.proxy, len(data.classes), data.channels), config.proxy)
    return time.perf_counter() - begun


def _training(full: Architecture, config: Config, data: Dataset) -> float:
    """Seconds on the clock of a trial's training and validation."""
    proxy = config.proxy
    step = _step(proxy_architecture(full, proxy, len(data.classes), data.channels), config)
    images = min(proxy.images or len(data.train), len(data.train)) * proxy.epochs
    validated = min(proxy.validation_images or len(data.validation), len(data.validation))
    return step * (images + _FORWARD * validated) / proxy.batch


def _step(network: Architecture, config: Config) -> float:
    """Seconds of one training step of the proxy network on the clock. Noise costs what images do."""
    import torch

    from search.proxy.device import choose_device, precision_on
    from space.network.network import build
    from space.timing.ratio import step_ratio

    proxy = config.proxy
    place = choose_device(proxy.device)
    built = build(network).to(place).to(memory_format=torch.channels_last)
    size = (proxy.batch, network.channels, network.resolution, network.resolution)
    batch = torch.randn(size, device=place).to(memory_format=torch.channels_last)
    labels = torch.zeros(proxy.batch, dtype=torch.long, device=place)
    precision = precision_on(place, proxy.precision)
    dtype = None if precision == torch.float32 else precision
    return step_ratio(built, built, batch, labels, pairs=3, max_pairs=3, dtype=dtype).wall_ms / 1e3


@contextmanager
def _threads(config: Config) -> Iterator[None]:
    """torch has as many threads here as it has in a worker."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(config.executor.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)

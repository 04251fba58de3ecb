"""What a search will take on this machine, before it is begun: a few steps of three of its networks are taken."""

from __future__ import annotations

import math
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from search.config import Config
from search.data import Dataset
from search.display import clock
from search.executors.executor import cores
from search.proxy import proxy_architecture, timed
from space import Architecture, cost

_DRAWN = 15
"""Networks drawn to find a small, a middling and a large one among: those at a tenth, a half and nine tenths."""
_FORWARD = 1 / 3
"""What an image costs in validation, of what it costs in training: a step is a forward and a backward pass."""
_TOLD = 700
"""Bytes of the ledger for a trial: 661, by `experiments/benchmarks/ledger_size.py` for 5,000 trials of effv2."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a search will take.

    trial: seconds of a small, a middling and a large network of the space. again: trainings of the finals. total:
    seconds on the clock for all trials and the finals, or the budget; None where neither is set. memory: bytes of
    one worker. disk: bytes that the run adds.
    """

    trial: tuple[float, float, float]
    again: int
    parallel: int
    total: float | None
    memory: int
    disk: int


def estimate(config: Config, data: Dataset) -> Estimate:
    """The estimate for a search of these data, each worker having a core of its own. Trains for seconds."""
    small, middling, large = (_seconds(network, config, data) for network in _spread(config))
    limits = config.limits
    parallel = config.executor.parallel or 1
    ends = [limits.budget] if limits.budget is not None else []
    again = config.finals.trainings(limits.trials or 0)
    if limits.trials is not None:
        ends.append(middling * (math.ceil(limits.trials / parallel) + math.ceil(again / parallel)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    disk = _TOLD * ((limits.trials or 1000) + again)
    return Estimate((small, middling, large), again, parallel, min(ends, default=None), peak, disk)


def told(found: Estimate, config: Config) -> Iterator[str]:
    """The estimate in a few lines."""
    small, middling, large = (f"{seconds:.0f}" for seconds in found.trial)
    yield f"a trial: about {middling} s ({small} s for a small network of the space, {large} s for a large one)"
    trials = f"{config.limits.trials} trials" if config.limits.trials else "the budget"
    trials += f" and {found.again} trainings of the best with fresh seeds" if found.again else ""
    if found.total is not None:
        yield f"{trials}, {found.parallel} at a time: about {clock(found.total)}"
    yield f"memory: about {found.memory / 1e9:.1f} GB for each of {found.parallel} workers"
    yield f"disk: about {max(1, round(found.disk / 1e6))} MB in runs/; the images are in the cache already"
    if found.parallel > cores():
        yield f"{found.parallel} workers share {cores()} cores: it will take longer than that"


def _spread(config: Config) -> tuple[Architecture, ...]:
    """A small, a middling and a large network of the space, all within the limits."""
    rng, space = random.Random(config.limits.seed), config.space
    drawn = [space.at(space.sample(rng)) for _ in range(20 * _DRAWN)]
    kept = [network for network in drawn if not config.reward.exceeds(network)][:_DRAWN] or drawn
    kept.sort(key=lambda network: cost(network).macs)
    return tuple(kept[round(share * (len(kept) - 1))] for share in (0.1, 0.5, 0.9))


def _seconds(full: Architecture, config: Config, data: Dataset) -> float:
    """Of one trial on the clock: its step time measured, then its training and validation."""
    from search.measuring import measure

    proxy, shape = config.proxy, (len(data.classes), data.channels)
    network = proxy_architecture(full, proxy, *shape)
    begun = time.perf_counter()
    if "step" in config.reward.costs and not config.forecast:
        measure(*timed(full, config.reference, proxy, *shape), proxy)
    measuring = time.perf_counter() - begun
    images = min(proxy.images or len(data.train), len(data.train)) * proxy.epochs
    validated = min(proxy.validation_images or len(data.validation), len(data.validation))
    step = _step(network, config)
    return measuring + step * (images + _FORWARD * validated) / proxy.batch


def _step(network: Architecture, config: Config) -> float:
    """Seconds of one training step of the proxy network on the clock. Noise costs what images do."""
    import torch

    from search.training import choose_device, precision_on
    from space.model import build
    from space.timing import step_ratio

    proxy = config.proxy
    place = choose_device(proxy.device)
    before = torch.get_num_threads()
    torch.set_num_threads(config.executor.threads)
    try:
        built = build(network).to(place).to(memory_format=torch.channels_last)
        size = (proxy.batch, network.channels, network.resolution, network.resolution)
        batch = torch.randn(size, device=place).to(memory_format=torch.channels_last)
        labels = torch.zeros(proxy.batch, dtype=torch.long, device=place)
        precision = precision_on(place, proxy)
        dtype = None if precision == torch.float32 else precision
        return step_ratio(built, built, batch, labels, pairs=3, most=3, dtype=dtype).wall_ms / 1e3
    finally:
        torch.set_num_threads(before)

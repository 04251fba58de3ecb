"""The time, memory and disk space of a search on this machine, estimated from a few steps of three networks."""

from __future__ import annotations

import math
import random
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.synchronize import Semaphore
from statistics import mean

from search.config import Config
from search.data import Dataset
from search.executors.base import cores
from search.executors.child import in_child
from search.executors.gpus import gpus_for
from search.proxy.proxy import proxy_architecture, timed
from search.pruners.rungs import RemainingWork, remaining_work
from search.runs.exchange import spans
from search.tables.units import clock, plural
from space import Architecture, cost, decode

_DRAWN = 15
"""The number of random networks drawn. Those at the 10 %, 50 % and 90 % quantiles of multiply-adds are timed."""
_DRAWS = 1500
"""The most random networks to draw, to find `_DRAWN` within the limits."""
_FORWARD = 1 / 3
"""The cost of an image in validation relative to training, where the backward pass costs two forward passes."""
_PATIENCE = 60.0
"""The most seconds to wait until the other processes train."""
_ROW = 700
"""The bytes of a trial in the ledger: 661 with 5,000 trials of effv2
(`experiments/benchmarks/engine/ledger_size.py`)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimate for a search.

    trial: the seconds of a trial of a small, a medium and a large random network, by multiply-adds; a sampler may
    prefer other networks. Time does not always rise with multiply-adds: a small network can have more layers.
    finals: the largest number of trainings in the finals. profile: the seconds of measuring a device profile first,
    None if none is measured. parallel: the number of workers, 1 if it is unknown. total: the wall-clock seconds of
    the profile, and of all trials and the finals, which take the budget at most; None if neither a number of trials
    nor a budget is set. memory: the bytes of main memory that one worker holds. disk: the bytes of the run's ledger,
    with 1,000 trials if their number is not set.
    """

    trial: tuple[float, float, float]
    finals: int
    profile: float | None
    parallel: int
    total: float | None
    memory: int
    disk: int


def estimate(config: Config, data: Dataset, steps: float | None, latencies: float | None = None) -> Estimate:
    """Return the estimate for a search on these data.

    If trials run on this machine's CPU, other networks are trained during the timing, as many as in the search.
    steps, latencies: the seconds of measuring a profile of step times and one of latencies first, None if none is
    measured.
    """
    if gpus_for(config.proxy.device):
        return in_child(_on_gpu, config, steps, latencies)
    return _estimate(config, data, steps, latencies)


def _on_gpu(config: Config, steps: float | None, latencies: float | None) -> Estimate:
    return _estimate(config, config.dataset(), steps, latencies)


def _estimate(config: Config, data: Dataset, steps: float | None, latencies: float | None) -> Estimate:
    profile = sum(seconds for seconds in (steps, latencies) if seconds) or None
    spread = _spread(config)
    with _threads(config), _neighbours(spread[1], config, data):
        # A measurement takes as long for every network. Trials measure nothing if a profile is made first.
        measuring = _measuring(spread[1], config, data) if steps is None else 0.0
        training = [_training(network, config, data) for network in spread]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    again = _again(config, remaining_work(config.ladder, (), config.settings.trials or 0))
    disk = _ROW * ((config.settings.trials or 1000) + again)
    parallel = config.executor.parallel or 1
    # Finals measure no step times.
    typical = mean(training)
    trials = _total(config, typical + measuring, typical)
    total = None if trials is None else trials + (profile or 0.0)
    small, medium, large = (measuring + seconds for seconds in training)
    return Estimate((small, medium, large), again, profile, parallel, total, peak, disk)


@contextmanager
def _neighbours(full: Architecture, config: Config, data: Dataset) -> Iterator[None]:
    """Keep other processes training while times are measured: as many as will train beside a worker in the search.

    Two workers on the two threads of one physical core take nearly twice the time of one that works alone. On GPUs,
    and if trials run on other machines, no other process trains.
    """
    others = min(config.executor.parallel or 1, cores()) - 1
    if others < 1 or not config.executor.here or gpus_for(config.proxy.device):
        yield
        return
    context = get_context("spawn")
    ready = context.Semaphore(0)
    network = proxy_architecture(full, config.proxy, len(data.classes), data.channels)
    processes = [
        context.Process(target=_keep_training, args=(network, config, ready), daemon=True)
        for _ in range(others)
    ]
    try:
        for process in processes:
            process.start()
        for _ in processes:
            ready.acquire(timeout=_PATIENCE)
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _keep_training(network: Architecture, config: Config, ready: Semaphore) -> None:
    """Train the proxy network `network` until the process is killed. Release `ready` after the first steps."""
    with _threads(config):
        _step(network, config)
        ready.release()
        while True:
            _step(network, config)


def trainings(config: Config, data: Dataset) -> float | None:
    """Return the wall-clock seconds of all trainings of a search, at most its budget.

    Returns None if neither a number of trials nor a budget is set. Some steps of a medium network are timed, and all
    trainings are assumed to take as long as its training.
    """
    _, medium, _ = _spread(config)
    with _threads(config):
        training = _training(medium, config, data)
    return _total(config, training, training)


def _total(config: Config, trial: float, final: float) -> float | None:
    """Return the wall-clock seconds of a search; None if neither a number of trials nor a budget is set.

    trial: the seconds of a trial. final: the seconds of a training in the finals.
    """
    settings = config.settings
    ends = [settings.budget] if settings.budget is not None else []
    if settings.trials is not None:
        ahead, parallel = remaining_work(config.ladder, (), settings.trials), config.executor.parallel or 1
        again = _again(config, ahead)
        ends.append(trial * math.ceil(ahead.work / parallel) + final * math.ceil(again / parallel))
    return min(ends, default=None)


def _again(config: Config, ahead: RemainingWork) -> int:
    """Return the largest number of trainings that the finals can have."""
    base = bool(config.settings.first) or config.space.find(config.base) is not None
    return config.finals.trainings(ahead.complete, base)


def lines(estimate: Estimate, config: Config) -> Iterator[str]:
    """Yield the estimate in a few lines."""
    small, medium, large = (f"{seconds:.0f}" for seconds in estimate.trial)
    yield (
        f"a trial: about {mean(estimate.trial):.0f} s (a small, a medium and a large network: "
        f"{small}, {medium} and {large} s)"
    )
    if estimate.profile is not None:
        yield f"a device profile, measured first: about {clock(estimate.profile)}"
    trials, budget = config.settings.trials, config.settings.budget
    if trials is None:
        parts = ["the budget"]
    elif budget is not None and estimate.total == budget + (estimate.profile or 0.0):
        parts = [f"the budget, which ends before {plural(trials, 'trial')}"]
    else:
        parts = [plural(trials, "trial")]
        parts += [f"{plural(estimate.finals, 'training')} with fresh seeds"] if estimate.finals else []
    parts += ["the profile"] if estimate.profile is not None else []
    if estimate.total is not None:
        yield f"{' and '.join(parts)}, {estimate.parallel} at a time: about {clock(estimate.total)}"
    yield from _rungs(config)
    yield from map(str, spans(config))
    yield f"memory: about {estimate.memory / 1e9:.1f} GB for each of {plural(estimate.parallel, 'worker')}"
    yield f"disk: about {max(1, round(estimate.disk / 1e6))} MB in runs/; the images are already in the cache"
    if estimate.parallel > cores():
        yield f"{estimate.parallel} workers share {plural(cores(), 'core')}, so the search will take longer"


def _rungs(config: Config) -> Iterator[str]:
    """Yield a line on the time that rungs save, if there are any rungs."""
    ladder = config.ladder
    if len(ladder.epochs) == 1:
        return
    every = ", ".join(map(str, ladder.epochs))
    if not ladder.pilots:
        yield f"trainings have {every} epochs: after each but the longest, one network in {ladder.eta} goes on"
        return
    yield (
        f"the first {ladder.pilots} networks are each trained for {every} epochs; if the shorter trainings rank them"
        " as the longest does, the other networks take less time"
    )


def _spread(config: Config) -> tuple[Architecture, ...]:
    """Return a small, a medium and a large network of the space. They keep the limits, unless no random draw does.

    Limits on times cannot be checked, since no times are predicted yet. If there is one and the setting `first` lists
    networks, networks with more multiply-adds than the largest of these are left out.
    """
    rng, space = random.Random(config.settings.seed), config.space
    first = [cost(decode(text)).macs for text in config.settings.first]
    most = max(first) if first and any(config.limit.predicted) else math.inf
    drawn = (space.at(space.sample(rng)) for _ in range(_DRAWS))
    permitted = (one for one in drawn if cost(one).macs <= most and not config.limit.exceeded(one))
    allowed = list(islice(permitted, _DRAWN)) or [space.at(space.sample(rng)) for _ in range(_DRAWN)]
    allowed.sort(key=lambda network: cost(network).macs)
    return tuple(allowed[round(share * (len(allowed) - 1))] for share in (0.1, 0.5, 0.9))


def _measuring(full: Architecture, config: Config, data: Dataset) -> float:
    """Return the wall-clock seconds of measuring a trial's step time; 0 if it is not measured."""
    from search.proxy.measure import measure

    if "step" not in config.reward.costs or config.forecast:
        return 0.0
    begun = time.perf_counter()
    measure(*timed(full, config.reference, config.proxy, len(data.classes), data.channels), config.proxy)
    return time.perf_counter() - begun


def _training(full: Architecture, config: Config, data: Dataset) -> float:
    """Return the wall-clock seconds of a trial's training and validation."""
    proxy = config.proxy
    step = _step(proxy_architecture(full, proxy, len(data.classes), data.channels), config)
    images = min(proxy.images or len(data.train), len(data.train)) * proxy.epochs
    validated = min(proxy.validation_images or len(data.validation), len(data.validation))
    return step * (images + _FORWARD * validated) / proxy.batch


def _step(network: Architecture, config: Config) -> float:
    """Return the wall-clock seconds of one training step of the proxy network. Random noise stands for the images."""
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
    """Give torch as many threads as it has in a worker."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(config.executor.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)

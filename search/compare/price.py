"""The time that trainings will take, estimated from a few timed steps of each network on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.compare.contender import Contender
from search.compare.plan import Plan, task_of
from search.compare.rates import representatives
from search.executors.child import in_child
from search.executors.gpus import gpus_for
from search.tables.units import clock, plural
from search.training.task import Task
from space import Architecture

_FORWARD = 1 / 3
"""The cost of an image in validation relative to training, where the backward pass costs two forward passes."""
_MAX_BATCH = 32
"""The largest number of images in a timed step. The time of a larger batch is assumed to be proportional."""


@dataclass(frozen=True, slots=True)
class Price:
    """The estimated time of trainings.

    trainings: the number of trainings. seconds: the sum of their durations, if each runs alone on a worker. threads:
    the cores of a worker. parallel: the number of workers; None if it is known only when the trainings run.
    """

    trainings: int
    seconds: float
    threads: int
    parallel: int | None

    @property
    def core_hours(self) -> float:
        """The hours of all trainings, times the cores of a worker."""
        return self.seconds * self.threads / 3600

    def __str__(self) -> str:
        work = f"estimate: {plural(self.trainings, 'training')}, {self.core_hours:.2g} core-hours"
        if self.parallel is None:
            return f"{work}, with as many at a time as the cluster has room for"
        wall = self.seconds / max(1, min(self.parallel, self.trainings))
        return f"{work}, about {clock(wall)} with {self.parallel} at a time"


def all_tasks(plan: Plan, every: Sequence[Contender]) -> list[Task]:
    """Return all trainings of a comparison from its start: those that select learning rates, and the others."""
    seed, rates = plan.seeds[0], plan.settings.rates
    chosen = representatives(every).values() if len(rates) > 1 else ()
    tries = [task_of(plan, one, seed, rate) for one in chosen for rate in rates]
    # The training with the best rate is also one of the comparison, so it is not counted again.
    others = [
        task_of(plan, one, own) for one in every for own in plan.seeds if own != seed or one not in chosen
    ]
    return tries + others


def price(plan: Plan, every: Sequence[Contender]) -> Price:
    """Return the estimated time of a comparison from its start. A few steps of each distinct network are timed."""
    if gpus_for(plan.recipe.device):
        return in_child(_price, plan, tuple(every))
    return _price(plan, tuple(every))


def _price(plan: Plan, every: tuple[Contender, ...]) -> Price:
    from search.data import load

    tasks = all_tasks(plan, every)
    steps = dict.fromkeys((task.architecture for task in tasks), 0.0)
    for network in steps:
        steps[network] = image_seconds(network, plan)
    splits = {r: load(plan.source, r) for r in {network.resolution for network in steps}}
    seconds = 0.0
    for task in tasks:
        data = splits[task.architecture.resolution]
        images = plan.recipe.epochs * (len(data.train) + _FORWARD * len(data.validation))
        seconds += images * steps[task.architecture]
    return Price(len(tasks), seconds, plan.executor.threads, plan.executor.parallel)


def image_seconds(network: Architecture, plan: Plan) -> float:
    """Return the wall-clock seconds per image of a training step of `network`, measured on random noise."""
    import torch

    from search.proxy.device import choose_device
    from space.network.network import build
    from space.timing.ratio import step_ratio

    threads, place = torch.get_num_threads(), choose_device(plan.recipe.device)
    batch = min(plan.recipe.batch, _MAX_BATCH)
    torch.set_num_threads(plan.executor.threads)
    try:
        with torch.random.fork_rng(devices=[]):
            built = build(network).to(place).to(memory_format=torch.channels_last)
            size = (batch, network.channels, network.resolution, network.resolution)
            images = torch.randn(size).to(place).to(memory_format=torch.channels_last)
        labels = torch.zeros(batch, dtype=torch.long, device=place)
        return step_ratio(built, built, images, labels, pairs=2, warmup=1, max_pairs=2).wall_ms / 1e3 / batch
    finally:
        torch.set_num_threads(threads)

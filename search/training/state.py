"""All that a full training changes: as it begins, as it is kept on disk, and as it is taken up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from search.data import Dataset, load
from search.data.balance import class_weights
from search.proxy.device import choose_device, precision_on
from search.proxy.ema import Average
from search.proxy.failure import TrialFailed
from search.training.checkpoint import Progress, read_progress, restore, write_checkpoint
from search.training.distributed import Team
from search.training.initial_weights import Beginning, beginning, frozen
from search.training.optimizer import optimiser_of
from search.training.recipe import Recipe
from search.training.task import Task
from space.refusal import UserError


@dataclass(eq=False)
class State:
    """All that a training changes, and what it needs for that. forward: the network as it is run."""

    task: Task
    team: Team
    folder: Path
    device: torch.device
    data: Dataset
    began: Beginning
    network: nn.Module
    forward: Callable[[Tensor], Tensor]
    still: list[nn.Module]
    optimiser: torch.optim.Optimizer
    average: Average | None
    scaler: torch.amp.GradScaler
    weights: Tensor | None
    progress: Progress
    losses: list[Tensor]
    kept: float

    @property
    def recipe(self) -> Recipe:
        return self.task.recipe


def begun(task: Task, folder: Path, us: Team) -> State:
    """The training at its beginning, or where its last checkpoint left it."""
    recipe = task.recipe
    device = choose_device(us.device(recipe.device))
    data = load(task.source, task.architecture.resolution)
    progress = _progress(task, folder, data)
    began = beginning(task.architecture, task.weights, task.seed, (data.mean, data.std), recipe.drop_path)
    network = began.network.to(device)
    if recipe.channels_last:
        network.to(memory_format=torch.channels_last)
    still = frozen(began.network, task.freeze)
    forward = us.spread(network)
    balanced = data.balance == "loss"
    labels = torch.tensor(data.train.labels)
    state = State(
        task=task,
        team=us,
        folder=folder,
        device=device,
        data=replace(data, mean=began.conventions.mean, std=began.conventions.std),
        began=began,
        network=network,
        forward=torch.compile(forward) if recipe.compile else forward,
        still=still,
        optimiser=optimiser_of(network, recipe),
        average=Average(network, recipe.ema) if recipe.ema else None,
        scaler=torch.amp.GradScaler(
            device.type, enabled=precision_on(device, recipe.precision) == torch.float16
        ),
        weights=class_weights(labels, len(data.classes)).to(device) if balanced else None,
        progress=progress,
        losses=[],
        kept=time.monotonic(),
    )
    if progress.tensors:
        restore(folder, progress, network, state.optimiser, state.average)
        state.scaler.load_state_dict(dict(progress.scaler))
    return state


def _progress(task: Task, folder: Path, data: Dataset) -> Progress:
    """How far the training in `folder` is; torch has the number of threads that it was begun with."""
    found = read_progress(folder)
    threads = found.threads if found else task.threads
    if threads:
        torch.set_num_threads(threads)
    if found is None:
        return Progress(data=data.digest, threads=torch.get_num_threads())
    if found.data != data.digest:
        raise UserError(f"The data of {folder} have changed since, or what this version makes of them.")
    return found


def look(state: State) -> None:
    """Adds up the losses since the last look. Raises `TrialFailed` if one of them is not a finite number."""
    values: list[float] = torch.stack(state.losses).tolist() if state.losses else []
    first = state.progress.step - len(values)
    for step, value in enumerate(values, start=first + 1):
        if not math.isfinite(value):
            raise TrialFailed(f"The training loss became {value} at step {step}.")
        # One by one, so that where looks fall changes no bit of the sum.
        state.progress.loss += value
    state.losses.clear()


def keep(state: State, started: float) -> float:
    """Writes a checkpoint; `started` is since when seconds have not been counted. Returns since when now."""
    look(state)
    now = time.perf_counter()
    state.progress.seconds += now - started
    state.progress.scaler = dict(state.scaler.state_dict())
    if state.team.leads:
        write_checkpoint(state.folder, state.progress, state.network, state.optimiser, state.average)
    state.kept = time.monotonic()
    return now

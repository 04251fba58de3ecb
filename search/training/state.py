"""The state of a full training: its creation, its checkpoints, and its resume."""

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
from search.training.distributed import Processes
from search.training.elastic import Elastic
from search.training.initial_weights import InitialNetwork, freeze_parts, initial_network
from search.training.optimizer import optimizer_of
from search.training.recipe import Recipe
from search.training.task import Task
from space.refusal import UserError


@dataclass(eq=False)
class State:
    """The state of a training and the objects that change it.

    initial: the result of `initial_network`. network: the network of `initial`, which is trained. forward: the
    callable form of `network`: wrapped for several processes, and compiled if the recipe says so. frozen: the modules
    that are not trained. average: the running average of the weights; None: no average. class_weights: the weights
    (classes,) in a balanced loss; None: all classes weigh the same. losses: the losses of the steps since the last
    check. saved_at: the time of the last checkpoint, as `time.monotonic` returns it. elastic: the children that are
    trained with the network; None: it is trained alone.
    """

    task: Task
    processes: Processes
    folder: Path
    device: torch.device
    data: Dataset
    initial: InitialNetwork
    network: nn.Module
    forward: Callable[[Tensor], Tensor]
    frozen: list[nn.Module]
    optimizer: torch.optim.Optimizer
    average: Average | None
    scaler: torch.amp.GradScaler
    class_weights: Tensor | None
    progress: Progress
    losses: list[Tensor]
    saved_at: float
    elastic: Elastic | None = None

    @property
    def recipe(self) -> Recipe:
        """The recipe of the task."""
        return self.task.recipe


def start_or_resume(task: Task, folder: Path, processes: Processes) -> State:
    """Return the state of the training at its start, or at its last checkpoint in `folder`.

    Raises `UserError` for a task that cannot be carried out, a damaged checkpoint, and data that have changed.
    """
    recipe = task.recipe
    if recipe.children and (processes.size > 1 or task.freeze is not None):
        advice = "train in one process" if processes.size > 1 else "leave out freeze"
        raise UserError(f"A recipe with children needs all layers and one process; {advice}.")
    device = choose_device(processes.device(recipe.device))
    data = load(task.source, task.architecture.resolution)
    _refuse_small_batches(recipe.batch, len(data.train), processes.size)
    progress = _progress(task, folder, data)
    normalised = data.mean, data.std
    initial = initial_network(task.architecture, task.weights, task.seed, normalised, recipe, data.classes)
    network = initial.network.to(device)
    if recipe.channels_last:
        network.to(memory_format=torch.channels_last)
    frozen = freeze_parts(initial.network, task.freeze)
    forward = processes.wrap(network)
    balanced = data.balance == "loss"
    labels = torch.tensor(data.train.labels)
    state = State(
        task=task,
        processes=processes,
        folder=folder,
        device=device,
        data=replace(data, mean=initial.conventions.mean, std=initial.conventions.std),
        initial=initial,
        network=network,
        forward=torch.compile(forward) if recipe.compile else forward,
        frozen=frozen,
        optimizer=optimizer_of(network, recipe),
        average=Average(network, recipe.ema) if recipe.ema else None,
        scaler=torch.amp.GradScaler(
            device.type, enabled=precision_on(device, recipe.precision) == torch.float16
        ),
        class_weights=class_weights(labels, len(data.classes)).to(device) if balanced else None,
        progress=progress,
        losses=[],
        saved_at=time.monotonic(),
    )
    if recipe.children:
        state.elastic = Elastic(
            initial.network, initial.conventions, recipe.children, task.seed, recipe.drop_path
        )
    if progress.tensors:
        restore(folder, progress, network, state.optimizer, state.average)
        state.scaler.load_state_dict(dict(progress.scaler))
    return state


def _refuse_small_batches(batch: int, images: int, processes: int) -> None:
    """Raise `UserError` unless each process has two images of a batch, which batch normalisation needs."""
    if processes > 1 and min(batch, images) < 2 * processes:
        what = f"recipe.batch={batch}" if batch <= images else f"there are {images} training images"
        raise UserError(
            f"{what}: {processes} processes need batches of {2 * processes} images or more, two for each of them."
        )


def _progress(task: Task, folder: Path, data: Dataset) -> Progress:
    """Return the progress of the training in `folder`; without a checkpoint, the progress of a new training.

    If there is a checkpoint, torch's number of threads is set to its number, else to the task's number, if any.
    Raises `UserError` if the checkpoint is damaged or the data have changed since it was written.
    """
    progress = read_progress(folder)
    threads = progress.threads if progress else task.threads
    if threads:
        torch.set_num_threads(threads)
    if progress is None:
        return Progress(data=data.digest, threads=torch.get_num_threads())
    if progress.data != data.digest:
        raise UserError(
            f"{folder}: the data have changed since this training began, or this version reads them differently."
        )
    return progress


def check_losses(state: State) -> None:
    """Add the losses since the last check to the progress. Raises `TrialFailed` if one is not a finite number."""
    values: list[float] = torch.stack(state.losses).tolist() if state.losses else []
    first = state.progress.step - len(values)
    for step, value in enumerate(values, start=first + 1):
        if not math.isfinite(value):
            raise TrialFailed(f"The training loss became {value} at step {step}.")
        # Losses are added one by one, so that the rounding of the sum does not depend on when they are checked.
        state.progress.loss += value
    state.losses.clear()


def save_checkpoint(state: State, counted: float) -> float:
    """Add the time since `counted` to `progress.seconds`, and write a checkpoint in the first process.

    counted: the time up to which `progress.seconds` has counted, as `time.perf_counter` returns it. Returns the value
    of `counted` for the next call. Raises `TrialFailed` as `check_losses` does.
    """
    check_losses(state)
    now = time.perf_counter()
    state.progress.seconds += now - counted
    state.progress.scaler = dict(state.scaler.state_dict())
    if state.processes.is_main:
        write_checkpoint(state.folder, state.progress, state.network, state.optimizer, state.average)
    state.saved_at = time.monotonic()
    return now

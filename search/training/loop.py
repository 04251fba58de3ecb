"""The loop of a full training, from top to bottom: `train`.

    model = train(task, Path("models/mine"))

What it does in every step follows from the task and the number of the step; so a training that was killed and is
taken up ends with the weights that it would have had, on a CPU to the bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

from search.data import Dataset, load, load_test
from search.files import write_file
from search.models.model import Model
from search.proxy.accuracy import Validation
from search.proxy.device import choose_device, precision_on
from search.proxy.failure import TrialFailed
from search.proxy.validation import validate
from search.training.augmentation import Augmentation
from search.training.batches import Epoch, epoch_of, steps_of
from search.training.checkpoint import Passed
from search.training.distributed import team
from search.training.optimizer import clipped
from search.training.progress import Silent, Watch
from search.training.recipe import Stage, rate_at, stages
from search.training.result import finish, model_of
from search.training.rng import draw
from search.training.state import State, begun, keep, look
from search.training.task import DOCUMENT, Task

_LOOK = 50
"""Steps between looks at the losses: see `search.proxy.training`."""


def train(task: Task, folder: Path, watch: Watch | None = None) -> Model:
    """Trains as `task` says and writes the model into `folder`, which it returns.

    Where `folder` holds a checkpoint it is taken up. The weights are the last ones, or their running average if the
    recipe has one. The validation split is looked at on the way; the test split once, at the end. torch's global
    generators and number of threads are left as they were. Under torchrun all processes call this; the first writes.

    Raises `TrialFailed` when a loss is not a finite number, `UserError` for what cannot be.
    """
    watch = watch or Silent()
    with team() as us, _as_before(us.device(task.recipe.device)):
        try:
            state = begun(task, folder, us)
            every = list(stages(task.recipe, task.architecture.resolution))
            steps = steps_of(state.data, task.recipe.batch) * task.recipe.epochs
            if us.leads and not (folder / DOCUMENT).exists():
                write_file(folder / DOCUMENT, yaml.safe_dump(task.document(), sort_keys=False))
            watch.begin(task, state.progress, steps, folder)
            for number, stage in enumerate(every):
                if stage.last > state.progress.epoch:
                    watch.stage(stage, number)
                    _train_stage(state, stage, steps, watch)
            return _finished(state)
        finally:
            watch.end()


@contextmanager
def _as_before(device: str) -> Iterator[None]:
    """torch's generators and number of threads are put back at the end."""
    threads, place = torch.get_num_threads(), choose_device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _train_stage(state: State, stage: Stage, steps: int, watch: Watch) -> None:
    recipe, progress = state.recipe, state.progress
    data = state.data
    if recipe.crop == "shift" and stage.resolution != data.resolution:
        data = load(state.task.source, stage.resolution)
    dropout = state.began.network.get_submodule("head.classifier.dropout")
    assert isinstance(dropout, nn.Dropout)
    dropout.p = stage.dropout
    mean, std = state.began.conventions.mean, state.began.conventions.std
    augmentation = Augmentation(recipe, stage, len(data.classes), mean, std)
    for number in range(max(stage.first, progress.epoch), stage.last):
        own = steps // recipe.epochs
        epoch = epoch_of(data, augmentation, number, state.task.seed, own, state.team)
        _train_epoch(state, epoch, stage, steps, watch)


def _train_epoch(state: State, epoch: Epoch, stage: Stage, steps: int, watch: Watch) -> None:
    recipe, progress, started = state.recipe, state.progress, time.perf_counter()
    state.network.train()
    for part in state.still:
        part.eval()
    for inputs, targets in epoch.batches(progress.taken, recipe.workers):
        # Of dropout and of blocks that are skipped.
        torch.manual_seed(draw(state.task.seed, "network", progress.step, state.team.rank))
        rate = rate_at(recipe, (progress.step + 0.5) / steps)
        state.losses.append(_step(state, inputs, targets, rate))
        progress.step += 1
        progress.taken += 1
        progress.images += len(inputs) * state.team.size
        if state.average:
            state.average.update(state.network, progress.step)
        watch.step(progress, rate)
        if progress.step % _LOOK == 0:
            look(state)
        if progress.taken < epoch.steps and time.monotonic() - state.kept >= recipe.checkpoint:
            started = keep(state, started)
    look(state)
    due = progress.epoch + 1 == recipe.epochs or (progress.epoch + 1) % recipe.validate_every == 0
    found = _evaluate(state, state.data) if due and state.team.leads else None
    progress.seconds += time.perf_counter() - started
    passed = Passed(
        epoch=progress.epoch,
        resolution=stage.resolution,
        loss=progress.loss / epoch.steps,
        seconds=progress.seconds - math.fsum(before.seconds for before in progress.passed),
        accuracy=found.accuracy if found else None,
        validation_loss=found.loss if found else None,
    )
    progress.passed = [*progress.passed, passed]
    progress.epoch, progress.taken, progress.loss = progress.epoch + 1, 0, 0.0
    watch.passed(passed)
    if progress.epoch == recipe.epochs or time.monotonic() - state.kept >= recipe.checkpoint:
        keep(state, time.perf_counter())


def _step(state: State, inputs: Tensor, targets: Tensor, rate: float) -> Tensor:
    """Takes a step on a batch (b, c, h, w) with shares of classes (b, classes). Returns the mean loss, detached."""
    recipe = state.recipe
    for group in state.optimiser.param_groups:
        group["lr"] = rate * group["share"]
    order = torch.channels_last if recipe.channels_last else torch.contiguous_format
    inputs = inputs.to(state.device, non_blocking=True, memory_format=order)
    targets = targets.to(state.device, non_blocking=True)
    dtype = precision_on(state.device, recipe.precision)
    state.optimiser.zero_grad()
    parts = min(recipe.accumulate, len(inputs))
    losses = []
    pairs = zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True)
    for number, (images, shares) in enumerate(pairs, start=1):
        # A team exchanges gradients once a step, not once a part.
        with state.team.apart(state.forward) if number < parts else nullcontext():
            with torch.autocast(state.device.type, dtype, enabled=dtype != torch.float32):
                logits = state.forward(images)
            loss = _loss(logits.float(), shares, recipe.label_smoothing, state.weights)
            loss = loss * (len(images) / len(inputs))
            state.scaler.scale(loss).backward()
        losses.append(loss.detach())
    if recipe.clip is not None:
        state.scaler.unscale_(state.optimiser)
        clipped(state.network.parameters(), recipe.clip)
    state.scaler.step(state.optimiser)
    state.scaler.update()
    return torch.stack(losses).sum()


def _loss(logits: Tensor, shares: Tensor, smoothing: float, weights: Tensor | None) -> Tensor:
    """Mean cross-entropy with shares of classes (b, classes). weights (classes,): how much each class counts."""
    each = functional.cross_entropy(logits, shares, label_smoothing=smoothing, reduction="none")
    return each.mean() if weights is None else (each * (shares @ weights)).mean()


def _evaluate(state: State, data: Dataset) -> Validation:
    """The figures on the validation split of `data`, of the weights that are kept in the end."""
    network = state.network
    if state.average:
        network = deepcopy(network)
        network.load_state_dict(state.average.tensors)
    found = validate(network, data, state.device)
    if not math.isfinite(found.loss):
        raise TrialFailed(f"The validation loss is {found.loss}.")
    return found


def _finished(state: State) -> Model:
    """The model; whoever leads evaluates it on the test split, this once, and writes it."""
    tensors = state.average.tensors if state.average else state.network.state_dict()
    test = None
    if state.team.leads:
        held = load_test(state.task.source, state.task.architecture.resolution)
        test = _evaluate(state, replace(state.data, validation=held))
    model = model_of(state.task, state.progress, state.began, tensors, state.data.classes, test)
    if state.team.leads:
        finish(model, state.progress, state.folder)
    return model

"""The loop of a full training, which `train` runs.

    model = train(task, Path("models/mine"))

The random draws of a step depend only on the task and on the number of the step. A training that was killed and
resumed therefore ends with the same weights as an uninterrupted one; on a CPU they are equal to the bit. The short
training of a trial is in `search.proxy`.
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
from search.files import sole_writer, write_file
from search.models.model import Model
from search.proxy.accuracy import Validation
from search.proxy.device import choose_device, precision_on
from search.proxy.failure import TrialFailed
from search.proxy.validation import validate
from search.training.augmentation import Augmentation
from search.training.batches import Epoch, epoch_of, steps_of
from search.training.checkpoint import DOCUMENT as CHECKPOINT
from search.training.checkpoint import EpochResult
from search.training.distributed import process_group
from search.training.optimizer import clip_gradients
from search.training.progress import EVENTS, Callback, CallbackList, TensorBoard
from search.training.recipe import Recipe, Stage, rate_at, stages
from search.training.result import finish, model_of
from search.training.rng import derive_seed
from search.training.state import State, check_losses, save_checkpoint, start_or_resume
from search.training.task import DOCUMENT, Task, read_task
from space.refusal import UserError

_CHECK_EVERY = 50
"""The number of steps between checks that the losses are finite. Each check waits for the GPU."""


def train(task: Task, folder: Path, callback: Callback | None = None) -> Model:
    """Carry out `task`, write the model into `folder`, and return it.

    If `folder` has a checkpoint, the training resumes from it. The model gets the last weights, or their running
    average if the recipe has one. The validation split is evaluated during the training. If the task asks for it, the
    test split is evaluated once, at the end. torch's global generators and number of threads are restored. Under
    torchrun all processes call this function, and the first one writes the files, also event files if
    `task.tensorboard` is set.

    Raises `TrialFailed` when a loss is not a finite number, and `UserError` for a task that cannot be carried out, a
    GPU with too little memory, a folder with another training and a damaged checkpoint. If a new training fails in
    this way before its first checkpoint, `folder` is left without a training.
    """
    callback = callback or Callback()
    with (
        process_group(task.recipe.device) as processes,
        _torch_restored(processes.device(task.recipe.device)),
        sole_writer(folder, "a training") if processes.is_main else nullcontext(),
    ):
        _refuse_other(task, folder)
        if task.tensorboard and processes.is_main:
            callback = CallbackList(callback, TensorBoard())
        with _task_kept(task, folder) if processes.is_main else nullcontext(), _enough_memory(task.recipe):
            try:
                state = start_or_resume(task, folder, processes)
                steps = steps_of(state.data, task.recipe.batch) * task.recipe.epochs
                callback.on_train_begin(task, state.progress, steps, folder)
                for remark in () if state.progress.step else state.initial.remarks:
                    callback.on_remark(remark)
                for number, stage in enumerate(stages(task.recipe, task.architecture.resolution)):
                    if stage.end > state.progress.epoch:
                        callback.on_stage_begin(stage, number)
                        _train_stage(state, stage, steps, callback)
                return _finished(state)
            finally:
                callback.on_train_end()


@contextmanager
def _task_kept(task: Task, folder: Path) -> Iterator[None]:
    """Write the task into `folder`, so that the training can be resumed whenever it is interrupted.

    If a new training is refused or fails before its first checkpoint, the task and its event files are removed. The
    task would fail again, and beside event files no other training could begin.
    """
    new, events = not (folder / DOCUMENT).exists(), set(folder.glob(EVENTS))
    if new:
        write_file(folder / DOCUMENT, yaml.safe_dump(task.document(), sort_keys=False))
    try:
        yield
    except (UserError, TrialFailed):
        if new and not (folder / CHECKPOINT).exists():
            for path in (folder / DOCUMENT, *set(folder.glob(EVENTS)) - events):
                path.unlink(missing_ok=True)
        raise


@contextmanager
def _enough_memory(recipe: Recipe) -> Iterator[None]:
    """Raise `UserError` with advice if the GPU runs out of memory in the block."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"recipe.batch={recipe.batch}: the memory is too small: {str(error).partition('. ')[0]}. Try a smaller"
            f" batch, or recipe.accumulate={2 * recipe.accumulate}, which computes the same batch in more parts."
        ) from None


def _refuse_other(task: Task, folder: Path) -> None:
    """Raise `UserError` if the folder holds another training, which another process may have begun meanwhile."""
    if (folder / DOCUMENT).exists() and read_task(folder) != task:
        raise UserError(f"{folder} holds another training; choose another folder.")


@contextmanager
def _torch_restored(device: str) -> Iterator[None]:
    """Restore torch's generators and number of threads at the end."""
    threads, place = torch.get_num_threads(), choose_device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _train_stage(state: State, stage: Stage, steps: int, callback: Callback) -> None:
    recipe, progress = state.recipe, state.progress
    data = state.data
    if recipe.crop == "shift" and stage.resolution != data.resolution:
        data = load(state.task.source, stage.resolution)
    dropout = state.initial.network.get_submodule("head.classifier.dropout")
    assert isinstance(dropout, nn.Dropout)
    dropout.p = stage.dropout
    mean, std = state.initial.conventions.mean, state.initial.conventions.std
    augmentation = Augmentation(recipe, stage, len(data.classes), mean, std)
    epoch_steps = steps // recipe.epochs
    for number in range(max(stage.first, progress.epoch), stage.end):
        epoch = epoch_of(data, augmentation, number, state.task.seed, epoch_steps, state.processes)
        _train_epoch(state, epoch, stage, steps, callback)


def _train_epoch(state: State, epoch: Epoch, stage: Stage, steps: int, callback: Callback) -> None:
    recipe, progress, counted = state.recipe, state.progress, time.perf_counter()
    state.network.train()
    for module in state.frozen:
        module.eval()
    for inputs, targets in epoch.batches(progress.epoch_steps, recipe.workers):
        # This seeds dropout and stochastic depth.
        torch.manual_seed(derive_seed(state.task.seed, "network", progress.step, state.processes.rank))
        rate = rate_at(recipe, (progress.step + 0.5) / steps)
        state.losses.append(_step(state, inputs, targets, rate))
        progress.images += epoch.images(progress.epoch_steps)
        progress.step += 1
        progress.epoch_steps += 1
        if state.average:
            state.average.update(state.network, progress.step)
        callback.on_step_end(progress, rate)
        if progress.step % _CHECK_EVERY == 0:
            check_losses(state)
        if progress.epoch_steps < epoch.steps and _checkpoint_due(state):
            counted = save_checkpoint(state, counted)
    check_losses(state)
    _end_epoch(state, epoch, stage, counted, callback)


def _end_epoch(state: State, epoch: Epoch, stage: Stage, counted: float, callback: Callback) -> None:
    """Validate if that is due, record the epoch, and save a checkpoint after the last epoch or if one is due.

    counted: the time up to which `progress.seconds` has counted, as `time.perf_counter` returns it.
    """
    recipe, progress = state.recipe, state.progress
    due = progress.epoch + 1 == recipe.epochs or (progress.epoch + 1) % recipe.validate_every == 0
    validation = _evaluate(state, state.data) if due and state.processes.is_main else None
    progress.seconds += time.perf_counter() - counted
    result = EpochResult(
        epoch=progress.epoch,
        resolution=stage.resolution,
        loss=progress.loss / epoch.steps,
        seconds=progress.seconds - math.fsum(before.seconds for before in progress.epochs),
        accuracy=validation.accuracy if validation else None,
        validation_loss=validation.loss if validation else None,
    )
    progress.epochs = [*progress.epochs, result]
    progress.epoch, progress.epoch_steps, progress.loss = progress.epoch + 1, 0, 0.0
    callback.on_epoch_end(result)
    if progress.epoch == recipe.epochs or _checkpoint_due(state):
        save_checkpoint(state, time.perf_counter())


def _checkpoint_due(state: State) -> bool:
    return time.monotonic() - state.saved_at >= state.recipe.checkpoint


def _step(state: State, inputs: Tensor, targets: Tensor, rate: float) -> Tensor:
    """Take a step on images (b, c, h, w) and their shares of classes (b, classes). Return the detached mean loss."""
    recipe = state.recipe
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]
    order = torch.channels_last if recipe.channels_last else torch.contiguous_format
    inputs = inputs.to(state.device, non_blocking=True, memory_format=order)
    targets = targets.to(state.device, non_blocking=True)
    dtype = precision_on(state.device, recipe.precision)
    state.optimizer.zero_grad()
    # Batch normalisation needs two values of each channel. In the last layers a feature map may be 1 x 1 pixels, so
    # a part needs two images.
    parts = max(1, min(recipe.accumulate, len(inputs) // 2))
    losses = []
    pairs = zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True)
    for number, (images, shares) in enumerate(pairs, start=1):
        # Processes exchange gradients once a step, not once a part.
        with state.processes.no_sync(state.forward) if number < parts else nullcontext():
            with torch.autocast(state.device.type, dtype, enabled=dtype != torch.float32):
                loss = _loss_of_network(state, images, shares)
            loss = loss * (len(images) / len(inputs))
            state.scaler.scale(loss).backward()
        losses.append(loss.detach())
    if recipe.clip is not None:
        state.scaler.unscale_(state.optimizer)
        clip_gradients(state.network.parameters(), recipe.clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    return torch.stack(losses).sum()


def _loss_of_network(state: State, images: Tensor, shares: Tensor) -> Tensor:
    """Return the mean loss on a part of a batch: of the network, or of the child network that this step trains."""
    smoothing, weights = state.recipe.label_smoothing, state.class_weights
    if state.elastic is None:
        return _loss(state.forward(images).float(), shares, smoothing, weights)
    return state.elastic.loss(
        state.progress.step, images, lambda logits: _loss(logits, shares, smoothing, weights)
    )


def _loss(logits: Tensor, shares: Tensor, smoothing: float, weights: Tensor | None) -> Tensor:
    """Return the mean cross-entropy of logits with the targets `shares`, both (b, classes).

    weights: the weights (classes,) of the classes; None: all are 1.
    """
    with torch.autocast(logits.device.type, enabled=False):  # Autocast would round the weighted losses.
        each = functional.cross_entropy(logits, shares, label_smoothing=smoothing, reduction="none")
        return each.mean() if weights is None else (each * (shares @ weights)).mean()


def _evaluate(state: State, data: Dataset) -> Validation:
    """Return the metrics of the model's weights, averaged or last ones, on the validation split of `data`.

    Raises `TrialFailed` if the loss is not a finite number.
    """
    network = state.network
    if state.average:
        network = deepcopy(network)
        network.load_state_dict(state.average.tensors)
    validation = validate(network, data, state.device)
    if not math.isfinite(validation.loss):
        raise TrialFailed(f"The validation loss is {validation.loss}.")
    return validation


def _finished(state: State) -> Model:
    """Return the model. The first process evaluates it on the test split, if the task asks for it, and writes it."""
    tensors = state.average.tensors if state.average else state.network.state_dict()
    test = None
    if state.processes.is_main and state.task.test:
        split = load_test(state.task.source, state.task.architecture.resolution)
        test = _evaluate(state, replace(state.data, validation=split))
    model = model_of(state.task, state.progress, state.initial, tensors, state.data, test)
    if state.processes.is_main:
        finish(model, state.progress, state.folder)
    return model

"""Callbacks that report the progress of a full training."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.tables.units import clock
from search.training.checkpoint import DOCUMENT, EpochResult, Progress
from search.training.recipe import Stage
from search.training.task import Task
from space.refusal import UserError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

EVENTS = "events.out.tfevents.*"
"""The pattern of the names of TensorBoard's files."""


class Callback:
    """The base class of callbacks, which are told the events of a training. Its methods do nothing."""

    def on_train_begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        """Handle the start of a training, or its resume at `progress`.

        steps: the number of steps of the whole training. folder: the folder of the model.
        """

    def on_remark(self, text: str) -> None:
        """Handle a line about the initial weights, before the first stage."""

    def on_stage_begin(self, stage: Stage, number: int) -> None:
        """Handle the start of stage `number`, counted from 0."""

    def on_step_end(self, progress: Progress, rate: float) -> None:
        """Handle the end of a step. rate: its learning rate."""

    def on_epoch_end(self, result: EpochResult) -> None:
        """Handle the end of an epoch."""

    def on_train_end(self) -> None:
        """Handle the end of the training, also if it failed or was stopped."""


class Terminal(Callback):
    """A callback that prints the training, its stages and its epochs, with speed and time left.

    On a terminal, it also shows a progress bar.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._last = ""

    def on_train_begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        recipe = task.recipe
        self._epochs, self._steps = recipe.epochs, steps
        self._started, self._first_step, self._first_images = (
            time.monotonic(),
            progress.step,
            progress.images,
        )
        resumed = f", resumed after {progress.step} of {steps} steps" if progress.step else ""
        self._print(f"{folder}: {task.architecture}, {recipe.epochs} epochs of {task.source.source}{resumed}")
        if self._console.is_terminal:
            from rich import progress as bars

            self._bar = bars.Progress(
                bars.BarColumn(),
                bars.TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._line = self._bar.add_task("", total=steps, completed=progress.step)
            self._bar.start()

    def on_remark(self, text: str) -> None:
        self._print(text)

    def on_stage_begin(self, stage: Stage, number: int) -> None:
        strengths: dict[str, Any] = {
            "dropout": stage.dropout,
            "RandAugment": stage.randaugment,
            "mixup": stage.mixup,
            "CutMix": stage.cutmix,
        }
        more = "".join(f", {name} {value:g}" for name, value in strengths.items() if value)
        self._print(
            f"stage {number + 1}, epochs {stage.first + 1} to {stage.end}: {stage.resolution} px{more}"
        )

    def on_step_end(self, progress: Progress, rate: float) -> None:
        if self._bar:
            text = f"epoch {progress.epoch + 1} of {self._epochs}{self._pace(progress)}{self._last}"
            self._bar.update(self._line, completed=progress.step, description=text)
        self._progress = progress

    def on_epoch_end(self, result: EpochResult) -> None:
        self._last = f", loss {result.loss:.4f}"
        if result.accuracy is not None:
            self._last += f", accuracy {result.accuracy:.4f}"
        pace = self._pace(self._progress)
        self._print(f"epoch {result.epoch + 1} of {self._epochs}{self._last}{pace}")

    def on_train_end(self) -> None:
        if self._bar:
            self._bar.stop()

    def _pace(self, progress: Progress) -> str:
        seconds, steps = time.monotonic() - self._started, progress.step - self._first_step
        if not steps or seconds <= 0:
            return ""
        rate = (progress.images - self._first_images) / seconds
        return f", {rate:,.0f} images/s, {clock(seconds / steps * (self._steps - progress.step))} left"

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Paused(Exception):
    """The exception that ends a turn, see `Turn`. The training can resume from its last checkpoint on any machine."""


class Turn(Callback):
    """A callback that limits a training to a turn of about `seconds`, and then raises `Paused`.

    It raises `Paused` after the first checkpoint that is written later than `seconds` after the creation of this
    callback. folder: the folder of the training.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._document, self._due = folder / DOCUMENT, time.monotonic() + seconds
        self._seen: int | None = None

    def on_step_end(self, progress: Progress, rate: float) -> None:
        if time.monotonic() < self._due:
            return
        written = self._document.stat().st_mtime_ns if self._document.exists() else 0
        if self._seen not in (None, written):
            raise Paused
        self._seen = written


class TensorBoard(Callback):
    """A callback that writes event files into the training's folder, for `tensorboard --logdir models`.

    Raises `UserError` where TensorBoard is not installed.
    """

    def __init__(self) -> None:
        try:
            from torch.utils import tensorboard
        except ImportError:
            raise UserError(
                "tensorboard=true needs TensorBoard: pip install 'compound-nas[tensorboard]'."
            ) from None
        self._module: Any = tensorboard
        self._writer: Any = None

    def on_train_begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        # Entries after the checkpoint are discarded, since their steps are taken again.
        self._writer = self._module.SummaryWriter(str(folder), purge_step=progress.step + 1)

    def on_step_end(self, progress: Progress, rate: float) -> None:
        self._step = progress.step
        self._writer.add_scalar("learning rate", rate, progress.step)

    def on_epoch_end(self, result: EpochResult) -> None:
        figures = {
            "loss/training": result.loss,
            "resolution": result.resolution,
            "accuracy/validation": result.accuracy,
            "loss/validation": result.validation_loss,
        }
        for name, value in figures.items():
            if value is not None:
                self._writer.add_scalar(name, value, self._step)

    def on_train_end(self) -> None:
        if self._writer is not None:
            self._writer.close()


class CallbackList(Callback):
    """A list of callbacks that acts as one callback."""

    def __init__(self, *callbacks: Callback) -> None:
        self._callbacks = callbacks

    def on_train_begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        for callback in self._callbacks:
            callback.on_train_begin(task, progress, steps, folder)

    def on_remark(self, text: str) -> None:
        for callback in self._callbacks:
            callback.on_remark(text)

    def on_stage_begin(self, stage: Stage, number: int) -> None:
        for callback in self._callbacks:
            callback.on_stage_begin(stage, number)

    def on_step_end(self, progress: Progress, rate: float) -> None:
        for callback in self._callbacks:
            callback.on_step_end(progress, rate)

    def on_epoch_end(self, result: EpochResult) -> None:
        for callback in self._callbacks:
            callback.on_epoch_end(result)

    def on_train_end(self) -> None:
        for callback in self._callbacks:
            callback.on_train_end()

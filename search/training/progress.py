"""What is told of a full training while it runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from search.tables.units import clock
from search.training.checkpoint import Passed, Progress
from search.training.recipe import Stage
from search.training.task import Task
from space.refusal import UserError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar


class Watch(Protocol):
    """Is told how a training goes."""

    def begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        """It begins, or is taken up at `progress`; `steps` are all of its steps."""

    def stage(self, stage: Stage, number: int) -> None:
        """A stage begins."""

    def step(self, progress: Progress, rate: float) -> None:
        """A step was taken, with that learning rate."""

    def passed(self, passed: Passed) -> None:
        """An epoch is over."""

    def end(self) -> None:
        """There is no more to come."""


class Silent:
    """Tells nothing."""

    def begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        pass

    def stage(self, stage: Stage, number: int) -> None:
        pass

    def step(self, progress: Progress, rate: float) -> None:
        pass

    def passed(self, passed: Passed) -> None:
        pass

    def end(self) -> None:
        pass


class Terminal(Silent):
    """A line for each epoch, and on a terminal one that moves, with images a second and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._rate, self._last = 0.0, ""

    def begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        recipe = task.recipe
        self._epochs, self._steps = recipe.epochs, steps
        self._begun, self._before, self._images = time.monotonic(), progress.step, progress.images
        again = f", taken up after {progress.step} of {steps} steps" if progress.step else ""
        self._say(f"{folder}: {task.architecture}, {recipe.epochs} epochs of {task.source.source}{again}")
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

    def stage(self, stage: Stage, number: int) -> None:
        told: dict[str, Any] = {
            "dropout": stage.dropout,
            "RandAugment": stage.randaugment,
            "mixup": stage.mixup,
            "CutMix": stage.cutmix,
        }
        more = "".join(f", {name} {value:g}" for name, value in told.items() if value)
        self._say(
            f"stage {number + 1}, epochs {stage.first + 1} to {stage.last}: {stage.resolution} px{more}"
        )

    def step(self, progress: Progress, rate: float) -> None:
        if self._bar:
            text = f"epoch {progress.epoch + 1} of {self._epochs}{self._pace(progress)}{self._last}"
            self._bar.update(self._line, completed=progress.step, description=text)
        self._progress = progress

    def passed(self, passed: Passed) -> None:
        self._last = f", loss {passed.loss:.4f}"
        if passed.accuracy is not None:
            self._last += f", accuracy {passed.accuracy:.4f}"
        pace = self._pace(self._progress)
        self._say(f"epoch {passed.epoch + 1} of {self._epochs}{self._last}{pace}")

    def end(self) -> None:
        if self._bar:
            self._bar.stop()

    def _pace(self, progress: Progress) -> str:
        seconds, taken = time.monotonic() - self._begun, progress.step - self._before
        if not taken or seconds <= 0:
            return ""
        rate = (progress.images - self._images) / seconds
        return f", {rate:,.0f} images/s, {clock(seconds / taken * (self._steps - progress.step))} left"

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class TensorBoard(Silent):
    """Event files in the training's folder: tensorboard --logdir models.

    Raises `UserError` where TensorBoard is not installed.
    """

    def __init__(self) -> None:
        try:
            from torch.utils import tensorboard
        except ImportError:
            raise UserError("tensorboard=true needs TensorBoard: pip install '.[tensorboard]'.") from None
        self._module: Any = tensorboard
        self._writer: Any = None

    def begin(self, task: Task, progress: Progress, steps: int, folder: Path) -> None:
        # What earlier files say of later steps is void.
        self._writer = self._module.SummaryWriter(str(folder), purge_step=progress.step)

    def step(self, progress: Progress, rate: float) -> None:
        self._step = progress.step
        self._writer.add_scalar("learning rate", rate, progress.step)

    def passed(self, passed: Passed) -> None:
        figures = {
            "loss/training": passed.loss,
            "resolution": passed.resolution,
            "accuracy/validation": passed.accuracy,
            "loss/validation": passed.validation_loss,
        }
        for name, value in figures.items():
            if value is not None:
                self._writer.add_scalar(name, value, self._step)

    def end(self) -> None:
        if self._writer is not None:
            self._writer.close()


class Several:
    """Tells several."""

    def __init__(self, *watches: Watch) -> None:
        self._watches = watches

    def __getattr__(self, name: str) -> Any:
        def tell(*arguments: Any) -> None:
            for watch in self._watches:
                getattr(watch, name)(*arguments)

        return tell

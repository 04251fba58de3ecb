"""TensorBoard: event files, which `tensorboard --logdir runs/NAME/tensorboard` shows."""

from __future__ import annotations

from pathlib import Path

from search.loggers.logger import LoggedTrial, Logger


class TensorBoard(Logger):
    """A logger of every metric over the trials, and of each trial's training loss and, with a reward, its choices."""

    needs = "tensorboard"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        from torch.utils.tensorboard import SummaryWriter

        self._open = SummaryWriter
        self._writer = SummaryWriter(str(path / "tensorboard"))

    def finished(self, trial: LoggedTrial) -> None:
        """Write the metrics, the training loss and, if there is a reward, the choices of a trial into event files."""
        for name, value in trial.metrics.items():
            self._writer.add_scalar(name, value, trial.number)
        own = f"trial-{trial.number}"
        if trial.losses:
            with self._open(str(self.path / "tensorboard" / own)) as writer:
                for epoch, loss in enumerate(trial.losses, start=1):
                    writer.add_scalar("training_loss", loss, epoch)
        if trial.params and "reward" in trial.metrics:
            result = {key: trial.metrics[key] for key in ("reward", "accuracy") if key in trial.metrics}
            self._writer.add_hparams(dict(trial.params), result, run_name=own)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()

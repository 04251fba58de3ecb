"""TensorBoard: `tensorboard --logdir runs/NAME/tensorboard`."""

from __future__ import annotations

from pathlib import Path

from search.loggers.logger import Logger, Told


class TensorBoard(Logger):
    """Every metric over the trials, and of each trial its training loss and its choices as hyperparameters."""

    needs = "tensorboard"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        from torch.utils.tensorboard import SummaryWriter

        self._open = SummaryWriter
        self._writer = SummaryWriter(str(path / "tensorboard"))

    def finished(self, told: Told) -> None:
        """See `Logger`."""
        for name, value in told.metrics.items():
            self._writer.add_scalar(name, value, told.number)
        own = f"trial-{told.number}"
        if told.losses:
            with self._open(str(self.path / "tensorboard" / own)) as writer:
                for epoch, loss in enumerate(told.losses, start=1):
                    writer.add_scalar("training_loss", loss, epoch)
        if told.params and "reward" in told.metrics:
            result = {key: told.metrics[key] for key in ("reward", "accuracy") if key in told.metrics}
            self._writer.add_hparams(dict(told.params), result, run_name=own)
        self._writer.flush()

    def close(self) -> None:
        """See `Logger`."""
        self._writer.close()

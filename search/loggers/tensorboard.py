"""TensorBoard: `tensorboard --logdir runs/NAME/tensorboard`."""

from __future__ import annotations

from pathlib import Path

from search.loggers.logger import Logger, Told
from space import Refused


class TensorBoard(Logger):
    """Every metric over the trials, each trial's training loss over its epochs, and its choices as hyperparameters."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise Refused(
                "--log tensorboard needs TensorBoard: pip install 'compound-nas[tensorboard]'"
            ) from None
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

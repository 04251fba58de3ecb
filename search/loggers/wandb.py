"""Weights & Biases: a group for each search, a run of it for each trial; where, is what its own settings say."""

from __future__ import annotations

from pathlib import Path

from search.loggers.logger import Logger, Told

_PROJECT = "compound-nas"


class WeightsAndBiases(Logger):
    """The metrics of every trial, its choices as configuration, its training loss over the epochs."""

    needs = "wandb"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import wandb

        self._wandb = wandb

    def finished(self, told: Told) -> None:
        """See `Logger`."""
        name = f"{self.path.name}:{told.number}"
        config = {"architecture": told.architecture, **told.params}
        run = self._wandb.init(
            project=_PROJECT, group=self.path.name, name=name, config=config, dir=str(self.path)
        )
        for epoch, loss in enumerate(told.losses, start=1):
            run.log({"training_loss": loss, "epoch": epoch})
        run.summary.update({"state": told.state, **told.metrics})
        run.finish()

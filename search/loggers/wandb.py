"""Weights & Biases: a group for each search, with a run for each trial. W&B's own settings choose the server."""

from __future__ import annotations

from pathlib import Path

from search.loggers.logger import LoggedTrial, Logger

_PROJECT = "compound-nas"


class WeightsAndBiases(Logger):
    """A logger of the metrics of every trial, its choices as configuration, and its training loss over the epochs."""

    needs = "wandb"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import wandb

        self._wandb = wandb

    def finished(self, trial: LoggedTrial) -> None:
        """Record a trial as a run in the group of the search."""
        name = f"{self.path.name}:{trial.number}"
        config = {"architecture": trial.architecture, **trial.params}
        run = self._wandb.init(
            project=_PROJECT, group=self.path.name, name=name, config=config, dir=str(self.path)
        )
        for epoch, loss in enumerate(trial.losses, start=1):
            run.log({"training_loss": loss, "epoch": epoch})
        run.summary.update({"state": trial.state, **trial.metrics})
        run.finish()

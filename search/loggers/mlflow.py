"""MLflow: an experiment for each search, with a run for each trial, stored where MLFLOW_TRACKING_URI says."""

from __future__ import annotations

from pathlib import Path

from search.loggers.logger import LoggedTrial, Logger


class MLflow(Logger):
    """A logger of the metrics of every trial, its choices as parameters, and its training loss over the epochs."""

    needs = "mlflow"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import mlflow

        self._mlflow = mlflow
        mlflow.set_experiment(path.name)

    def finished(self, trial: LoggedTrial) -> None:
        """Record a trial as a run of the experiment."""
        with self._mlflow.start_run(run_name=f"{self.path.name}:{trial.number}"):
            self._mlflow.set_tags({"state": trial.state, "architecture": trial.architecture})
            self._mlflow.log_params(dict(trial.params))
            self._mlflow.log_metrics(dict(trial.metrics))
            for epoch, loss in enumerate(trial.losses, start=1):
                self._mlflow.log_metric("training_loss", loss, step=epoch)

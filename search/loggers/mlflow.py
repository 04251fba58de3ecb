"""MLflow: an experiment for each search, a run of it for each trial; where, is what MLFLOW_TRACKING_URI says."""

from __future__ import annotations

from pathlib import Path

from search.loggers.logger import Logger, Told


class MLflow(Logger):
    """The metrics of every trial, its choices as parameters, its training loss over the epochs."""

    needs = "mlflow"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import mlflow

        self._mlflow = mlflow
        mlflow.set_experiment(path.name)

    def finished(self, told: Told) -> None:
        """See `Logger`."""
        with self._mlflow.start_run(run_name=f"{self.path.name}:{told.number}"):
            self._mlflow.set_tags({"state": told.state, "architecture": told.architecture})
            self._mlflow.log_params(dict(told.params))
            self._mlflow.log_metrics(dict(told.metrics))
            for epoch, loss in enumerate(told.losses, start=1):
                self._mlflow.log_metric("training_loss", loss, step=epoch)

"""Loggers, which record a search in other programs: `search launch ... --log tensorboard`.

A logger receives every trial that is complete, failed or a duplicate, and nothing else. The run's
ledger stays the only history that a search reads. A logger that fails is dropped, and the search continues.
"""

from search.loggers.logger import LoggedTrial, Logger
from search.loggers.mlflow import MLflow
from search.loggers.tensorboard import TensorBoard
from search.loggers.wandb import WeightsAndBiases
from space.extension_points import Registry

LOGGERS: Registry[type[Logger]] = Registry(
    "compound_nas.loggers",
    {"tensorboard": TensorBoard, "mlflow": MLflow, "wandb": WeightsAndBiases},
)
"""The loggers by the name that `--log` takes. Other packages add theirs by an entry point."""

__all__ = ["LOGGERS", "LoggedTrial", "Logger"]

"""Where else a search is told, beside its ledger: `search launch ... --log tensorboard`.

A logger is told of every trial that has finished, and of nothing else. The ledger stays the only history: one that
fails is left out from then on, and the search goes on.
"""

from search.loggers.logger import Logger, Told
from search.loggers.mlflow import MLflow
from search.loggers.tensorboard import TensorBoard
from search.loggers.wandb import WeightsAndBiases
from space.registry import Registry

LOGGERS: Registry[type[Logger]] = Registry(
    "compound_nas.loggers",
    {"tensorboard": TensorBoard, "mlflow": MLflow, "wandb": WeightsAndBiases},
)
"""Every logger by the name that `--log` takes: the extension point."""

__all__ = ["LOGGERS", "Logger", "Told"]

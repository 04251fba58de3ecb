"""Find good networks for your data and your hardware.

    >>> from search import launch, open_run
    >>> run = launch({"data.path": "photos.npz"}, space="effv2_32", data="npz")  # doctest: +SKIP
    >>> open_run(run.name).best.architecture  # doctest: +SKIP

Names are imported when they are first asked for, so that commands answer at once.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.api.launch import launch, open_run, resume
    from search.api.predict import predict
    from search.api.run import Run
    from search.api.train import train
    from search.config import Config
    from search.engine.driving import Stopped
    from search.evaluation.evaluate import evaluate
    from search.evaluation.metrics import Evaluation
    from search.trials.trial import Trial

_HOMES = {
    "Config": "config",
    "Evaluation": "evaluation.metrics",
    "Run": "api.run",
    "Stopped": "engine.driving",
    "Trial": "trials.trial",
    "evaluate": "evaluation.evaluate",
    "launch": "api.launch",
    "open_run": "api.launch",
    "predict": "api.predict",
    "resume": "api.launch",
    "train": "api.train",
}

__all__ = [
    "Config",
    "Evaluation",
    "Run",
    "Stopped",
    "Trial",
    "evaluate",
    "launch",
    "open_run",
    "predict",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'search' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"search.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

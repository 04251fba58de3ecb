"""Find good networks for your data and your hardware.

    >>> from search import launch, open_run
    >>> run = launch({"space": "effv2_32", "data": "npz", "data.path": "photos.npz"})  # doctest: +SKIP
    >>> open_run(run.name).best.architecture  # doctest: +SKIP

Names are imported when they are first asked for, so that commands answer at once.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.config import Config
    from search.engine.launch import Stopped, launch, resume
    from search.evaluation.evaluate import evaluate
    from search.evaluation.metrics import Evaluation
    from search.runs.run import Run, open_run
    from search.training.settings import train
    from search.trials.trial import Trial

_HOMES = {
    "Config": "config",
    "Evaluation": "evaluation.metrics",
    "Run": "runs.run",
    "Stopped": "engine.launch",
    "Trial": "trials.trial",
    "evaluate": "evaluation.evaluate",
    "launch": "engine.launch",
    "open_run": "runs.run",
    "resume": "engine.launch",
    "train": "training.settings",
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
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'search' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"search.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

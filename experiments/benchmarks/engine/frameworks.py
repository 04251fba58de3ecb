"""The contestants of `overhead.py`: our executors, plain Optuna in a loop, plain Ray Tune with its `OptunaSearch`.

All use uniform proposals from one space and evaluate a network with `search.testing.looked_up`. Each returns the
readings of two clocks of the driver at the end of every trial: wall-clock time and CPU time, both in seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from search import Trial, launch
from search.config import Config
from search.engine.display import Silent
from search.proxy.evaluate import Request, Result
from search.testing import looked_up

Ticks = list[tuple[float, float]]
_SEARCH = {"space": "effv2", "sampler": "random", "step": "measured"}


@dataclass(frozen=True, slots=True)
class Contest:
    """The size of a contest. epochs: the epochs that a trial reports. workers: the trials that run at a time.

    Serial contestants ignore `workers`.
    """

    trials: int
    epochs: int
    workers: int


def _tick(ticks: Ticks) -> None:
    ticks.append((time.perf_counter(), time.process_time()))


@cache
def _config() -> Config:
    return Config.of(_SEARCH)


def _evaluated(params: Mapping[str, int], epochs: int) -> Result:
    """Evaluate a network as our workers do. params: the index of the chosen option, by the name of the choice."""
    config = _config()
    network = config.space.at(tuple(params[choice.name] for choice in config.space.choices))
    proxy = config.proxy.model_copy(update={"epochs": epochs})
    request = Request(0, 1, str(network), proxy, config.data, 0, str(config.reference))
    return looked_up(request, lambda epoch, loss: None)


class _Ticking(Silent):
    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks

    def finished(self, trial: Trial) -> None:
        _tick(self._ticks)


def ours(executor: str, contest: Contest) -> Ticks:
    """Run a search with the setting `executor`, under the run name `bench` in the current folder."""
    ticks: Ticks = []
    several = {} if executor == "serial" else {"executor.workers": contest.workers}
    more = {
        "trials": contest.trials,
        "proxy.epochs": contest.epochs,
        "run": "bench",
        "data.images": 200,
        "finals": "off",
    }
    settings = {**_SEARCH, **more, "executor": executor, **several}
    launch(settings, display=_Ticking(ticks), evaluate=looked_up)
    return ticks


def optuna_loop(storage: str | None, contest: Contest) -> Ticks:
    """Run `study.optimize` with Optuna's RandomSampler. storage: the URL of the storage; None: in memory."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), storage=storage
    )
    choices, ticks = _config().space.choices, Ticks()

    def objective(trial: optuna.Trial) -> float:
        params = {each.name: trial.suggest_int(each.name, 0, len(each.options) - 1) for each in choices}
        return _evaluated(params, contest.epochs).accuracy

    study.optimize(objective, contest.trials, callbacks=[lambda study, trial: _tick(ticks)])
    return ticks


def plain_tune(contest: Contest, *, lean: bool) -> Ticks:
    """Run Ray Tune with OptunaSearch and reused actors. lean: True to omit Tune's loggers and snapshots."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if lean:
        os.environ |= {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "TUNE_GLOBAL_CHECKPOINT_S": "1000000000"}
    import ray
    from optuna.distributions import IntDistribution
    from optuna.samplers import RandomSampler
    from ray.tune import Callback, CheckpointConfig, RunConfig, TuneConfig, Tuner, with_resources
    from ray.tune.search.optuna import OptunaSearch

    class Told(Callback):
        def on_trial_complete(self, *args: Any, **info: Any) -> None:
            _tick(ticks)

    ticks: Ticks = []
    space = {each.name: IntDistribution(0, len(each.options) - 1) for each in _config().space.choices}
    search = OptunaSearch(space, metric="accuracy", mode="max", sampler=RandomSampler(seed=0))
    tuner = Tuner(
        with_resources(_trainable(contest.epochs), {"cpu": 1}),
        tune_config=TuneConfig(
            search_alg=search,
            num_samples=contest.trials,
            max_concurrent_trials=contest.workers,
            reuse_actors=True,
        ),
        run_config=RunConfig(
            storage_path=str(Path.cwd()),
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
            callbacks=[Told()],
            verbose=0,
        ),
    )
    ray.init(
        address="local",
        num_cpus=contest.workers,
        object_store_memory=10**8,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="CRITICAL",
        _temp_dir=str(Path.cwd()),
    )
    tuner.fit()
    ray.shutdown()
    return ticks


def _trainable(epochs: int) -> type:
    """Return a Tune trainable class with one step per epoch. The last step reports the accuracy of the network."""
    from ray.tune import Trainable

    class Trivial(Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self._params, self._left = config, epochs

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.setup(new_config)
            return True

        def step(self) -> dict[str, Any]:
            self._left -= 1
            if self._left:
                return {"accuracy": 0.0}
            return {"accuracy": _evaluated(self._params, epochs).accuracy, "done": True}

    return Trivial


CONTESTANTS: Mapping[str, Callable[[Contest], Ticks]] = {
    "serial": partial(ours, "serial"),
    "local": partial(ours, "local"),
    "ray": partial(ours, "ray"),
    "optuna": partial(optuna_loop, None),
    "optuna_sqlite": partial(optuna_loop, "sqlite:///study.sqlite"),
    "tune": partial(plain_tune, lean=False),
    "tune_lean": partial(plain_tune, lean=True),
}

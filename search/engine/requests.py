"""What all trainings of a run have in common, and what a worker is sent for one of them."""

from __future__ import annotations

from typing import Protocol

from search.data import Source
from search.executors import Executor
from search.profiles.forecast import Forecast
from search.proxy.evaluate import Request
from search.proxy.proxy import Proxy, shorter
from search.pruners import Ladder
from search.reward import Reward
from search.settings.run_settings import RunSettings
from search.trials.finals import Finals
from space import Architecture


class Setting(Protocol):
    """What all trials of a run have in common. `search.config.Config` is one."""

    @property
    def data(self) -> Source: ...
    @property
    def proxy(self) -> Proxy: ...
    @property
    def reward(self) -> Reward: ...
    @property
    def reference(self) -> Architecture: ...
    @property
    def base(self) -> Architecture: ...
    @property
    def forecast(self) -> Forecast | None: ...
    @property
    def executor(self) -> Executor: ...
    @property
    def ladder(self) -> Ladder: ...
    @property
    def finals(self) -> Finals: ...
    @property
    def settings(self) -> RunSettings: ...


def request(
    setting: Setting,
    number: int,
    attempt: int,
    architecture: str,
    seed: int,
    timed: bool,
    epochs: int | None = None,
) -> Request:
    """What a worker is sent. architecture: canonical string of the full network. timed: whether to measure S.

    epochs: of a training shorter than the whole; None: the whole.
    """
    return Request(
        number=number,
        attempt=attempt,
        architecture=architecture,
        proxy=setting.proxy if epochs is None else shorter(setting.proxy, epochs),
        source=setting.data,
        seed=seed,
        reference=str(setting.reference) if timed else "",
        threads=setting.executor.threads,
    )

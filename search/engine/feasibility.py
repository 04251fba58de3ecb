"""The checks of a search before anything is written, for settings that are valid alone but cannot work together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from search.config import Config
from search.executors.gpus import gpus_for
from search.profiles import Predictor
from search.tables.units import plural
from space import UserError, decode
from space.cost.table import COSTS


def check(config: Config) -> None:
    """Raise `UserError` for settings that would make every trial fail or leave no network to train to the end.

    It is also raised for a network of the setting `first` that exceeds a limit.
    """
    if config.reward.multi_objective:
        config.sampler.check_objectives(1 + len(config.reward.costs))
    for name, limit in config.limit.exact:
        smallest, _ = config.space.range.bounds(name, config.limit.batch)
        if limit < smallest:
            raise UserError(
                f"limit.{name}={limit}: the smallest network of the space has {_counted(name, smallest)}."
            )
    ladder, trials = config.ladder, config.settings.trials
    needed = ladder.eta ** (len(ladder.epochs) - 1)
    if not ladder.pilots and trials is not None and trials < needed:
        raise UserError(
            f"trials={trials} with pruner.gate=0: no network would be trained for all {ladder.last} epochs; give "
            f"trials={needed} or more, or pruner=none."
        )
    for network in map(decode, config.settings.first):
        if exceeded := config.exceeded(network):
            raise UserError(f"first: {network}: {exceeded}.")
    check_machine(config)


def check_machine(config: Config) -> None:
    """Raise `UserError` if this machine lacks the device of the proxy, or what the executor needs."""
    if config.proxy.device not in ("auto", "cpu") and not gpus_for(config.proxy.device):
        from search.proxy.device import choose_device

        choose_device(config.proxy.device)
    config.executor.check()


def check_times(config: Config) -> None:
    """Raise `UserError` for a limit on predicted times that leaves no network to train."""
    for name, limit in config.limit.predicted:
        forecast = config.latencies if name == "latency" else config.forecast
        if forecast is None:
            continue
        fastest, _ = Predictor(forecast.profile).range(config.space)
        if limit < fastest:
            each = "an inference" if name == "latency" else "a step"
            raise UserError(
                f"limit.{name}={limit:g}ms: the fastest network of the space takes {COSTS[name].text(fastest)} "
                f"{each}, on {plural(forecast.profile.batch, 'image')}."
            )


def within_times(config: Config, note: Callable[[str], None]) -> Config:
    """Return `config` without the networks of `first` whose predicted times exceed a limit.

    Predictions can err, so these networks are only left out, whereas `check` refuses a network that exceeds a limit
    on an exact cost. note: a function that receives a line about each network that is left out.
    """
    return within_limits(config, lambda text, why: note(f"first: {text} is not tried: {why} (predicted)"))


def within_limits(config: Config, left_out: Callable[[str, str], object]) -> Config:
    """Return `config` without the networks of `first` that exceed a limit.

    left_out: receives the canonical string of each such network, and the limit that it exceeds in words.
    """
    kept = []
    for text in config.settings.first:
        if exceeded := config.exceeded(decode(text)):
            left_out(text, exceeded)
        else:
            kept.append(text)
    settings = config.settings.model_copy(update={"first": tuple(kept)})
    return replace(config, settings=settings)


def _counted(name: str, value: int) -> str:
    """Return the value with its unit in words: "1,234 params", "1,234 bytes of memory"."""
    return f"{value:,} bytes of {name}" if name in ("size", "memory") else f"{value:,} {name}"

"""Checks of a whole search before anything is written: settings that are valid but cannot work together."""

from __future__ import annotations

from search.config import Config
from search.executors.gpus import gpus_for
from search.profiles import Predictor
from space import UserError, decode


def check(config: Config) -> None:
    """Raise `UserError` for settings that would make every trial fail, or leave no network to train."""
    for name, limit in config.limit.exact:
        smallest, _ = config.space.range.bounds(name, config.limit.batch)
        if limit < smallest:
            raise UserError(
                f"limit.{name}={limit}: the smallest network of the space has {_counted(name, smallest)}."
            )
    _check_first(config)
    if config.proxy.device not in ("auto", "cpu") and not gpus_for(config.proxy.device):
        from search.proxy.device import choose_device

        choose_device(config.proxy.device)
    config.executor.check()


def check_step(config: Config) -> None:
    """Raise `UserError` for a limit on predicted step times that leaves no network to train."""
    limit, forecast = config.limit.step, config.forecast
    if limit is None or forecast is None:
        return
    fastest, _ = Predictor(forecast.profile).range(config.space)
    if limit < fastest:
        raise UserError(
            f"limit.step={limit:g}ms: the fastest network of the space takes {fastest:.1f} ms a step, on "
            f"{forecast.profile.batch} images."
        )
    _check_first(config)


def _check_first(config: Config) -> None:
    for network in map(decode, config.settings.first):
        if exceeded := config.exceeded(network):
            raise UserError(f"first: {network}: {exceeded}.")


def _counted(name: str, value: int) -> str:
    """Return the value with its unit in words: "1,234 params", "1,234 bytes of memory"."""
    return f"{value:,} bytes of {name}" if name in ("size", "memory") else f"{value:,} {name}"

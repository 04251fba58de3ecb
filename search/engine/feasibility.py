"""What of a search cannot be, though each of its settings can: looked at before anything is written."""

from __future__ import annotations

from search.config import Config
from search.profiles import Predictor
from search.reward import CostName
from space import UserError, decode
from space.cost.memory import memory


def check(config: Config) -> None:
    """Raises `UserError` for what would make every trial fail, or leave none to train."""
    for name, limit in config.reward.limits().items():
        least = _least(config, name)
        if limit < least:
            has = "trains in at least" if name == "memory" else "has"
            unit = "bytes" if name == "memory" else name
            raise UserError(
                f"reward.max_{name}={limit}: the smallest network of the space {has} {least:,} {unit}."
            )
    _check_first(config)
    if config.proxy.device not in ("auto", "cpu"):
        from search.proxy.device import choose_device

        choose_device(config.proxy.device)
    config.executor.check()


def check_step(config: Config) -> None:
    """The same for step times, once they are told where they are predicted."""
    limit, forecast = config.reward.max_step_ms, config.forecast
    if limit is None or forecast is None:
        return
    fastest, _ = Predictor(forecast.profile).range(config.space)
    if limit < fastest:
        raise UserError(
            f"reward.max_step_ms={limit:g}: the fastest network of the space takes {fastest:.1f} ms a step, on "
            f"{forecast.profile.batch} images."
        )
    _check_first(config)


def _check_first(config: Config) -> None:
    forecast = config.forecast
    for network in map(decode, config.settings.first):
        if exceeded := config.reward.exceeds(network, forecast.step(network).ms if forecast else None):
            raise UserError(f"seed: {network}: {exceeded}.")


def _least(config: Config, name: CostName) -> int:
    """No network of the space costs less."""
    found = config.space.range
    if name != "memory":
        return int(getattr(found, name)[0])
    return memory(found.params[0], found.saved_activations[0], config.reward.batch)

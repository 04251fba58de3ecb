"""The measurement of the best networks' step times at the end of a search that used predicted step times."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from search.engine.engine import Engine
from search.executors.child import in_child
from search.executors.gpus import gpus_for
from search.profiles.forecast import Forecast
from search.proxy.proxy import Proxy
from search.trials.trial import ranked
from space import Architecture, UserError

if TYPE_CHECKING:
    from space.timing.ratio import StepTime

BEST = 5
"""The number of best networks that are measured, since one of them is likely to be used."""
_SECONDS = 60
"""The seconds after which no further measurement begins. A step on images of 224 px takes seconds."""


def measure_best(engine: Engine, forecast: Forecast) -> None:
    """Measure the training step of each of the `BEST` best complete trials that has no measured step time.

    Steps of the network and of the reference network alternate. They use the profile's number of images, so that
    measured and predicted times can be compared. Rewards still use the predicted times, which all trials have. No
    measurement begins after `_SECONDS`, nor after a `UserError`, for instance because the device is missing. On a
    GPU, all measurements are lost if the process that makes them dies.
    """
    own = ranked(trial for trial in engine.trials if trial.state == "complete")
    results = [(trial, trial.result) for trial in own[:BEST] if trial.result]
    missing = [(trial, result) for trial, result in results if result.step_ms is None]
    if not missing:
        return
    pairs = [(trial.architecture, forecast.reference_for(trial.architecture)) for trial, _ in missing]
    arguments = pairs, engine.config.proxy, forecast.profile.batch
    with suppress(UserError):
        steps = (
            in_child(_all_times, *arguments) if gpus_for(engine.config.proxy.device) else _times(*arguments)
        )
        for (trial, result), step in zip(missing, steps, strict=False):
            engine.on_measured(trial.number, result.timed(step))


def _times(
    pairs: Sequence[tuple[Architecture, Architecture]], proxy: Proxy, images: int
) -> Iterator[StepTime]:
    """Yield the measured step times of each network and its reference. No measurement begins after `_SECONDS`.

    pairs: the networks, each with its reference. images: the number of images in a step.
    """
    from search.proxy.measure import measure

    started = time.monotonic()
    for network, reference in pairs:
        if time.monotonic() - started > _SECONDS:
            return
        yield measure(network, reference, proxy, images=images)


def _all_times(
    pairs: Sequence[tuple[Architecture, Architecture]], proxy: Proxy, images: int
) -> list[StepTime]:
    """Return the times of `_times` up to the first measurement that raises `UserError`."""
    steps: list[StepTime] = []
    with suppress(UserError):
        for step in _times(pairs, proxy, images):
            steps.append(step)
    return steps

"""The best networks of a search whose step times were predicted, measured at its end, alone on the machine."""

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
"""How many are measured: what is likely to be used."""
_SECONDS = 60
"""After which no further one is begun: steps on full images of 224 px take seconds each."""


def measure_best(engine: Engine, forecast: Forecast) -> None:
    """Measures a training step of the `BEST` complete trials that have none yet, each in turns with the reference.

    On as many images as the profile's steps had, so that both times stand beside each other. Rewards stay as they
    were: what decides is one and the same for all networks. Where the device isn't there, none is.
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
    """Yield the step time of each network and its reference on so many images, for `_SECONDS` at most."""
    from search.proxy.measure import measure

    started = time.monotonic()
    for network, reference in pairs:
        if time.monotonic() - started > _SECONDS:
            return
        yield measure(network, reference, proxy, images=images)


def _all_times(
    pairs: Sequence[tuple[Architecture, Architecture]], proxy: Proxy, images: int
) -> list[StepTime]:
    return list(_times(pairs, proxy, images))

"""The best networks of a search whose step times were predicted, measured at its end, alone on the machine."""

from __future__ import annotations

import time

from search.engine.engine import Engine
from search.profiles.forecast import Forecast
from search.trials.trial import ranked
from space import UserError

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
    from search.proxy.measure import measure

    started = time.monotonic()
    proxy, images = engine.config.proxy, forecast.profile.batch
    for trial, result in missing:
        if time.monotonic() - started > _SECONDS:
            return
        network = trial.architecture
        try:
            step = measure(network, forecast.reference_for(network), proxy, images=images)
        except UserError:
            return
        engine.on_measured(trial.number, result.timed(step))

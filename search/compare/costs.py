"""The costs of networks for a comparison: computed, predicted by a profile, or measured here, once per network.

Latencies are measured unless this machine cannot reproduce the conditions of the profile. A profile predicts the
latencies of published networks with errors of 10 % and more, which would decide the comparison. So the profile only
gives the unit of measured latencies, and guides the search for networks of equal latency.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.config import Config
from search.files import write_file
from search.profiles.forecast import Forecast
from search.profiles.lookup import like, unmeasurable
from search.proxy.proxy import Proxy, timed
from space import Architecture, decode
from space.cost.table import BATCH, COSTS, EXACT, cost_row, exact_cost
from space.timing.ratio import StepTime

if TYPE_CHECKING:
    from search.models.inference import Conditions

Note = Callable[[str], None]


def matched_costs(match: str | None, config: Config | None) -> tuple[str, ...]:
    """Return the names of the costs, as in `space.cost.table`, by which rivals are matched to a network.

    match: the setting `match`, names separated by commas. If it is empty, the costs are those that the search
    `config` limits. If there are none, it is the first cost of the search's reward. If there is no such cost, or no
    search, it is multiply-adds. Raises `UserError` for an unknown cost.
    """
    if match:
        return tuple(cost_row(name.strip()).name for name in match.split(","))
    limits = [name for name in COSTS if config and getattr(config.limit, name, None) is not None]
    if limits:
        return tuple(limits)
    return (config.reward.costs[0],) if config and config.reward.costs else ("macs",)


class Costs:
    """The costs of networks, each measured at most once.

    proxy: the settings of timed training steps. reference: the network whose training steps and inferences are timed
    in alternation with the measured ones; if there is a profile of latencies, its reference is used for inferences.
    forecasts: the predictions from profiles, by the name of the cost. file: the file of the measurements, None for no
    file. note: a function that receives lines about the progress. batch: the number of images for which memory is
    counted.
    """

    def __init__(
        self,
        proxy: Proxy,
        reference: Architecture,
        forecasts: Mapping[str, Forecast],
        file: Path | None,
        note: Note,
        batch: int = BATCH,
    ) -> None:
        self._batch = batch
        self._proxy, self._reference, self._forecasts = proxy, reference, forecasts
        self._file, self._note = file, note
        self._times: dict[str, dict[str, Any]] = {"step": {}, "latency": {}}
        if file and file.exists():
            self._times |= json.loads(file.read_text("utf-8"))
            # Earlier versions kept the milliseconds in torch, as plain numbers.
            known = self._times["latency"].items()
            self._times["latency"] = {network: one for network, one in known if isinstance(one, dict)}

    def __call__(self, name: str, network: Architecture) -> float:
        """Return a cost of `network` in the unit of `space.cost.table`. name: a name in that table."""
        if name in EXACT:
            return exact_cost(name, network, self._batch)
        if name == "latency":
            return self.latency(network)
        if name in self._forecasts:
            return self._forecasts[name].step(network).ms
        # Other processes slow the network and the reference down alike, so the ratio is more exact than the time.
        return self.step(network).ratio * self._unit("step")

    def guess(self, name: str, network: Architecture) -> float:
        """Return the cost that a profile predicts; without a profile, the cost itself."""
        return self._forecasts[name].step(network).ms if name in self._forecasts else self(name, network)

    def step(self, network: Architecture) -> StepTime:
        """Return the time of a training step of `network`, measured in alternation with steps of the reference."""
        return StepTime(**self._measured("step", network, self._step))

    def latency(self, network: Architecture) -> float:
        """Return the measured latency of `network` in milliseconds.

        It is measured under the conditions of the profile of latencies. If this machine cannot reproduce them, the
        predicted latency is returned instead. Without a profile, an inference is one image on one thread of the CPU,
        in onnxruntime, or in torch if onnxruntime is not installed.
        """
        if "latency" in self._forecasts and not self._comparable:
            return self._forecasts["latency"].step(network).ms
        ratio: float = self._measured("latency", network, self._latency)["ratio"]
        return ratio * self._unit("latency")

    def _unit(self, name: str) -> float:
        """Return the reference's time in milliseconds, from the profile or else from the first measurement."""
        if name in self._forecasts:
            return self._forecasts[name].profile.reference_ms
        ms: float = next(iter(self._times[name].values()))["reference_ms"]
        return ms

    @cached_property
    def _comparable(self) -> bool:
        """True if this machine can measure under the profile's conditions. If not, `note` receives the reason."""
        why = unmeasurable(self._forecasts["latency"].profile)
        if why:
            self._note(f"Latencies are predicted, not measured: {why}")
        return not why

    def _measured(self, name: str, network: Architecture, measure: Callable[[Architecture], Any]) -> Any:
        known = self._times[name]
        if str(network) not in known:
            self._note(f"measuring the {name} of {str(network)[:60]}...")
            known[str(network)] = measure(network)
            if self._file:
                write_file(self._file, json.dumps(self._times, indent=1) + "\n")
        return known[str(network)]

    def _step(self, network: Architecture) -> dict[str, Any]:
        from search.proxy.measure import measure

        shape = network.classes, network.channels
        return asdict(measure(*timed(network, self._reference, self._proxy, *shape), self._proxy))

    def _latency(self, network: Architecture) -> dict[str, float]:
        from search.profiles.latency_bench import latency_bench

        forecast = self._forecasts.get("latency")
        reference = decode(forecast.profile.reference) if forecast else self._reference
        fastest = self._unit("latency") if forecast or self._times["latency"] else inf
        with latency_bench(self._conditions(forecast), reference, fastest) as bench:
            return {"ratio": bench.ratio(network), "reference_ms": bench.reference_ms}

    @staticmethod
    def _conditions(forecast: Forecast | None) -> Conditions:
        from search.models.inference import Conditions
        from search.models.onnx_session import missing

        if forecast:
            return like(forecast.profile)
        return Conditions(runtime="torch" if missing() else "onnxruntime")

"""The predicted step times or latencies of a search's networks, and of the reference network, from a profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from search.profiles.predictor import Prediction, Predictor
from search.profiles.profile import Profile
from search.reward import Latency
from space import Architecture


@dataclass(frozen=True)
class Forecast:
    """The predicted step times or latencies of a search's full networks.

    reference: the network whose time is the unit. one_resolution: True if the reference gets the resolution of the
    network that it is compared with, as in `search.proxy.proxy.timed`; False if it keeps its own.
    """

    profile: Profile
    reference: Architecture
    one_resolution: bool

    def step(self, network: Architecture) -> Prediction:
        """Return the predicted time of a training step of `network` on the profile's number of images.

        With a profile of latencies it is the time of an inference.
        """
        return self._predictor(network)

    def latency(self, network: Architecture) -> Latency:
        """Return the predicted latencies of `network` and of the reference, which keeps its resolution.

        The profile must be one of latencies.
        """
        predicted = self._predictor(network)
        return Latency(predicted.ms, self._predictor(self.reference).ms, predicted.unmeasured)

    def ratio(self, network: Architecture) -> float:
        """Return the predicted S/S0: the time of `network`, divided by the time of `reference_for(network)`."""
        return self._predictor(network).ms / self._predictor(self.reference_for(network)).ms

    def reference_for(self, network: Architecture) -> Architecture:
        """Return the reference network whose time is the unit for `network`.

        If `one_resolution` is True, it has the resolution of `network`, else its own.
        """
        resolution = network.resolution if self.one_resolution else self.reference.resolution
        return replace(self.reference, resolution=resolution)

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self.profile)

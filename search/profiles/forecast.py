"""S of the networks of a search before they are trained: predicted from a profile, relative to the reference's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from search.profiles.predictor import Prediction, Predictor
from search.profiles.profile import Profile
from space import Architecture


@dataclass(frozen=True)
class Forecast:
    """What a profile says of a search's full networks.

    reference: the network whose step time is the unit. one_resolution: it is taken at the resolution of the
    network that it is compared with, as `search.proxy.proxy.timed` has it; else at its own.
    """

    profile: Profile
    reference: Architecture
    one_resolution: bool

    def step(self, network: Architecture) -> Prediction:
        """The time of a training step of `network`, on as many images as the profile's steps had."""
        return self._predictor(network)

    def ratio(self, network: Architecture) -> float:
        """S/S0 of `network`."""
        return self._predictor(network).ms / self._predictor(self.reference_for(network)).ms

    def reference_for(self, network: Architecture) -> Architecture:
        """The network whose step is the unit for `network`."""
        resolution = network.resolution if self.one_resolution else self.reference.resolution
        return replace(self.reference, resolution=resolution)

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self.profile)

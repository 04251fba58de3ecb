"""The network of space=around:NETWORK, fitted to the images of a search and scaled to its limits.

A published network is as large as the limits permit, as in `search compare`; any other network stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from search.profiles.predictor import Predictor
from search.profiles.profile import Profile
from search.settings.limits import Limits
from space import Architecture, UserError, cost, published
from space.catalog.matching import CostOf, Match, adapt, measured_rival
from space.choices.loading import AROUND, network_of
from space.cost.table import COSTS, EXACT, exact_cost

FILLED = 0.95
"""The share of a limit of latency that the network may take. The rest is for the errors of measurements and
predictions, since a network that is predicted to exceed the limit is not tried."""
_STRIDES = ((48, 8), (96, 16))
"""Sides of images in pixels, each with the total stride of networks up to that side; 32 for larger images. For images
of 28 to 224 pixels, the last map has 4 to 7 pixels a side."""
_LARGEST_STRIDE = 32


@dataclass(frozen=True, slots=True)
class Frame:
    """The images and classes that a published network is fitted to."""

    resolution: int
    channels: int
    classes: int

    @property
    def stride(self) -> int:
        """The largest total stride of a network for these images."""
        return next((stride for side, stride in _STRIDES if self.resolution <= side), _LARGEST_STRIDE)


def fitted(name: str, frame: Frame, limits: Limits, latency: str) -> tuple[Architecture, str]:
    """Return the published network `name` for the images, as large as the limits permit, with the reason in words.

    Without limits the network is not scaled; a limit on the step time does not count. latency: the setting, "auto" or
    the file of a profile. Under a limit on the latency, that profile predicts latencies; with "auto", some networks
    are measured here, which takes seconds. Raises `UserError` if the network would need widths below 8, for a file
    that is no profile, and where onnxruntime is needed but missing.
    """
    bounds = {
        limit: value for limit in COSTS if (value := getattr(limits, limit)) is not None and limit != "step"
    }
    images = f"{name} for images of {frame.resolution} px"
    if not bounds:
        return adapt(published(name).architecture, frame), images
    words = " and ".join(f"limit.{limit}={COSTS[limit].text(value)}" for limit, value in bounds.items())
    if "latency" in bounds:
        bounds["latency"] *= FILLED
    with _costs(name, frame, latency if "latency" in bounds else None) as (amount, guess):
        one = measured_rival(name, frame, Match(bounds, amount), guess)
    if one is None:
        raise UserError(
            f"space=around:{name}: within {words} it would need widths below 8; try a smaller network, or a larger"
            " limit."
        )
    return one.architecture, f"{images}, scaled to {words} ({one})"


def centre_of(settings: Mapping[str, Any]) -> str | None:
    """Return the name of the network of space=around:NETWORK, None for other spaces."""
    derived = network_of(str(settings.get("space", "")))
    return derived[1] if derived and derived[0] == AROUND else None


def beginning_with(settings: dict[str, Any], network: str | None) -> dict[str, Any]:
    """Return `settings` with `network` as the first to try, unless others are given or it is None."""
    return settings if network is None or settings.get("first") else settings | {"first": network}


@contextmanager
def _costs(name: str, frame: Frame, latency: str | None) -> Iterator[tuple[CostOf, CostOf]]:
    """Yield the function that returns costs of networks, and one that estimates them.

    latency: as in `fitted`; None if no latency is needed.
    """
    if latency is None:
        yield exact_cost, exact_cost
    elif latency != "auto":
        predictor = Predictor(Profile.load(Path(os.path.expanduser(latency))))

        def predicted(which: str, network: Architecture) -> float:
            return exact_cost(which, network) if which in EXACT else predictor(network).ms

        yield predicted, predicted
    else:
        # Imported here, since only this needs torch.
        from search.models.inference import Conditions
        from search.profiles.latency_bench import latency_bench

        whole = adapt(published(name).architecture, frame)
        with latency_bench(Conditions(), whole) as bench:
            ms = cache(lambda network: bench.time(network).ms)
            each = bench.reference_ms / cost(whole).macs

            def measured(which: str, network: Architecture) -> float:
                return exact_cost(which, network) if which in EXACT else ms(network)

            def guess(which: str, network: Architecture) -> float:
                return exact_cost(which, network) if which in EXACT else each * cost(network).macs

            yield measured, guess

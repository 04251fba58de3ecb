"""The network of space=around:NETWORK, fitted to the images of a search and scaled to its limits.

A published network that exceeds a limit is scaled down until it keeps all limits, as rivals are in `search compare`.
Any other network stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from search.engine.latency_source import profile_in
from search.profiles.predictor import Predictor
from search.settings.limits import Limits
from space import Architecture, UserError, cost, published
from space.catalog.matching import CostOf, Match, adapt, measured_rival
from space.choices.loading import AROUND, network_of
from space.cost.table import COSTS, EXACT, exact_cost

FILLED = 0.95
"""The share of the latency limit that the scaled network may use. The rest allows for errors of measurement and
prediction: a network with a predicted latency above the limit is not tried."""
SMALL, MIDDLE = 48, 96
"""The largest sides of small and of middle-sized images, in pixels. Networks have a total stride of 8 for small
images, 16 for middle-sized and 32 for larger ones. For images of 28 to 224 pixels, the last feature map has 4 to 7
pixels a side."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The properties of the data that a published network is fitted to: image side, channels and classes."""

    resolution: int
    channels: int
    classes: int

    @property
    def stride(self) -> int:
        """The largest total stride of a network for these images."""
        return 8 if self.resolution <= SMALL else 16 if self.resolution <= MIDDLE else 32


def fitted(name: str, frame: Frame, limits: Limits, latency: str) -> tuple[Architecture, str]:
    """Return the published network `name`, adapted to the images and scaled down to the limits, with the reason.

    A network that keeps all limits is not scaled up, so a loose limit does not make the search expensive. A limit on
    the step time is ignored. latency: the value of the setting `latency`, which matters only under a latency limit. A
    profile's file predicts latencies; with "auto", a few networks are measured on this machine, which takes seconds.
    Raises `UserError` if the scaled network would need widths below 8, if the file is not a profile of latencies, and
    if onnxruntime is needed but missing.
    """
    bounds = {
        limit: value for limit in COSTS if (value := getattr(limits, limit)) is not None and limit != "step"
    }
    images, whole = f"{name} for images of {frame.resolution} px", adapt(published(name).architecture, frame)
    words = " and ".join(f"limit.{limit}={COSTS[limit].text(value)}" for limit, value in bounds.items())
    if "latency" in bounds:
        bounds["latency"] *= FILLED
    exact = partial(exact_cost, batch=limits.batch)
    with _costs(whole, latency if "latency" in bounds else None, exact) as (amount, guess):
        match = Match(bounds, amount, strict=True)
        if not bounds or match.share(whole) <= 1:
            return whole, images
        one = measured_rival(name, frame, match, guess)
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
    """Return `settings` with `network` as the setting `first`, unless `first` is set already or `network` is None."""
    return settings if network is None or settings.get("first") else settings | {"first": network}


@contextmanager
def _costs(whole: Architecture, latency: str | None, exact: CostOf) -> Iterator[tuple[CostOf, CostOf]]:
    """Yield a function that returns the cost of a network, and a function that returns a cheaper estimate of it.

    whole: the reference of latency measurements, which is timed in turns with each network. latency: as in `fitted`;
    None if no latency is needed. exact: the function that returns costs that follow from the architecture alone.
    """
    if latency is None:
        yield exact, exact
    elif latency != "auto":
        predictor = Predictor(profile_in(latency))

        def predicted(which: str, network: Architecture) -> float:
            return exact(which, network) if which in EXACT else predictor(network).ms

        yield predicted, predicted
    else:
        # Only this branch needs torch.
        from search.models.inference import Conditions
        from search.profiles.latency_bench import latency_bench

        with latency_bench(Conditions(), whole) as bench:
            ms = cache(lambda network: bench.time(network).ms)
            each = bench.reference_ms / cost(whole).macs

            def measured(which: str, network: Architecture) -> float:
                return exact(which, network) if which in EXACT else ms(network)

            def guess(which: str, network: Architecture) -> float:
                return exact(which, network) if which in EXACT else each * cost(network).macs

            yield measured, guess

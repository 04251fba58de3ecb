"""How long a fit will take: measured on one training step of the base, the rest by multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass

from scaling.fitting.baselines import ALONE
from scaling.fitting.fit import Plan


@dataclass(frozen=True, slots=True)
class Estimate:
    """step_ms: of one training step of the base, measured here and now. candidate, first, most: seconds of one
    training of a candidate in the mean, of the first round on the clock, and of the whole fit at most."""

    step_ms: float
    candidate: float
    first: float
    most: float


def estimate(plan: Plan) -> Estimate:
    """The time that `plan` takes here, assuming that time goes with multiply-adds. Trains a few steps."""
    design, parallel = plan.design, plan.config.executor.parallel or 1
    step_ms = _step_ms(plan)
    unit = step_ms / 1e3 * _steps(plan)
    growths = [candidate.model.macs_growth for candidate in plan.grid.candidates]
    mean = sum(growths) / len(growths)
    further = (plan.race().most - len(growths)) * mean
    if design.compare:
        # The rivals are about as costly as a candidate; the base is trained too.
        further += design.seeds * (len(ALONE) * mean + 1)
    first = unit * sum(growths) / parallel
    return Estimate(step_ms, unit * mean, first, first + unit * further / parallel)


def _step_ms(plan: Plan) -> float:
    """Of the base, on noise: pixels do not change what a step costs."""
    import torch

    from search.proxy.device import choose_device, precision_on
    from space.network.network import build
    from space.timing.ratio import step_ratio

    proxy, network = plan.config.proxy, plan.fitted.architecture
    place = choose_device(proxy.device)
    precision = precision_on(place, proxy.precision)
    built = build(network).to(place).to(memory_format=torch.channels_last)
    size = (proxy.batch, network.channels, network.resolution, network.resolution)
    batch = torch.randn(size, device=place).to(memory_format=torch.channels_last)
    labels = torch.zeros(proxy.batch, dtype=torch.long, device=place)
    dtype = None if precision == torch.float32 else precision
    return step_ratio(built, built, batch, labels, pairs=3, most=3, dtype=dtype).ms


def _steps(plan: Plan) -> float:
    """Training steps of one network, validation counted in: an image forward alone is a third of a step's."""
    proxy = plan.config.proxy
    images = min(proxy.images or plan.images, plan.images)
    validated = min(proxy.validation_images or plan.validated, plan.validated)
    return (images * proxy.epochs + validated / 3) / proxy.batch

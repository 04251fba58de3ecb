"""The duration of a fit, estimated from the time of a training step of the base and the networks' multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass

from scaling.fitting.baselines import SINGLE
from scaling.fitting.plan import Plan


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated duration of a fit.

    step_ms: the milliseconds of a training step of the base, measured on this machine. candidate: the seconds of a
    training of an average candidate. first_seed: the seconds until all candidates are trained with the first seed.
    longest: the seconds of the whole fit if no leader drops out.
    """

    step_ms: float
    candidate: float
    first_seed: float
    longest: float


def estimate(plan: Plan) -> Estimate:
    """Return the estimated duration of `plan`. Time is assumed to be proportional to multiply-adds.

    To measure the time of a step, the base is trained for a few steps. On a cluster, whose number of workers is not
    known in advance, the trainings are assumed to run one at a time.
    """
    design, parallel = plan.design, plan.config.executor.parallel or 1
    step_ms = _step_ms(plan)
    unit = step_ms / 1e3 * _steps(plan)
    growths = [candidate.model.macs_growth for candidate in plan.grid.candidates]
    mean = sum(growths) / len(growths)
    further = (plan.race().max_trainings - len(growths)) * mean
    if design.compare:
        # The baselines cost about as much as a candidate. The base itself is trained too.
        further += design.seeds * (len(SINGLE) * mean + 1)
    first = unit * sum(growths) / parallel
    return Estimate(step_ms, unit * mean, first, first + unit * further / parallel)


def _step_ms(plan: Plan) -> float:
    """Return the measured milliseconds of a training step of the base on random pixels, whose values don't matter."""
    import torch

    from search.proxy.device import choose_device, precision_on
    from space.network.network import build
    from space.timing.ratio import step_ratio

    proxy, network = plan.config.proxy, plan.adapted_base.architecture
    device = choose_device(proxy.device)
    precision = precision_on(device, proxy.precision)
    model = build(network).to(device).to(memory_format=torch.channels_last)
    size = (proxy.batch, network.channels, network.resolution, network.resolution)
    batch = torch.randn(size, device=device).to(memory_format=torch.channels_last)
    labels = torch.zeros(proxy.batch, dtype=torch.long, device=device)
    dtype = None if precision == torch.float32 else precision
    return step_ratio(model, model, batch, labels, pairs=3, max_pairs=3, dtype=dtype).ms


def _steps(plan: Plan) -> float:
    """Return the number of training steps that take as long as the training and the validation of a network.

    A validation image counts as a third of a training image, since it has no backward pass.
    """
    proxy = plan.config.proxy
    images = min(proxy.images or plan.images, plan.images)
    return (images * proxy.epochs + plan.validated / 3) / proxy.batch

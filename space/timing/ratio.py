"""The time of a network's training step, divided by the time of a reference network's step.

A time in seconds holds for one machine at one moment: under other load, wall time on a CPU is off by a factor of 2,
and CPU time by a fifth, since other processes use the caches and lower the clock rate. Two networks that are timed
in turns are slowed down alike, and their ratio stays within a few percent. A reward A * S^w of accuracy A and step
time S only needs the ratio, since the reference multiplies all rewards of a study by one constant. At w = -0.07, an
error of 10% in S changes a reward by 0.7%, less than the noise of a training's seed. Compare only ratios to the same
reference on the same host.

Measured: eight runs with one pair of networks on two cores with up to four other processes gave ratios of 2.03
+- 0.07 (standard deviation; 1.92 to 2.15), while the wall time of the same step ranged from 60 to 287 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import comb
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional

from space.timing.clock import Step, Timer, timer_of, undisturbed


@dataclass(frozen=True, slots=True)
class StepTime:
    """The time of one training step of a network, and of a reference.

    ratio: the median, over pairs of steps, of the network's time divided by the reference network's time.
    spread: half the 95% interval of that median, as a share of the median: 0.03 means within 3%.
    pairs: the number of pairs of steps that were timed.
    ms, reference_ms: the median milliseconds of a step: CPU time of the one thread, or time on the GPU.
    wall_ms, reference_wall_ms: the median wall time of a step in milliseconds, including waits caused by other load.
    """

    ratio: float
    spread: float
    pairs: int
    ms: float
    reference_ms: float
    wall_ms: float
    reference_wall_ms: float


def step_ratio(
    network: nn.Module,
    reference: nn.Module,
    batch: Tensor,
    labels: Tensor,
    *,
    reference_batch: Tensor | None = None,
    pairs: int = 13,
    warmup: int = 3,
    tolerance: float = 0.03,
    max_pairs: int = 65,
    dtype: torch.dtype | None = None,
    timer: Timer | None = None,
) -> StepTime:
    """Return the measured time of a training step of `network`, in turns with steps of `reference`.

    batch: (batch, channels, height, width), on the device of both networks, in the memory format to be timed. labels:
    (batch,) class indices that both networks have. A step is forward, cross-entropy, backward and SGD with momentum;
    with a `dtype`, forward runs under autocast to it. reference_batch: a batch of as many images, for a reference
    with another resolution.

    First `warmup` steps of each network run untimed. Then `pairs` pairs of steps are timed, and as many again until
    the spread (see `StepTime`) is at most `tolerance` or `max_pairs` is reached. The result has both.

    On a CPU one thread is used, whatever torch is set to. Both networks are copied, so that their weights, gradients,
    running statistics and modes do not change. The global random state is restored.
    timer: the timer to use for other devices than CPU and CUDA, and in tests.
    """
    timer = timer or timer_of(batch.device)
    with undisturbed(batch.device):
        step = training_step(deepcopy(network), batch, labels, dtype)
        other = batch if reference_batch is None else reference_batch
        other_step = training_step(deepcopy(reference), other, labels, dtype)
        for _ in range(warmup):
            step()
            other_step()
        return in_turns(timer, step, other_step, pairs, tolerance, max_pairs)


def in_turns(
    timer: Timer, step: Step, reference: Step, pairs: int, tolerance: float, max_pairs: int
) -> StepTime:
    """Return the times of a step and of a reference's step, measured in turns: training steps, or inferences.

    Rounds of `pairs` pairs are timed until the ratio is known within `tolerance` or there are `max_pairs` pairs.
    """
    taken: list[tuple[float, float, float, float]] = []
    while not taken or (len(taken) < max_pairs and _ratio(taken)[1] > tolerance):
        for _ in range(min(pairs, max_pairs - len(taken))):
            taken.append(_pair(timer, step, reference, swapped=len(taken) % 2 == 1))
    own, wall, reference_ms, reference_wall = (median(times) for times in zip(*taken, strict=True))
    return StepTime(*_ratio(taken), len(taken), own, reference_ms, wall, reference_wall)


def _ratio(taken: list[tuple[float, float, float, float]]) -> tuple[float, float]:
    return median_and_spread([own / other for own, _, other, _ in taken])


def _pair(timer: Timer, step: Step, reference: Step, swapped: bool) -> tuple[float, float, float, float]:
    """Return the times of `timer` for `step`, then for `reference`, in milliseconds.

    swapped: True to run `reference` first. The caller alternates, so that a drift of the clock rate favours neither.
    """
    if swapped:
        after = timer(reference)
        return *timer(step), *after
    return *timer(step), *timer(reference)


def median_and_spread(values: list[float]) -> tuple[float, float]:
    """Return the median, and half of its 95% interval divided by the median.

    The interval consists of two order statistics and assumes no normality. The k-th smallest and k-th largest of n
    values enclose the true median unless fewer than k of n fair coins show heads, or fewer than k show tails. k is
    the largest number for which each of these two events has a probability of at most 2.5%. With fewer than 6 values
    the interval is the whole range, which encloses the median less often. Needs at least one value.
    """
    ordered, n = sorted(values), len(values)
    k, tail = 0, comb(n, 0) / 2**n
    while tail <= 0.025:
        k += 1
        tail += comb(n, k) / 2**n
    low, high = ordered[max(k, 1) - 1], ordered[-max(k, 1)]
    middle = median(ordered)
    return middle, (high - low) / 2 / middle


def training_step(
    network: nn.Module,
    batch: Tensor,
    labels: Tensor,
    dtype: torch.dtype | None,
    after_backward: Callable[[], None] = lambda: None,
) -> Step:
    """Return a function that trains `network` for one step, by cross-entropy and SGD with momentum.

    batch, labels, dtype: as in `step_ratio`. after_backward: a function that is called before the optimiser's step.
    """
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(batch.device.type, dtype, enabled=dtype is not None):
            loss = functional.cross_entropy(network(batch), labels)
        loss.backward()
        after_backward()
        optimizer.step()

    return step

"""The time of a training step for each block, measured inside steps of the complete network.

A block that is timed alone finds its maps in the cache and a tidy heap, so a sum of such times is wrong by 6 to 8%.
Here each block runs in its place in the network. The moments between blocks are recorded: in the forward pass when a
block begins, in the backward pass when the gradient of its input is complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median

import torch
from torch import Tensor, nn

from space.network.network import Network
from space.timing.clock import Marks, Step, Timer, marks_of, timer_of
from space.timing.ratio import median_and_spread, training_step


@dataclass(frozen=True, slots=True)
class BlockTimes:
    """The times of a network's training step and its parts, divided by the time of a reference's training step.

    blocks: the median forward plus backward time of each block of `space.plan.plan` from stem to head, without the
    classifier (a head that is only a classifier has no entry). rest: the same for classifier, loss and optimiser.
    step: the median time of the complete step. spread: half the 95% interval of `step`, as a share of it.
    reference_ms: the milliseconds of the reference's step. wall: the wall time of the step divided by its time on the
    device, 1 if nothing else ran.
    """

    blocks: tuple[float, ...]
    rest: float
    step: float
    spread: float
    reference_ms: float
    wall: float


def block_times(
    network: Network,
    batch: Tensor,
    labels: Tensor,
    reference: Step,
    *,
    steps: int = 6,
    warmup: int = 2,
    tolerance: float = 0.03,
    max_steps: int = 18,
    dtype: torch.dtype | None = None,
    timer: Timer | None = None,
    marks: Marks | None = None,
) -> BlockTimes:
    """Return the times of the blocks of `network`: medians over `steps` training steps, after `warmup` untimed ones.

    batch, labels, dtype: as in `space.timing.ratio.step_ratio`. `reference` is run before and after each step.
    `steps` more are taken until the spread is at most `tolerance` or there are `max_steps`. The network is copied.
    timer, marks: for other devices, and for tests. Call this function inside `space.timing.clock.undisturbed`.
    """
    timer, marks = timer or timer_of(batch.device), marks or marks_of(batch.device)
    step = _marked_step(deepcopy(network), batch, labels, dtype, marks)
    for _ in range(warmup):
        step()
        marks.read()
        reference()
    takes: list[_Take] = []
    before = timer(reference)[0]
    while not takes or (len(takes) < max_steps and _spread(takes) > tolerance):
        for _ in range(min(steps, max_steps - len(takes))):
            own, wall = timer(step)
            after = timer(reference)[0]
            takes.append(_Take(_parts(marks.read(), own), own, (before + after) / 2, wall))
            before = after
    *blocks, rest = (median(column) for column in zip(*(take.shares for take in takes), strict=True))
    return BlockTimes(
        blocks=tuple(blocks),
        rest=rest,
        step=median(take.own / take.reference for take in takes),
        spread=_spread(takes),
        reference_ms=median(take.reference for take in takes),
        wall=median(take.wall / take.own for take in takes),
    )


@dataclass(frozen=True, slots=True)
class _Take:
    """A timed step. All times are in milliseconds: `wall` by the host's clock, the others on the device.

    parts: the times of the blocks and of the rest, see `_parts`. own, wall: the times of the whole step. reference:
    the mean time of the reference's steps before and after it. shares: `parts` divided by `reference`.
    """

    parts: list[float]
    own: float
    reference: float
    wall: float

    @property
    def shares(self) -> list[float]:
        return [part / self.reference for part in self.parts]


def _spread(takes: list[_Take]) -> float:
    return median_and_spread([take.own / take.reference for take in takes])[1]


def _parts(moments: list[float], step: float) -> list[float]:
    """Return the forward plus backward time of each block, and of the rest of `step`, from a step's moments.

    moments: 2 n + 2 for n blocks. First come the beginning of each block and the end of the last in the forward pass,
    then the same points of the network in reverse order in the backward pass.
    """
    count = len(moments) // 2 - 1
    forward, backward = moments[: count + 1], moments[count + 1 :]
    spent = [
        forward[i + 1] - forward[i] + backward[count - i] - backward[count - i - 1] for i in range(count)
    ]
    return [*spent, step - sum(spent)]


def _marked_step(
    network: Network, batch: Tensor, labels: Tensor, dtype: torch.dtype | None, marks: Marks
) -> Step:
    """Return a training step that marks the moments that `_parts` reads.

    The first block's backward pass ends with the whole backward pass, since images have no gradient.
    """
    for module in _beginnings(network):
        module.register_forward_pre_hook(partial(_note, marks))
    return training_step(network, batch, labels, dtype, after_backward=marks.mark)


def _note(marks: Marks, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    marks.mark()
    if inputs[0].requires_grad:
        inputs[0].register_hook(lambda gradient: marks.mark())


def _beginnings(network: Network) -> Iterator[nn.Module]:
    """Yield the modules at which the blocks of `network` and its classifier begin."""
    yield network.stem
    for stage in network.stages:
        yield from stage.children()
    *features, classifier = network.head
    yield from features[:1]
    yield classifier


def inference_blocks(
    network: Network, batch: Tensor, *, steps: int = 20, dtype: torch.dtype | None = None
) -> list[float]:
    """Return the milliseconds of each block of an inference, then those of the classifier: medians over `steps`.

    See `BlockTimes` for the blocks. Two more inferences come first, untimed. batch, dtype: as in
    `space.timing.ratio.step_ratio`. The network is copied. Call this function inside
    `space.timing.clock.undisturbed`.
    """
    marks, copy = marks_of(batch.device), deepcopy(network).eval()
    for module in _beginnings(copy):
        module.register_forward_pre_hook(lambda module, inputs: marks.mark())
    takes: list[list[float]] = []
    with torch.inference_mode(), torch.autocast(batch.device.type, dtype, enabled=dtype is not None):
        for _ in range(steps + 2):
            copy(batch)
            marks.mark()
            moments = marks.read()
            takes.append([after - before for before, after in pairwise(moments)])
    return [median(column) for column in zip(*takes[2:], strict=True)]

"""The time of a training step, block by block, taken inside a step of the whole network.

A block timed on its own finds its maps in the cache and the heap as it likes it; a sum of such times is off by
6 to 8%. Here each block runs where it belongs. What is noted are the moments between blocks: forward when a
block begins, backward when the gradient of its input is complete.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn

from space.network.network import Network
from space.timing.clock import Marks, Step, Timer, marks_of, timer_of
from space.timing.ratio import median_and_spread, training_step


@dataclass(frozen=True, slots=True)
class Dissected:
    """A network's training step and its parts, in steps of a reference that took turns with it.

    blocks: for each block of `space.plan.plan` from stem to head, the classifier not counted and so no head that
    is a classifier alone, the median of its forward and backward time. rest: of all else: classifier, loss,
    optimiser. step: of the whole step, and spread: half the 95% interval of that median, as a share of it.
    reference_ms: one step of the reference in milliseconds. wall: the step's wall time over its time on the
    device: 1 where nothing else ran.
    """

    blocks: tuple[float, ...]
    rest: float
    step: float
    spread: float
    reference_ms: float
    wall: float


def dissect(
    network: Network,
    batch: Tensor,
    labels: Tensor,
    reference: Step,
    *,
    steps: int = 6,
    warmup: int = 2,
    tolerance: float = 0.03,
    most: int = 18,
    dtype: torch.dtype | None = None,
    timer: Timer | None = None,
    marks: Marks | None = None,
) -> Dissected:
    """The times of the blocks of `network`: medians over `steps` training steps, after `warmup` untimed ones.

    batch, labels, dtype: as `space.timing.ratio.step_ratio` has them; `reference` is run before and after each step.
    As many steps again are taken until the spread is at most `tolerance` or there are `most`. The network is
    copied. timer, marks: for other devices, and for tests. Call it inside `space.timing.clock.undisturbed`.
    """
    timer, marks = timer or timer_of(batch.device), marks or marks_of(batch.device)
    step = _marked_step(deepcopy(network), batch, labels, dtype, marks)
    for _ in range(warmup):
        step()
        marks.read()
        reference()
    takes: list[_Take] = []
    before = timer(reference)[0]
    while not takes or (len(takes) < most and _spread(takes) > tolerance):
        for _ in range(min(steps, most - len(takes))):
            own, wall = timer(step)
            after = timer(reference)[0]
            takes.append(_Take(_parts(marks.read(), own), own, (before + after) / 2, wall))
            before = after
    *blocks, rest = (median(column) for column in zip(*(take.shares for take in takes), strict=True))
    return Dissected(
        blocks=tuple(blocks),
        rest=rest,
        step=median(take.own / take.reference for take in takes),
        spread=_spread(takes),
        reference_ms=median(take.reference for take in takes),
        wall=median(take.wall / take.own for take in takes),
    )


@dataclass(frozen=True, slots=True)
class _Take:
    """A step: its parts, itself, the reference around it, in milliseconds on the device; and by the wall clock."""

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
    """The time of each block, forward and backward, and of the rest of a `step`, from a step's moments.

    2 n + 2 moments of n blocks: where each begins forward, where the last ends, then backward from the last
    block's end to the first one's beginning.
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
    """A training step that marks the moments that `_parts` reads.

    The first block's backward ends with the whole of backward: images have no gradient.
    """
    blocks = (block for stage in network.stages for block in stage.children())
    *features, classifier = network.head
    for module in (network.stem, *blocks, *features[:1], classifier):
        module.register_forward_pre_hook(partial(_note, marks))
    return training_step(network, batch, labels, dtype, after_backward=marks.mark)


def _note(marks: Marks, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    marks.mark()
    if inputs[0].requires_grad:
        inputs[0].register_hook(lambda gradient: marks.mark())

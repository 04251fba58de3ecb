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

from space.clock import Marks, Step, Timer, marks_of, timer_of, undisturbed
from space.model import Network
from space.timing import median_and_spread, training_step


@dataclass(frozen=True, slots=True)
class Dissected:
    """A network's training step and its parts, in steps of a reference that took turns with it.

    blocks: for each block of `space.plan.plan` from stem to head, without the classifier, the median of its
    forward and backward time. rest: of all else: classifier, loss, optimiser. step: of the whole step, and spread:
    half the 95% interval of that median, as a share of it. reference_ms: one step of the reference in
    milliseconds. wall: the step's wall time over its time on the device: 1 where nothing else ran.
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
    steps: int = 8,
    warmup: int = 2,
    dtype: torch.dtype | None = None,
    timer: Timer | None = None,
    marks: Marks | None = None,
) -> Dissected:
    """The times of the blocks of `network`, medians of `steps` training steps after `warmup` that aren't timed.

    batch, labels, dtype: as `space.timing.step_ratio` has them; `reference` is run before and after each step.
    The network is copied. timer, marks: for other devices, and for tests. Call it inside
    `space.clock.undisturbed`, with a reference made in there, to measure several networks; alone it sees to that.
    """
    timer, marks = timer or timer_of(batch.device), marks or marks_of(batch.device)
    with undisturbed(batch.device):
        step = _marked_step(deepcopy(network), batch, labels, dtype, marks)
        for _ in range(warmup):
            step()
            marks.read()
            reference()
        rows: list[tuple[list[float], float]] = []
        walls: list[float] = []
        before = timer(reference)[0]
        references = [before]
        for _ in range(steps):
            own, wall = timer(step)
            after = timer(reference)[0]
            rows.append((_parts(marks.read(), own), (before + after) / 2))
            references.append(before := after)
            walls.append(wall / own)
    shares = [[part / unit for part in parts] for parts, unit in rows]
    *blocks, rest = (median(column) for column in zip(*shares, strict=True))
    whole, spread = median_and_spread([sum(parts) for parts in shares])
    return Dissected(tuple(blocks), rest, whole, spread, median(references), median(walls))


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
    for module in (network.stem, *blocks, *network.head):
        module.register_forward_pre_hook(partial(_note, marks))
    return training_step(network, batch, labels, dtype, after_backward=marks.mark)


def _note(marks: Marks, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    marks.mark()
    if inputs[0].requires_grad:
        inputs[0].register_hook(lambda gradient: marks.mark())  # type: ignore[no-untyped-call]

"""Exact costs of a network before it is built: parameters, size, multiply-adds and activations.

The conventions are those of fvcore's operators `conv` and `linear` for one image: a multiply-add counts 1, and
biases, normalisation, activation functions, pooling and additions count nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from space.architecture import Architecture, Head, Stage, Stem
from space.conv import Layer
from space.plan import block_layers, head_layers, repeated, stem_layers
from space.refusal import UserError


@dataclass(frozen=True, slots=True)
class Cost:
    """The costs of a network, or of a part of one.

    params: the number of trainable parameters (running statistics of normalisation are not trainable).
    macs: the multiply-adds of the convolutions and the classifier for one image.
    activations: the output elements of all convolutions for one image, without the classifier, as in
        Radosavovic et al. 2020, "Designing Network Design Spaces".
    size: the bytes of the weights in float32 once batch normalisation is folded into the convolutions.
    """

    params: int
    macs: int
    activations: int
    size: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            params=self.params + other.params,
            macs=self.macs + other.macs,
            activations=self.activations + other.activations,
            size=self.size + other.size,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A row of a network's stage table: the stem, a stage or the head, with its costs.

    size_in, size: the sides of the input and output maps in pixels. width_in, width: the channels of these maps. The
    output of the head is the input of its classifier.
    """

    name: str
    part: Stem | Stage | Head
    size_in: int
    size: int
    width_in: int
    width: int
    cost: Cost


def cost(architecture: Architecture) -> Cost:
    """Return the exact cost of `architecture`; takes microseconds once its blocks have been counted.

    Raises `UserError` if the images are too small for a layer without padding, and for a network that
    `space.plan.plan` refuses.

    >>> from space import decode
    >>> cost(decode("r32_i16/mb_d2_k3_s2_e4_w24_se0.25/h64_c10"))
    Cost(params=13956, macs=958720, activations=44202, size=54032)
    """
    stem, head = architecture.stem, architecture.head
    params, macs, activations, floats, side = _stem(stem, architecture.channels, architecture.resolution)
    width = stem.width
    for stage in architecture.stages:
        p, m, a, f, side = _stage(stage, width, side)
        width = stage.width
        params, macs, activations, floats = params + p, macs + m, activations + a, floats + f
    p, m, a, f, _ = _head(head, width, architecture.classes, side)
    return Cost(params + p, macs + m, activations + a, FLOAT * (floats + f))


def parts(architecture: Architecture) -> tuple[Part, ...]:
    """Return the stage table of `architecture`: stem, stages, head. Their costs add up to `cost(architecture)`.

    >>> from space import decode
    >>> [(part.name, part.cost.params) for part in parts(decode("r32_i16/mb_d2_k3_s2_e4_w24_se0.25/h64_c10"))]
    [('stem', 464), ('stages.0', 11178), ('head', 2314)]
    """
    stem, head = architecture.stem, architecture.head
    total, size = stem_cost(stem, architecture.channels, architecture.resolution)
    rows = [Part("stem", stem, architecture.resolution, size, architecture.channels, stem.width, total)]
    width = stem.width
    for number, stage in enumerate(architecture.stages):
        total, size_out = stage_cost(stage, width, size)
        rows.append(Part(f"stages.{number}", stage, size, size_out, width, stage.width, total))
        width, size = stage.width, size_out
    total = head_cost(head, width, architecture.classes, size)
    rows.append(Part("head", head, size, 1, width, head.hidden or head.width or width, total))
    return tuple(rows)


def stem_cost(stem: Stem, channels: int, resolution: int) -> tuple[Cost, int]:
    """Return the cost of `stem` on images of `channels` channels, and the side of its output in pixels."""
    spent = _stem(stem, channels, resolution)
    return _cost(spent), spent[-1]


def head_cost(head: Head, width_in: int, classes: int, size: int) -> Cost:
    """Return the cost of `head` and the classifier on maps of `width_in` channels and `size` pixels a side."""
    return _cost(_head(head, width_in, classes, size))


def stage_cost(stage: Stage, width_in: int, size: int) -> tuple[Cost, int]:
    """Return the cost of `stage` on maps of `width_in` channels and `size` pixels a side, and its output's side."""
    spent = _stage(stage, width_in, size)
    return _cost(spent), spent[-1]


FLOAT = 4
"""The number of bytes of a float32."""
_Spent = tuple[int, int, int, int, int]
"""(params, macs, activations, floats to store, side of the output): a plain tuple, since a search adds up
millions of them."""


def _cost(spent: _Spent) -> Cost:
    params, macs, activations, floats, _ = spent
    return Cost(params, macs, activations, FLOAT * floats)


def _layers(layers: tuple[Layer, ...], size: int) -> _Spent:
    sizes = {"input": (size, size)}
    before = "input"
    params = macs = activations = floats = 0
    for part in layers:
        # Maps that a layer reads together have equal sizes.
        reads = (1, 1) if part.pooled else sizes[part.reads.partition("+")[0] or before]
        height, width = sizes[part.name] = part.size(*reads)
        if height < 1 or width < 1:
            raise UserError(
                f"Images are too small for this network: {part.name} would have nothing to read in a block whose"
                f" input has {size} x {size} pixels."
            )
        params += part.params
        macs += part.macs(height, width)
        activations += part.outputs(height, width)
        floats += part.folded_params
        before = part.name
    return params, macs, activations, floats, sizes[before][0]


@lru_cache(maxsize=65_536)
def _stem(stem: Stem, channels: int, size: int) -> _Spent:
    return _layers(stem_layers(stem, channels), size)


def _stage(stage: Stage, width: int, side: int) -> _Spent:
    """Return the costs of all blocks of a stage."""
    params = macs = activations = floats = 0
    for (p, m, a, f, after), times in repeated(stage, width, side, _block, itemgetter(-1)):
        params, macs, activations = params + times * p, macs + times * m, activations + times * a
        floats, side = floats + times * f, after
    return params, macs, activations, floats, side


@lru_cache(maxsize=65_536)
def _block(stage: Stage, width_in: int, stride: int, size: int) -> _Spent:
    return _layers(block_layers(stage, width_in, stride), size)


@lru_cache(maxsize=65_536)
def _head(head: Head, width_in: int, classes: int, size: int) -> _Spent:
    params, macs, activations, floats, _ = _layers(head_layers(head, width_in, classes), size)
    return params, macs, activations - classes, floats, 1

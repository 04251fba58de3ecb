"""Hypothesis strategies that several tests share."""

from collections.abc import Iterable
from math import lcm
from typing import Any

from hypothesis import strategies as st

from space.architecture import Architecture, Head, Stage, Stem
from space.blocks import BLOCKS
from space.conv import ACTIVATIONS

BLOCK_ACTIVATIONS = tuple(act for act in ACTIVATIONS if act != "sigmoid")
KERNELS = st.sampled_from([1, 3, 5, 7])
STRIDES = st.sampled_from([1, 2])
EXPANDS = st.one_of(st.sampled_from([1, 2, 3, 4, 6]), st.sampled_from([0.5, 1.5, 2.25]))
SQUEEZES = st.sampled_from([0, 0.0625, 0.25, 0.5, 1])
ACTS = st.sampled_from(BLOCK_ACTIVATIONS)


def stages(
    max_width: int = 48, max_depth: int = 3, ops: Iterable[str] | None = None
) -> st.SearchStrategy[Stage]:
    """Draw stages of the block families `ops`, by default of all; some have depth 0."""
    return st.builds(
        _stage,
        op=st.sampled_from(sorted(ops or BLOCKS)),
        depth=st.integers(0, max_depth),
        kernel=KERNELS,
        stride=STRIDES,
        expand=EXPANDS,
        width=st.integers(1, max_width),
        se=SQUEEZES,
        act=ACTS,
        groups=st.sampled_from([1, 1, 2, 3]),
        dilation=st.sampled_from([1, 1, 2]),
        skip=st.booleans(),
        start=st.sampled_from([0, 3, 5]),
        omit_kernel=st.booleans(),
    )


def _stage(op: str, width: int, groups: int, kernel: int, omit_kernel: bool, **rest: Any) -> Stage:
    groups = groups if "groups" in BLOCKS[op].reads else 1
    multiple = lcm(groups, BLOCKS[op].multiple)
    # A block of stride 2 needs one of its two kernels.
    if BLOCKS[op].kernel_optional and omit_kernel and (rest["start"] or rest["stride"] == 1):
        kernel = 0
    return Stage(op=op, width=-(-width // multiple) * multiple, groups=groups, kernel=kernel, **rest)


def architectures(
    max_width: int = 48,
    max_depth: int = 3,
    max_stages: int = 4,
    max_resolution: int = 67,
    ops: Iterable[str] | None = None,
) -> st.SearchStrategy[Architecture]:
    """Draw small networks of any shape, for images of any size (also odd ones), channels and classes."""
    return st.builds(
        Architecture,
        resolution=st.integers(1, max_resolution),
        stem=st.builds(
            Stem,
            width=st.integers(1, max_width),
            kernel=KERNELS,
            stride=STRIDES,
            act=ACTS,
            op=st.sampled_from(["conv", "pool", "folded"]),  # Others leave nothing of small images.
        ),
        stages=st.lists(stages(max_width, max_depth, ops), min_size=1, max_size=max_stages)
        .map(tuple)
        .filter(lambda stages: any(stage.depth for stage in stages)),
        head=st.builds(
            Head,
            width=st.integers(0, max_width),
            act=ACTS,
            hidden=st.sampled_from([0, 0, 5]),
            bias=st.booleans(),
            norm=st.booleans(),
        ),
        classes=st.integers(1, 12),
        channels=st.integers(1, 5),
    )

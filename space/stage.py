"""The stage: what most of a network consists of."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import Any

from space.blocks import BLOCKS, branches, dilations
from space.checks import act, odd, ratio, stride, text, whole
from space.refusal import UserError, unknown_name

_UNREAD: dict[str, Any] = {"kernel": 1, "expand": 1, "se": 0, "act": "silu", "skip": True}
_UNREAD |= {"groups": 1, "dilation": 1, "dilations": "", "branches": ""}


@dataclass(frozen=True, slots=True)
class Stage:
    """`depth` blocks of one kind, all `width` channels wide; the first has `stride`, the others stride 1.

    op: a key of `space.blocks.BLOCKS`. expand: hidden width over input width. se: squeeze-excitation's
    bottleneck over the block's input width, 0 for none. The stage's input width is the width before it.
    groups: of the 1x1 convolutions; one whose channels they do not divide has none. dilation: of the spatial
    convolution; dilations: of groups of its channels, see `space.blocks.dilations`. skip: whether a block's
    input is added to its output where their shapes agree. branches: of inception modules, see
    `space.blocks.branches`. What the family doesn't read is set to its default here.
    """

    op: str
    depth: int
    kernel: int
    stride: int
    expand: float
    width: int
    se: float = 0
    act: str = "silu"
    groups: int = 1
    dilation: int = 1
    skip: bool = True
    branches: str = ""
    dilations: str = ""

    def __post_init__(self) -> None:
        if self.op not in BLOCKS:
            raise unknown_name("op", self.op, BLOCKS)
        whole("depth", self.depth, least=0, most=1_000_000)
        odd("kernel", self.kernel)
        stride("stride", self.stride)
        object.__setattr__(self, "expand", ratio("expand", self.expand, 0.05, 64))
        whole("width", self.width)
        object.__setattr__(self, "se", 0 if self.se == 0 else ratio("se", self.se, 0.001, 1))
        act("act", self.act)
        # Most stages have none of these, and searches make them by the million.
        rare = (self.groups, self.dilation, self.skip, self.branches, self.dilations) != _USUAL
        if rare:
            self._check_rarities()
        reads = BLOCKS[self.op].reads
        for name, default in _UNREAD.items():
            if name not in reads and getattr(self, name) != default:
                object.__setattr__(self, name, default)
        if rare:
            self._settle_rarities()
        if self.width % self.multiple:
            raise UserError(f"width is {self.width}; here it must be a multiple of {self.multiple}.")

    def _check_rarities(self) -> None:
        whole("groups", self.groups, most=1024)
        whole("dilation", self.dilation, most=64)
        if type(self.skip) is not bool:
            raise UserError(f"skip is {self.skip!r}; it must be true or false.")
        text("branches", self.branches, branches.DEFAULT)
        text("dilations", self.dilations, "1x1:3+1x2:1")
        _ = (
            self.branches and branches.module(self.branches),
            self.dilations and dilations.parse(self.dilations),
        )

    def _settle_rarities(self) -> None:
        """One way to say each: pixels that are alone have no distance, and a square dilation is `dilation`."""
        if self.branches:
            object.__setattr__(self, "branches", branches.canonical(self.branches))
        if self.kernel == 1:
            object.__setattr__(self, "dilation", 1)
            object.__setattr__(self, "dilations", "")
        if self.dilations:
            object.__setattr__(self, "dilation", 1)
            object.__setattr__(self, "dilations", dilations.canonical(self.dilations))
            (_, high, wide), *others = dilations.parse(self.dilations)
            if not others and high == wide:
                object.__setattr__(self, "dilation", high)
                object.__setattr__(self, "dilations", "")

    @property
    def multiple(self) -> int:
        """What the width is a multiple of: it is divided into groups."""
        return lcm(self.groups, BLOCKS[self.op].multiple)


_USUAL = (1, 1, True, "", "")


def unread(op: str) -> dict[str, Any]:
    """The fields of a stage that blocks of the family `op` do not read, each with what it is set to."""
    return {name: default for name, default in _UNREAD.items() if name not in BLOCKS[op].reads}


def completed(values: Any) -> Any:
    """The fields of a stage, with those that its family does not read where they are needed and not said."""
    if not isinstance(values, dict) or ("kernel" in values and "expand" in values):
        return values
    return {**unread(values["op"]), **values} if values.get("op") in BLOCKS else values

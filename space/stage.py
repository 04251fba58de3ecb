"""The stage: a sequence of equal blocks."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import Any

from space.blocks import BLOCKS, branches, dilations
from space.checks import act, odd, ratio, stride, text, whole
from space.refusal import UserError, unknown_name

_DEFAULTS: dict[str, Any] = {"kernel": 1, "expand": 1, "se": 0, "act": "silu", "skip": True}
_DEFAULTS |= {"groups": 1, "dilation": 1, "dilations": "", "branches": "", "start": 0}


@dataclass(frozen=True, slots=True)
class Stage:
    """A sequence of `depth` blocks of one kind with `width` output channels. The first has `stride`, the others 1.

    Its input has the width of the stage before, or of the stem. Fields that its block family does not read are set to
    their defaults. Raises `UserError` for invalid values.

    op: the block family, a key of `space.blocks.BLOCKS`.
    depth: the number of blocks, which may be 0.
    kernel: the side of the spatial convolution in pixels, odd; families with `kernel_optional` permit 0 for none.
    expand: a block's hidden width divided by its input width, from 0.05 to 64. In sandglass blocks it is the input
        width, in double BlazeFace blocks the output width, divided by the hidden width.
    se: the bottleneck of squeeze-excitation divided by the block's input width ("mbv3": by its hidden width), from
        0.001 to 1; 0 for none.
    act: the activation, one of `space.conv.ACTIVATIONS`.
    groups: the number of groups of the 1x1 convolutions, up to 1024. A convolution whose channels are not divisible
        by `groups` has a single group.
    dilation: the dilation of the spatial convolution, up to 64.
    skip: True if a block's input is added to its output where their shapes agree.
    branches: the branches of inception modules, see `space.blocks.branches`; "" for its `DEFAULT`.
    dilations: the dilations of groups of channels of the spatial convolution, see `space.blocks.dilations`; "" if all
        channels have `dilation`.
    start: the kernel of the depthwise convolution before the expansion of a "uib" block, 0 for none. In such blocks
        `kernel` may be 0 too.
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
    start: int = 0

    def __post_init__(self) -> None:
        if self.op not in BLOCKS:
            raise unknown_name("op", self.op, BLOCKS)
        family = BLOCKS[self.op]
        whole("depth", self.depth, minimum=0, maximum=1_000_000)
        if not family.kernel_optional or type(self.kernel) is not int or self.kernel:
            odd("kernel", self.kernel)
        stride("stride", self.stride)
        object.__setattr__(self, "expand", ratio("expand", self.expand, 0.05, 64))
        whole("width", self.width)
        object.__setattr__(self, "se", 0 if self.se == 0 else ratio("se", self.se, 0.001, 1))
        act("act", self.act)
        # Checked only if needed: most stages have none of these, and searches make millions of stages. The types are
        # compared too, since 1.0 and True equal 1.
        fields = (self.groups, self.dilation, self.skip, self.branches, self.dilations, self.start)
        rare = fields != _RARE_DEFAULTS or tuple(map(type, fields)) != _RARE_TYPES
        if rare:
            self._check_rare_fields()
        for name, default in _DEFAULTS.items():
            if name not in family.reads and getattr(self, name) != default:
                object.__setattr__(self, name, default)
        if rare:
            self._canonicalise()
        if self.stride == 2 and not self.kernel and not self.start:
            raise UserError("kernel and start are 0; a block of stride 2 needs one of them.")
        if self.width % self.multiple:
            having = f"op {self.op}" + (f" and groups {self.groups}" if self.groups > 1 else "")
            raise UserError(f"width is {self.width}; with {having} it must be a multiple of {self.multiple}.")

    def _check_rare_fields(self) -> None:
        whole("groups", self.groups, maximum=1024)
        whole("dilation", self.dilation, maximum=64)
        if type(self.skip) is not bool:
            raise UserError(f"skip is {self.skip!r}; it must be true or false.")
        if type(self.start) is not int or self.start:
            odd("start", self.start)
        text("branches", self.branches, branches.DEFAULT)
        text("dilations", self.dilations, "1x1:3+1x2:1")
        _ = (
            self.branches and branches.module(self.branches),
            self.dilations and dilations.parse(self.dilations),
        )

    def _canonicalise(self) -> None:
        """Set the fields so that equal stages have equal fields.

        `branches` and `dilations` become canonical. A 1x1 kernel loses its dilations. If `dilations` has only one
        group, with equal dilations along rows and columns, it becomes `dilation`.
        """
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
        """The number that must divide the width: a common multiple of `groups` and of the family's `multiple`."""
        return lcm(self.groups, BLOCKS[self.op].multiple)


_RARE_DEFAULTS = (1, 1, True, "", "", 0)
_RARE_TYPES = tuple(map(type, _RARE_DEFAULTS))


def ignored_fields(op: str) -> dict[str, Any]:
    """Return a mapping of the fields that the block family `op` does not read to their defaults."""
    return {name: default for name, default in _DEFAULTS.items() if name not in BLOCKS[op].reads}


def with_defaults(values: Any) -> Any:
    """Return `values`, the fields of a stage, with defaults for missing fields that its family does not read.

    `values` are returned unchanged if they are not a mapping, have an unknown op, or have `kernel` and `expand`, the
    only such fields for which `Stage` itself has no default.
    """
    if not isinstance(values, dict) or ("kernel" in values and "expand" in values):
        return values
    return {**ignored_fields(values["op"]), **values} if values.get("op") in BLOCKS else values

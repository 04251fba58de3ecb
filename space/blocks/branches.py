"""The notation of inception modules: `64+96>3:128+16>3:32+max>32`.

Branches are separated by "+", their layers by ">". A number is a convolution with that many output channels. Its
kernel stands before ":", such as 3 or 1x7, and is 1 if there is none; "v" after the kernel means no padding. "max",
"avg" and "avgi" pool over 3 x 3 pixels ("avgi" averages only pixels inside the map), and "maxv" is max-pooling
without padding. The last layer of a branch may consist of two parallel convolutions: 384>(1x3:384|3x1:384). A leading
"max;", or "max2;" for 2 x 2 pixels, pools the input of the branches in a block of stride 2, so that the branches need
no stride. A trailing "=320*0.17" makes the module residual: a linear 1x1 convolution maps the joined branches to 320
channels, and 0.17 times its output is added to the input where their shapes agree. A final "~" leaves out the
activation after this sum.

The numbers of channels are relative ("shares"). They are stored without a common divisor, and scaled to the width of
a block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from space.blocks.dilations import apportioned
from space.refusal import UserError

_POOLS = ("max", "maxv", "avg", "avgi")
_CONV = re.compile(r"(?:(\d)(?:x(\d))?(v?):)?([1-9]\d{0,4})")
_WHOLE = re.compile(r"(?:(max2?);)?([^=]+)(?:=([1-9]\d{0,4})\*(\d(?:\.\d+)?)(~?))?")
DEFAULT = "64+96>3:128+16>3:32+max>32"
"""GoogLeNet's first module."""


@dataclass(frozen=True, slots=True)
class Spatial:
    """A convolution of a branch.

    share: the width relative to the module's other convolutions; in the result of `sized`, the number of output
    channels. kernel: (height, width). padded: True for "same" padding, False for none.
    """

    share: int
    kernel: tuple[int, int] = (1, 1)
    padded: bool = True

    def __str__(self) -> str:
        high, wide = self.kernel
        kernel = f"{high}" if high == wide else f"{high}x{wide}"
        mark = "" if self.padded else "v"
        return str(self.share) if self.kernel == (1, 1) and self.padded else f"{kernel}{mark}:{self.share}"


Branch = tuple[tuple["Spatial | str", ...], ...]
"""The layers of a branch in sequence. A layer is a tuple of one part, or of two parallel parts if it is the last. A
part is a convolution, or the name of a pooling such as "max"."""


@dataclass(frozen=True, slots=True)
class Module:
    """An inception module.

    pool: the pooling of the branches' input: "max", "max2" or "" for none. merged: the output width of a residual
    module, relative like the shares of its layers; 0 for other modules. scale: the factor of the branches in a
    residual module. linear: True if no activation follows the sum of a residual module.
    """

    branches: tuple[Branch, ...]
    pool: str = ""
    merged: int = 0
    scale: float = 0
    linear: bool = False

    def __str__(self) -> str:
        text = "+".join(">".join(map(_written, branch)) for branch in self.branches)
        end = f"={self.merged}*{self.scale:g}" + "~" * self.linear if self.merged else ""
        return (f"{self.pool};" if self.pool else "") + text + end

    @property
    def outputs(self) -> tuple[Spatial | str, ...]:
        """The parts of the last layers of all branches, whose outputs are concatenated."""
        return tuple(one for branch in self.branches for one in branch[-1])


@lru_cache(maxsize=4096)
def module(text: str) -> Module:
    """Return the module that `text` describes. Its shares have no common divisor. Raises `UserError` if invalid."""
    whole = _WHOLE.fullmatch(text) if len(text) < 400 else None
    if not whole:
        raise _wrong(text, text)
    branches = tuple(
        tuple(_layer(text, layer) for layer in branch.split(">")) for branch in whole[2].split("+")
    )
    if any(len(layer) > 1 for branch in branches for layer in branch[:-1]):
        raise UserError(f"branches {text!r}: only the last layer of a branch may be two in parallel.")
    merged = int(whole[3] or 0)
    for branch in branches:
        pooled = any(isinstance(one, str) for one in branch[-1])
        if pooled and not merged and any(isinstance(one, Spatial) for layer in branch for one in layer):
            raise UserError(
                f"branches {text!r}: a branch with a convolution cannot end with pooling; end it with a convolution."
            )
    shares = [
        one.share for branch in branches for layer in branch for one in layer if isinstance(one, Spatial)
    ]
    if not shares:
        raise UserError(f"branches {text!r} have no convolution.")
    common = gcd(merged, *shares)
    reduced = tuple(
        tuple(
            tuple(one if isinstance(one, str) else _times(one, 1, common) for one in layer)
            for layer in branch
        )
        for branch in branches
    )
    return Module(reduced, whole[1] or "", merged // common, float(whole[4] or 0), bool(whole[5]))


def canonical(text: str) -> str:
    """Return the one text that all equal modules share; "" for the default module.

    Raises `UserError` for an invalid text.
    """
    written = str(module(text))
    return "" if written == str(module(DEFAULT)) else written


def sized(read: Module, width: int, width_in: int) -> tuple[Branch, ...]:
    """Return the branches of `read` with channels instead of shares, for a block of `width` channels.

    Unless the module is residual, the output channels of its branches add up to `width`. Then a branch that ends with
    pooling consists of pooling alone and outputs `width_in` channels. Such branches are left out if too few channels
    would remain for the others, as in a second reduction module after the first. Raises `UserError` if `width` is
    too small even then.
    """
    branches = read.branches
    outputs = [one.share for one in read.outputs if isinstance(one, Spatial)]
    room = width - sum(width_in for one in read.outputs if isinstance(one, str))
    whole = sum(outputs)
    if read.merged:
        room, whole = width, read.merged
    elif room < len(outputs):
        branches, room = tuple(b for b in branches if not isinstance(b[-1][0], str)), width
        if not branches or room < len(outputs):
            raise UserError(f"{width} channels are too few for the branches {read}.")
    ends = iter(outputs if not outputs or read.merged else apportioned(outputs, room))

    def width_of(one: Spatial | str, last: bool) -> Spatial | str:
        if isinstance(one, str):
            return one
        if last and not read.merged:
            return Spatial(next(ends), one.kernel, one.padded)
        return _times(one, room, whole) if whole else one

    return tuple(
        tuple(tuple(width_of(one, layer is branch[-1]) for one in layer) for layer in branch)
        for branch in branches
    )


def _written(layer: tuple[Spatial | str, ...]) -> str:
    return str(layer[0]) if len(layer) == 1 else f"({'|'.join(map(str, layer))})"


def _times(one: Spatial, factor: int, divisor: int) -> Spatial:
    """Return the convolution `one` with its share times `factor` / `divisor`, rounded, at least 1."""
    return Spatial(max(1, (2 * one.share * factor + divisor) // (2 * divisor)), one.kernel, one.padded)


def _layer(text: str, layer: str) -> tuple[Spatial | str, ...]:
    if layer.startswith("(") and layer.endswith(")"):
        return tuple(_one(text, one) for one in layer[1:-1].split("|"))
    return (_one(text, layer),)


def _one(text: str, one: str) -> Spatial | str:
    if one in _POOLS:
        return one
    match = _CONV.fullmatch(one)
    if not match:
        raise _wrong(text, one)
    high = int(match[1] or 1)
    kernel = high, int(match[2] or high)
    if kernel[0] % 2 == 0 or kernel[1] % 2 == 0:
        raise UserError(f"branches {text!r}: the kernel of {one!r} must be odd.")
    return Spatial(int(match[4]), kernel, not match[3])


def _wrong(text: str, part: str) -> UserError:
    return UserError(f"branches {text!r}: {part!r} is not a layer; write 64, 3:128, 1x7:192, max or avg.")

"""Ranges of phi on the command line."""

from __future__ import annotations

import math
import re

from scaling.compound import checked_phi
from space import UserError

_RANGE = re.compile(r"(.+)\.\.(.+?)(?::(.+))?")
_MAX_STEPS = 1000


def phis(text: str) -> tuple[float, ...]:
    """Return the values of phi in `text`, in its order: "1..7", "0..3:0.5" (steps of 0.5), "-1,0,0.5".

    Raises `UserError` for a text of another form, and for a phi outside of its range.
    """
    values: list[float] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if not match:
            values.append(_phi(part))
            continue
        first, last, step = _phi(match[1]), _phi(match[2]), _phi(match[3] or "1")
        if step <= 0 or last < first or (last - first) / step >= _MAX_STEPS:
            raise UserError(
                f"{part!r} is not a range of phi; write FIRST..LAST or FIRST..LAST:STEP, such as 0..3:0.5, with "
                "fewer than 1,000 steps."
            )
        # 0..0.3:0.1 must end at 0.3 although 3 * 0.1 is not exactly 0.3: hence the tolerance and the rounding.
        steps = math.floor((last - first) / step + 1e-3)
        values += [round(first + step * number, 10) for number in range(steps + 1)]
    return tuple(values)


def _phi(text: str) -> float:
    try:
        return checked_phi(float(text))
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{text!r} is not a number for phi; write a number, or a range such as 1..7 or 0..3:0.5."
        ) from None

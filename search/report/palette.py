"""The palette of pages and figures: Okabe and Ito's colours, which colour-blind readers can distinguish, and more."""

from __future__ import annotations

PALETTE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#b37400",
    "#3a93c9",
    "#777777",
    "#7a4b2a",
    "#6a51a3",
)
"""The colours on paper. A page has its own colours for light and for dark screens (`page/page.css`)."""
GREY = 6
"""The index of grey in the palette, for series that are not compared, such as random draws."""
_COLOURS = (0, 1, 2, 3, 4, 5, 7, 8)
"""The other indices in the palette."""


def colour(number: int) -> int:
    """Return the index in the palette for series `number`, counted from 0. After eight colours they repeat."""
    return _COLOURS[number % len(_COLOURS)]

"""The arguments that functions for Python share: settings as keywords, and the display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from search.engine.display import Display
from space import UserError

Shown = Display | Literal["auto"] | None
"""A display; "auto" for one that suits a notebook, a terminal or a log file; None to show nothing."""


def joined(settings: Mapping[str, Any] | None, words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a mapping and of keywords as one mapping. Raises `UserError` for one that both give."""
    for name in words:
        if name in (settings or {}):
            raise UserError(f"{name} is given twice: as a keyword and in the mapping of settings.")
    return {**(settings or {}), **words}


def display_of(display: Shown) -> Display | None:
    """Return `display`. For "auto", return a display in the notebook; outside a notebook, one on standard error."""
    if display != "auto":
        return display
    from rich.console import Console

    from search.engine.live import Terminal
    from search.engine.notebook import Notebook

    console = Console(stderr=True)
    return Notebook() if console.is_jupyter else Terminal(console)

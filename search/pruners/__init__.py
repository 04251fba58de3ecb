"""Cheaper trainings that decide which networks are worth the whole one.

A rung is a complete training of its own: the proxy's schedule, to the end, in fewer epochs and with another seed.
Nothing is cut off half-way. The best of a rung are trained again at the next; the others rest, `pruned`. Whether a
rung may decide is itself decided by the first networks of the search, which are trained at all of them.
"""

from search.pruners.pruner import Automatic, Hyperband, Off, Pruner, SuccessiveHalving
from search.pruners.rungs import Ladder
from search.settings.extensions import ENTRY_POINTS
from space.registry import Registry

PRUNERS: Registry[type[Pruner]] = Registry(
    ENTRY_POINTS["pruner"],
    {"auto": Automatic, "asha": SuccessiveHalving, "hyperband": Hyperband, "none": Off},
)
"""Every pruner by the name that `pruner=` takes: the extension point."""

__all__ = ["PRUNERS", "Ladder", "Pruner"]

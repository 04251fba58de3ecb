"""Low-fidelity trainings that decide which networks get the full one.

A rung is a complete training of its own: the proxy's schedule over fewer epochs, down to learning rate 0, with
another seed. No training is cut off. The best networks of a rung are trained again at the next one; the others keep
the state `pruned`. The first networks of the search, the pilots, are trained at all rungs. After them, the search
uses only the rungs that rank the pilots as the full training does. With pruner.gate=0 there are no pilots, and all
rungs are used.
"""

from search.pruners.pruner import Automatic, NoPruner, Pruner, SuccessiveHalving, Workload
from search.pruners.rungs import Ladder
from search.settings.extensions import ENTRY_POINTS
from space.extension_points import Registry

PRUNERS: Registry[type[Pruner]] = Registry(
    ENTRY_POINTS["pruner"], {"auto": Automatic, "asha": SuccessiveHalving, "none": NoPruner}
)
"""The extension point: every pruner by the name that `pruner=` takes."""

__all__ = ["PRUNERS", "Ladder", "Pruner", "Workload"]

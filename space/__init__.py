"""Networks as immutable values, with their exact costs, search spaces and torch modules.

    >>> from space import cost, decode, published
    >>> cost(published("b0").architecture).macs
    385814752

`build` and `Network` need torch, so they are imported at their first use. All else is imported in milliseconds.
"""

from typing import TYPE_CHECKING, Any

from space.architecture import Architecture, Head, Stage, Stem, decode, encode
from space.catalog import CATALOG, Published, published
from space.choices.points import Point
from space.choices.space import Space
from space.choices.tree import Choice
from space.cost.cost import Cost, cost, parts
from space.plan import Block, plan
from space.refusal import UserError
from space.rescale import Multipliers, Rounding, rescale

if TYPE_CHECKING:
    from space.network.network import Network, build

__all__ = [
    "CATALOG",
    "Architecture",
    "Block",
    "Choice",
    "Cost",
    "Head",
    "Multipliers",
    "Network",
    "Point",
    "Published",
    "Rounding",
    "Space",
    "Stage",
    "Stem",
    "UserError",
    "build",
    "cost",
    "decode",
    "encode",
    "parts",
    "plan",
    "published",
    "rescale",
]


def __getattr__(name: str) -> Any:
    if name in ("build", "Network"):
        from space.network import network

        return getattr(network, name)
    raise AttributeError(f"module 'space' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

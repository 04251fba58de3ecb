"""Strategies that propose the next network of a search.

A sampler gets the whole history of a search and returns a point of the space: the index of an option for each choice.
The point depends only on the history, the sampler's options and a seed, so a resumed search continues as if it had
not been interrupted.
"""

from search.samplers.automatic import Automatic
from search.samplers.base import Exhausted, Observation, Partial, Proposer, Sampler
from search.samplers.evolution import RegularizedEvolution
from search.samplers.nsga2 import NSGA2
from search.samplers.optuna import TPE, OptunaGP, Random
from search.samplers.ordinal_gp import OrdinalGP
from search.samplers.sequences import Grid, QuasiRandom
from search.settings.extensions import ENTRY_POINTS
from space.extension_points import Registry

SAMPLERS: Registry[type[Sampler]] = Registry(
    ENTRY_POINTS["sampler"],
    {
        "auto": Automatic,
        "ordinal_gp": OrdinalGP,
        "gp": OptunaGP,
        "tpe": TPE,
        "random": Random,
        "evolution": RegularizedEvolution,
        "nsga2": NSGA2,
        "qmc": QuasiRandom,
        "grid": Grid,
    },
)
"""The extension point: every sampler by the name that `sampler=` takes."""

__all__ = ["SAMPLERS", "Exhausted", "Observation", "Partial", "Proposer", "Sampler"]

"""Strategies that propose the next network of a search.

A sampler is asked with the whole history and answers with a point of the space. What it proposes depends on
that history, its options and the seed alone, so a resumed search goes on as if it had not stopped.
"""

from search.samplers.automatic import Automatic
from search.samplers.base import Exhausted, Observation, Partial, Proposer, Sampler
from search.samplers.evolution import RegularisedEvolution
from search.samplers.nsga2 import NSGA2
from search.samplers.optuna import GaussianProcess, ParzenTrees, Uniform
from search.samplers.ordinal_gp import OrdinalProcess
from search.samplers.sequences import Grid, QuasiRandom
from search.settings.extensions import ENTRY_POINTS
from space.registry import Registry

SAMPLERS: Registry[type[Sampler]] = Registry(
    ENTRY_POINTS["sampler"],
    {
        "auto": Automatic,
        "ordinal_gp": OrdinalProcess,
        "gp": GaussianProcess,
        "tpe": ParzenTrees,
        "random": Uniform,
        "evolution": RegularisedEvolution,
        "nsga2": NSGA2,
        "qmc": QuasiRandom,
        "grid": Grid,
    },
)
"""Every strategy by the name that `sampler=` takes: the extension point."""

__all__ = ["SAMPLERS", "Exhausted", "Observation", "Partial", "Proposer", "Sampler"]

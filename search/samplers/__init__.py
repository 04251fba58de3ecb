"""Strategies that propose the next network of a search.

A sampler is asked with the whole history and answers with a point of the space. What it proposes depends on
that history, its options and the seed alone, so a resumed search goes on as if it had not stopped.
"""

from search.extensions import ENTRY_POINTS
from search.samplers.automatic import Automatic
from search.samplers.bayesian import GaussianProcess, ParzenTrees, Uniform
from search.samplers.enumeration import Grid, QuasiRandom
from search.samplers.evolution import RegularisedEvolution
from search.samplers.gaussian import OrdinalProcess
from search.samplers.nsga2 import NSGA2
from search.samplers.sampler import Exhausted, Observation, Partial, Proposer, Sampler
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

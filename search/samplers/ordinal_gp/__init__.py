"""A Gaussian process over codes of the choices: small, exact, and asked for one network at a time."""

from search.samplers.ordinal_gp.sampler import OrdinalGP

__all__ = ["OrdinalGP"]

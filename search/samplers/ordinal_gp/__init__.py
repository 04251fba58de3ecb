"""Our own Gaussian process over codes of the choices: small, exact, asked for one network at a time."""

from search.samplers.ordinal_gp.sampler import OrdinalGP

__all__ = ["OrdinalGP"]

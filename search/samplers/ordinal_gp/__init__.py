"""A sampler with an exact Gaussian process over numeric codes of the choices. It proposes one network at a time."""

from search.samplers.ordinal_gp.sampler import OrdinalGP

__all__ = ["OrdinalGP"]

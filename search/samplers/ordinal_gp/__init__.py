"""Our own Gaussian process over the codes of choices: small, exact, and asked for one network at a time."""

from search.samplers.ordinal_gp.sampler import OrdinalProcess

__all__ = ["OrdinalProcess"]

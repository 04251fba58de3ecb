"""A job for worker processes, which must be able to import it; they cannot import test modules."""

from dataclasses import dataclass

from search.proxy.failure import TrialFailed


@dataclass(frozen=True)
class Square:
    number: int


def squared(job, report):
    """Return the square of any number but three."""
    if job.number == 3:
        raise TrialFailed("three is no good")
    report(1, 0.5)
    return job.number**2

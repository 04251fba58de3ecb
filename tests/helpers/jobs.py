"""A job that processes can be given: what they run must be importable there, and test modules are not."""

from dataclasses import dataclass

from search.proxy.failure import TrialFailed


@dataclass(frozen=True)
class Square:
    number: int


def squared(job, report):
    """The square of any number but three."""
    if job.number == 3:
        raise TrialFailed("three is no good")
    report(1, 0.5)
    return job.number**2
